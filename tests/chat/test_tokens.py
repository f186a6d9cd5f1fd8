from __future__ import annotations

import base64
import json

import jwt
import pytest

from chirpbird.chat.errors import NotSignedIn, TokenExpired
from chirpbird.chat.tokens import AccessTokens, Identity
from tests.support.chat_fakes import FakeClock

SECRET = b"k" * 32
CLAIMS = {"sub": "U1", "sid": "S1", "exp": 1_700_000_600}


@pytest.fixture
def tokens(clock: FakeClock) -> AccessTokens:
    return AccessTokens(SECRET, clock, lifetime=600)


def test_a_token_says_who_and_until_when(tokens: AccessTokens) -> None:
    token = tokens.issue("U1", "S1")
    assert tokens.verify(token) == Identity("U1", "S1", 1_700_000_600)
    assert jwt.decode(token, options={"verify_signature": False}) == CLAIMS | {"iat": 1_700_000_000}


def test_a_token_runs_out_at_its_time(tokens: AccessTokens, clock: FakeClock) -> None:
    token = tokens.issue("U1", "S1")
    clock.forward(599.999)
    tokens.verify(token)
    clock.forward(0.001)
    with pytest.raises(TokenExpired):
        tokens.verify(token)


def unsigned() -> str:
    parts = ({"alg": "none", "typ": "JWT"}, CLAIMS)
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        + "."
    )


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        "a.b.c",
        "é",
        "x" * 100_000,
        unsigned(),
        jwt.encode(CLAIMS, b"x" * 32, algorithm="HS256"),
        jwt.encode(CLAIMS, b"k" * 32 + b"k" * 32, algorithm="HS512"),
        jwt.encode({"sub": "U1", "sid": "S1"}, SECRET, algorithm="HS256"),
        jwt.encode({"sid": "S1", "exp": 1_700_000_600}, SECRET, algorithm="HS256"),
        jwt.encode(CLAIMS | {"exp": "soon"}, SECRET, algorithm="HS256"),
        jwt.encode(CLAIMS | {"sub": "#U1"}, SECRET, algorithm="HS256"),
        jwt.encode(CLAIMS | {"sid": 5}, SECRET, algorithm="HS256"),
    ],
)
def test_what_is_not_ours_is_refused_for_good(tokens: AccessTokens, token: str) -> None:
    with pytest.raises(NotSignedIn) as caught:
        tokens.verify(token)
    assert not isinstance(caught.value, TokenExpired)


def test_a_changed_token_is_refused(tokens: AccessTokens) -> None:
    head, body, signature = tokens.issue("U1", "S1").split(".")
    other = base64.urlsafe_b64encode(json.dumps(CLAIMS | {"sub": "U2"}).encode()).decode().rstrip("=")
    assert other != body
    with pytest.raises(NotSignedIn, match=r"^the access token is not valid$"):
        tokens.verify(f"{head}.{other}.{signature}")


def test_a_short_secret_is_refused(clock: FakeClock) -> None:
    with pytest.raises(ValueError, match="the secret is 31 bytes long, at least 32 are expected"):
        AccessTokens(b"k" * 31, clock, lifetime=600)
