"""Key sets: fetched when needed, kept, and not fetched for everybody who asks."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import jwt
import pytest
from jwt.algorithms import get_default_algorithms

from chirpbird.realtime import ProtocolError
from chirpbird.standalone.config import TokenOptions
from chirpbird.standalone.jwks import FRESH, MAX_SET, PAUSE, USABLE, KeySet, KeysUnavailable, http_fetch
from chirpbird.standalone.tokens import InvalidToken, TokenVerifier
from tests.support.realtime import FakeClock
from tests.support.standalone import private_keys, sign

KEYS = private_keys()


def jwk(algorithm: str, key_id: str, **fields: Any) -> dict[str, Any]:
    written = get_default_algorithms()[algorithm].to_jwk(KEYS[algorithm].public_key(), as_dict=True)
    return {**written, "kid": key_id, **fields}


class Endpoint:
    """An identity provider."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.content = json.dumps({"keys": keys}).encode()
        self.asked = 0
        self.down = False
        self.gate: asyncio.Event | None = None

    async def fetch(self) -> bytes:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.down:
            raise KeysUnavailable("it is down")
        return self.content


def verifier(endpoint: Endpoint, clock: FakeClock | None = None) -> TokenVerifier:
    clock = clock or FakeClock()
    options = TokenOptions(jwks_public_endpoint="https://id.example/keys", hmac_secret_key="x" * 32)
    return TokenVerifier(options, clock, lambda address: endpoint.fetch)


TEMPLATE = "https://id.example/{{tenant}}/{{app}}/keys"
ISSUER = "^https://(?P<tenant>red|blue)\\.example$"


async def test_issuers_and_audiences_have_keys_of_their_own() -> None:
    endpoints = {
        f"https://id.example/{tenant}/{app}/keys": Endpoint(jwk(algorithm, "k1"))
        for tenant, app, algorithm in (("red", "a.b", "ES256"), ("blue", "a.b", "RS256"))
    }
    options = TokenOptions(
        jwks_public_endpoint=TEMPLATE, issuer_regex=ISSUER, audience_regex="^(?P<app>a\\.b|c)$"
    )
    checked = TokenVerifier(options, FakeClock(), lambda address: endpoints[address].fetch)

    async def user(algorithm: str, **claims: Any) -> str:
        return (await checked.connection(sign(KEYS[algorithm], algorithm, {"kid": "k1"}, **claims))).user

    red = {"iss": "https://red.example", "aud": ["other", "a.b"]}
    blue = {"iss": "https://blue.example", "aud": "a.b"}
    for _ in range(2):
        assert await user("ES256", sub="ann", **red) == "ann"
        assert await user("RS256", sub="bob", **blue) == "bob"
    assert [endpoint.asked for endpoint in endpoints.values()] == [1, 1]
    for algorithm, claims in (
        ("ES256", blue),
        ("ES256", {**red, "iss": "https://green.example"}),
        ("ES256", {**red, "iss": "https://red.example/../x"}),
        ("ES256", {**red, "aud": []}),
        ("ES256", {}),
        ("ES256", {**red, "aud": 5}),
    ):
        with pytest.raises(InvalidToken):
            await user(algorithm, sub="ann", **claims)


@pytest.mark.parametrize(
    ("issuer", "good"),
    [
        (ISSUER, True),
        ("(?P<tenant>a)", True),
        ("(?P<tenant>a-b|c_d|e\\.f)", True),
        ("(?P<tenant>[ab])", False),
        ("(?P<tenant>a.b)", False),
        ("(?P<tenant>a|.*)", False),
        ("(?P<tenant>\\w+)", False),
        ("(?P<tenant>\\.\\.)", False),
        ("(?P<tenant>a|)", False),
        ("(?P<other>a)", False),
        ("\\(?P<tenant>a", False),
        ("", False),
    ],
)
def test_variables_have_listed_values_only(issuer: str, good: bool) -> None:
    template = "https://id.example/{{tenant}}/keys"
    if good:
        assert TokenOptions(jwks_public_endpoint=template, issuer_regex=issuer).has_keys
        return
    with pytest.raises(ValueError, match="has the variable 'tenant'"):
        TokenOptions(jwks_public_endpoint=template, issuer_regex=issuer)


async def test_a_variable_without_a_value_has_no_keys() -> None:
    options = TokenOptions(
        jwks_public_endpoint="https://id.example/{{tenant}}/keys", issuer_regex="^(?:(?P<tenant>red)|any)$"
    )
    checked = TokenVerifier(options, FakeClock(), lambda address: Endpoint().fetch)
    with pytest.raises(InvalidToken, match="none that has keys"):
        await checked.connection(sign(KEYS["ES256"], "ES256", {"kid": "k1"}, sub="ann", iss="any"))


