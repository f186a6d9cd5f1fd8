"""Tokens: what is ours is believed, what is not is refused in one of a few ways, whatever it is."""

from __future__ import annotations

import base64
import hmac
import json
from contextlib import suppress
from typing import Any

import jwt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chirpbird.realtime import ProtocolError, errors
from chirpbird.standalone.config import TokenOptions
from chirpbird.standalone.grants import Grant, Override, Switch
from chirpbird.standalone.keys import ALGORITHMS
from chirpbird.standalone.tokens import InvalidToken, TokenVerifier, _ConnectionClaims, _SubscriptionClaims
from tests.support.realtime import FakeClock
from tests.support.standalone import SECRET, pem, private_keys, sign

KEYS = private_keys()
CLOCK = FakeClock()
NOW = int(CLOCK.time())
HS256 = b'{"alg":"HS256"}'


def verifier(**options: Any) -> TokenVerifier:
    return TokenVerifier(TokenOptions(**{"hmac_secret_key": SECRET, **options}), CLOCK)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(header: object, claims: object, key: bytes | str = SECRET) -> str:
    """Signed with HMAC, whatever the header says."""
    return forged_bytes(json.dumps(header).encode(), json.dumps(claims).encode(), key)


def forged_bytes(header: bytes, payload: bytes, key: bytes | str = SECRET) -> str:
    signed = f"{b64(header)}.{b64(payload)}"
    key = key.encode() if isinstance(key, str) else key
    return f"{signed}.{b64(hmac.digest(key, signed.encode(), 'sha256'))}"


async def refusal(token: str, **options: Any) -> str:
    with pytest.raises(InvalidToken) as caught:
        await verifier(**options).connection(token)
    return str(caught.value)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_a_secret_of_ours(algorithm: str) -> None:
    token = await verifier().connection(sign(algorithm=algorithm, sub="ann"))
    assert (token.user, token.expire_at, token.info, dict(token.subscriptions)) == ("ann", None, b"", {})


@pytest.mark.parametrize("algorithm", sorted(KEYS))
async def test_a_private_key_of_ours(algorithm: str) -> None:
    options = {"RS": "rsa_public_key", "ES": "ecdsa_public_key", "Ed": "ed25519_public_key"}
    key = {options[algorithm[:2]]: pem(KEYS[algorithm])}
    signed = sign(KEYS[algorithm], algorithm, sub="ann")
    assert (await verifier(**key).connection(signed)).user == "ann"
    assert "is not valid" in await refusal(signed)
    other = private_keys()[algorithm]
    assert "is not valid" in await refusal(sign(other, algorithm, sub="ann"), **key)


async def test_the_curve_goes_with_the_algorithm() -> None:
    signed = jwt.encode({"sub": "ann"}, KEYS["ES256"], algorithm="ES256")
    assert "is not valid" in await refusal(signed, ecdsa_public_key=pem(KEYS["ES384"]))


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "", "HS1", "PS256", "ES256K", "HS256 ", None, 1, [], {}]
)
async def test_no_other_algorithm(algorithm: object) -> None:
    for token in (
        forged({"alg": algorithm}, {"sub": "ann"}),
        forged({"alg": algorithm}, {}).rpartition(".")[0] + ".",
    ):
        assert "algorithm is" in await refusal(token)


async def test_a_public_key_is_no_secret() -> None:
    """The oldest trick: sign with HMAC, and take the public key, which everybody has, for the secret."""
    public = pem(KEYS["RS256"])
    for key in (public, public.strip(), public.replace("\n", "")):
        for algorithm in ("HS256", "RS256"):
            token = forged({"alg": algorithm}, {"sub": "ann"}, key)
            assert "is not valid" in await refusal(token, rsa_public_key=public)
            assert "is not valid" in await refusal(token, rsa_public_key=public, hmac_secret_key="")


async def test_an_empty_secret_is_none() -> None:
    assert "is not valid" in await refusal(forged({"alg": "HS256"}, {"sub": "ann"}, b""), hmac_secret_key="")


async def test_headers_with_extensions_are_refused() -> None:
    extras: list[dict[str, Any]] = [
        {"crit": ["b64"]},
        {"b64": False},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
    ]
    for extra in extras:
        await refusal(forged({"alg": "HS256", **extra}, {"sub": "ann"}))


async def test_a_key_in_the_header_does_not_count() -> None:
    jwk = {"kty": "oct", "k": b64(b"mine")}
    assert "is not valid" in await refusal(
        forged({"alg": "HS256", "jwk": jwk, "kid": "../../dev/null"}, {}, b"mine")
    )


async def test_the_previous_secret_holds_for_a_while() -> None:
    previous = "the secret before that one, which was as long"
    token = sign(previous, sub="ann")
    options: dict[str, Any] = {"hmac_previous_secret_key": previous}
    assert (await verifier(**options).connection(token)).user == "ann"
    options["hmac_previous_secret_key_valid_until"] = NOW
    assert (await verifier(**options).connection(token)).user == "ann"
    options["hmac_previous_secret_key_valid_until"] = NOW - 1
    await refusal(token, **options)


@pytest.mark.parametrize(
    "claims", [{"exp": NOW}, {"exp": NOW - 1}, {"nbf": NOW + 1}, {"exp": 0}, {"exp": -5.5}]
)
async def test_what_does_not_hold_now(claims: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError) as caught:
        await verifier().connection(sign(sub="ann", **claims))
    assert caught.value is errors.TOKEN_EXPIRED


@pytest.mark.parametrize(
    ("claims", "expire_at"),
    [
        ({"exp": NOW + 5}, NOW + 5),
        ({"exp": NOW + 5.5}, NOW + 5.5),
        ({"exp": NOW + 5, "expire_at": NOW + 9}, NOW + 9),
        ({"exp": NOW + 5, "expire_at": 0}, None),
        ({"exp": None, "nbf": NOW}, None),
    ],
)
async def test_when_a_connection_ends(claims: dict[str, Any], expire_at: float | None) -> None:
    assert (await verifier().connection(sign(sub="ann", **claims))).expire_at == expire_at


@pytest.mark.parametrize(
    ("options", "claims", "good"),
    [
        ({"audience": "a"}, {"aud": "a"}, True),
        ({"audience": "a"}, {"aud": ["b", "a"]}, True),
        ({"audience": "a"}, {"aud": "b"}, False),
        ({"audience": "a"}, {}, False),
        ({"audience_regex": "^a+$"}, {"aud": ["b", "aa"]}, True),
        ({"audience_regex": "^a+$"}, {"aud": []}, False),
        ({"issuer": "i"}, {"iss": "i"}, True),
        ({"issuer": "i"}, {"iss": "j"}, False),
        ({"issuer": "i"}, {}, False),
        ({"issuer_regex": "^i"}, {"iss": "ij"}, True),
        ({"issuer_regex": "^i"}, {"iss": "ji"}, False),
        ({"issuer_regex": "^i"}, {}, False),
    ],
)
async def test_audience_and_issuer(options: dict[str, str], claims: dict[str, Any], good: bool) -> None:
    if good:
        await verifier(**options).connection(sign(**claims))
    else:
        assert "it is" in await refusal(sign(**claims), **options)


@pytest.mark.parametrize(
    ("claims", "user"), [({"id": "ann"}, "ann"), ({"id": 7}, "7"), ({}, ""), ({"id": None, "sub": "bob"}, "")]
)
async def test_the_user_may_be_in_another_claim(claims: dict[str, Any], user: str) -> None:
    assert (await verifier(user_id_claim="id").connection(sign(**claims))).user == user


@pytest.mark.parametrize("value", [True, 1.5, [], {}])
async def test_a_user_is_text_or_a_number(value: object) -> None:
    assert "expected a string" in await refusal(sign(id=value), user_id_claim="id")


async def test_what_connection_tokens_grant() -> None:
    subs = {
        "a": {},
        "b": {"info": {"x": 1}, "data": [2], "override": {"presence": {"value": True}}},
        "c": {"b64info": base64.b64encode(b"\x00").decode(), "b64data": "AQ=="},
    }
    token = await verifier().connection(
        sign(sub="ann", info={"n": 1}, channels=["z"], subs=subs, meta={"m": 1})
    )
    assert token.info == b'{"n":1}'
    assert token.subscriptions == {
        "a": Grant(),
        "b": Grant(b'{"x":1}', b"[2]", Override(presence=Switch(True))),
        "c": Grant(b"\x00", b"\x01"),
    }
    listed = await verifier().connection(sign(sub="ann", b64info="AQ==", info=None, channels=["y", "z"]))
    assert (listed.info, list(listed.subscriptions)) == (b"\x01", ["y", "z"])