@pytest.mark.parametrize("algorithm", sorted(KEYS))
async def test_tokens_of_published_keys(algorithm: str) -> None:
    endpoint = Endpoint(jwk(algorithm, "k1", alg=algorithm), jwk("RS256", "other"))
    checked = verifier(endpoint)
    for _ in range(3):
        token = sign(KEYS[algorithm], algorithm, {"kid": "k1"}, sub="ann")
        assert (await checked.connection(token)).user == "ann"
    assert endpoint.asked == 1


async def test_what_no_published_key_signed_is_refused() -> None:
    checked = verifier(Endpoint(jwk("RS256", "k1", alg="RS256"), jwk("ES256", "k2")))
    for token in (
        sign(KEYS["RS256"], "RS384", {"kid": "k1"}, sub="ann"),  # the key is for another algorithm
        sign(KEYS["RS256"], "RS256", {"kid": "k2"}, sub="ann"),
        sign(KEYS["RS256"], "RS256", {"kid": "k3"}, sub="ann"),
        sign(KEYS["RS256"], "RS256", sub="ann"),
        sign(KEYS["RS256"], "RS256", {"kid": ""}, sub="ann"),
        sign("x" * 32, "HS256", {"kid": "k1"}, sub="ann"),  # secrets do not count beside a key set
    ):
        with pytest.raises(InvalidToken):
            await checked.connection(token)


@pytest.mark.parametrize(
    "entry",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "k1"},
        jwk("RS256", "k1", use="enc"),
        {"kty": "RSA", "kid": "k1"},
        {"kty": "EC", "crv": "P-256", "x": "?", "y": "?", "kid": "k1"},
        {"kty": "?", "kid": "k1"},
        {"kid": "k1"},
        {**jwk("RS256", "k1"), "kid": 5},
        None,
        5,
    ],
)
async def test_keys_that_are_not_for_this_are_passed_over(entry: Any) -> None:
    clock = FakeClock()
    keys = KeySet(Endpoint(entry, jwk("ES256", "k2")).fetch, clock)
    assert await keys.find("k1") is None
    assert await keys.find("k2") is not None


async def test_a_symmetric_key_of_the_set_signs_nothing() -> None:
    checked = verifier(Endpoint({"kty": "oct", "k": "eHh4eHh4", "kid": "k1", "alg": "HS256"}))
    with pytest.raises(InvalidToken):
        await checked.connection(jwt.encode({}, "x" * 32, "HS256", {"kid": "k1"}))


async def test_unknown_ids_do_not_make_us_ask_each_time() -> None:
    endpoint, clock = Endpoint(jwk("RS256", "k1")), FakeClock()
    keys = KeySet(endpoint.fetch, clock)
    for number in range(20):
        assert await keys.find(f"made up {number}") is None
    assert endpoint.asked == 1
    clock.now += PAUSE
    endpoint.content = json.dumps({"keys": [jwk("RS256", "k2")]}).encode()
    assert await keys.find("k2") is not None
    assert endpoint.asked == 2


async def test_all_wait_for_one_fetch() -> None:
    endpoint = Endpoint(jwk("RS256", "k1"))
    endpoint.gate = asyncio.Event()
    keys = KeySet(endpoint.fetch, FakeClock())
    waiting = [asyncio.ensure_future(keys.find("k1")) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # one that goes away takes nothing from the others
    endpoint.gate.set()
    found = await asyncio.gather(*waiting[1:])
    assert all(key is not None for key in found)
    assert endpoint.asked == 1


async def test_an_outage_is_bridged_for_a_day() -> None:
    endpoint, clock = Endpoint(jwk("RS256", "k1")), FakeClock()
    keys = KeySet(endpoint.fetch, clock)
    assert await keys.find("k1") is not None
    endpoint.down = True
    clock.now += FRESH
    assert await keys.find("k1") is not None
    assert endpoint.asked == 2
    clock.now += USABLE
    with pytest.raises(KeysUnavailable):
        await keys.find("k1")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"keys":{}}', b"\xff", b"[" * 10_000])
async def test_what_is_no_key_set_is_as_if_there_was_none(content: bytes) -> None:
    endpoint = Endpoint()
    endpoint.content = content
    with pytest.raises(ProtocolError) as caught:
        await verifier(endpoint).connection(sign(KEYS["RS256"], "RS256", {"kid": "k1"}))
    assert (caught.value.code, caught.value.temporary) == (100, True)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", None),
        (b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n", "answered 500"),
        (b"HTTP/1.1 302 Go\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", "answered 302"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (MAX_SET + 1) + b" " * (MAX_SET + 1),
            "more than",
        ),
        (b"nonsense\r\n\r\n", "cannot be reached"),
        (b"", "cannot be reached"),
    ],
)
async def test_fetching(answer: bytes, complaint: str | None) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        fetch = http_fetch(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys")
        if complaint is None:
            assert await fetch() == b"{}"
        else:
            with pytest.raises(KeysUnavailable, match=complaint):
                await fetch()