@pytest.mark.parametrize(
    "claims",
    [
        {"channel": "a"},
        {"b64info": "?"},
        {"subs": {"a": {"b64data": "?"}}},
        {"sub": 5},
        {"exp": "soon"},
        {"exp": 1e300},
        {"channels": "a"},
        {"channels": [1]},
        {"subs": []},
        {"subs": {"a": {"override": {"presence": True}}}},
        {"aud": 1},
    ],
)
async def test_claims_that_make_no_sense(claims: dict[str, Any]) -> None:
    await refusal(forged({"alg": "HS256"}, claims))


async def test_what_subscription_tokens_say() -> None:
    claims: dict[str, Any] = {
        "sub": "ann",
        "channel": "news",
        "client": "c",
        "exp": NOW + 5,
        "info": {"x": 1},
        "b64data": "AQ==",
    }
    token = await verifier().subscription(sign(**claims))
    assert (token.user, token.channel, token.client, token.expire_at) == ("ann", "news", "c", NOW + 5)
    assert token.grant == Grant(b'{"x":1}', b"\x01")
    with pytest.raises(InvalidToken, match="has no channel"):
        await verifier().subscription(sign(sub="ann"))


# Whatever comes in

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_names = st.sampled_from([*_ConnectionClaims.__struct_fields__, *_SubscriptionClaims.__struct_fields__, "x"])
_claims = st.dictionaries(_names, _json, max_size=6)


async def outcome(token: str) -> None:
    for method in (verifier(user_id_claim="x").connection, verifier().subscription):
        with suppress(InvalidToken, type(errors.TOKEN_EXPIRED)):
            await method(token)


@given(st.text(max_size=200) | st.text("eyJhbGciOi.-_=", max_size=200))
@example("..")
@example("a.b.c")
@example("." * 100)
@example("eyJhbGciOiJIUzI1NiJ9..")
async def test_any_text_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        await verifier().connection(token)


@given(_claims)
async def test_any_claims_have_a_defined_outcome(claims: dict[str, Any]) -> None:
    await outcome(forged({"alg": "HS256"}, claims))


@given(_json)
async def test_any_payload_has_a_defined_outcome(payload: object) -> None:
    await outcome(forged({"alg": "HS256"}, payload))


@given(st.binary(max_size=60))
async def test_any_bytes_have_a_defined_outcome(payload: bytes) -> None:
    await outcome(forged_bytes(HS256, payload))


@given(_json | st.dictionaries(st.sampled_from(["alg", "kid", "crit", "b64", "typ", "jwk", "x5c"]), _json))
async def test_any_header_has_a_defined_outcome(header: object) -> None:
    await outcome(forged(header, {"sub": "ann"}))


@given(st.data())
async def test_a_changed_token_is_refused(data: st.DataObject) -> None:
    """One character of a good token is another: nothing of it holds."""
    good = data.draw(st.sampled_from(SIGNED))
    place = data.draw(st.integers(0, len(good) - 1))
    character = data.draw(st.sampled_from("ABCXYZabcxyz019-_.=").filter(lambda other: other != good[place]))
    changed = good[:place] + character + good[place + 1 :]
    with pytest.raises(InvalidToken):
        await ALL_KEYS.connection(changed)


ALL_KEYS = verifier(
    rsa_public_key=pem(KEYS["RS256"]),
    ecdsa_public_key=pem(KEYS["ES256"]),
    ed25519_public_key=pem(KEYS["EdDSA"]),
)
SIGNED = [sign(sub="ann")] + [sign(KEYS[name], name, sub="ann") for name in ("RS256", "ES256", "EdDSA")]


@given(st.sampled_from(sorted(ALGORITHMS)), st.sampled_from(SIGNED))
async def test_no_signature_holds_under_another_algorithm(algorithm: str, good: str) -> None:
    header, _, rest = good.partition(".")
    named = json.loads(base64.urlsafe_b64decode(header + "=="))
    if named["alg"] == algorithm:
        return
    with pytest.raises(InvalidToken):
        await ALL_KEYS.connection(f"{b64(json.dumps({**named, 'alg': algorithm}).encode())}.{rest}")


async def test_depth_and_length_have_limits() -> None:
    deep = "[" * 5000 + "]" * 5000
    await outcome(forged_bytes(HS256, b'{"info":%b}' % deep.encode()))
    await refusal(f"{b64(deep.encode())}.e30.AAAA")
    assert "characters" in await refusal("a" * 70_000)
