from __future__ import annotations

import pytest

from chirpbird.realtime.transports.handshake import (
    Handshake,
    HandshakeRefusedError,
    HandshakeRules,
    negotiate,
)
from chirpbird.realtime.transports.origins import Origins

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
BOTH = HandshakeRules()
JSON = HandshakeRules(wires=("json",))


def ask(
    *fields: tuple[bytes, bytes],
    without: bytes = b"",
    method: bytes = b"GET",
    version: str = "1.1",
    query: bytes = b"",
    rules: HandshakeRules = BOTH,
) -> Handshake:
    """Negotiate a good request, but for what a test changes."""
    good = [(b"host", b"chat.example"), (b"sec-websocket-key", KEY), (b"sec-websocket-version", b"13")]
    headers = [field for field in good if field[0] != without] + list(fields)
    return negotiate(method, version, query, headers, rules)


def refusal(*fields: tuple[bytes, bytes], **changes: object) -> HandshakeRefusedError:
    with pytest.raises(HandshakeRefusedError) as caught:
        ask(*fields, **changes)  # type: ignore[arg-type]
    return caught.value


def test_a_plain_request_is_json_without_a_subprotocol() -> None:
    assert ask() == Handshake(KEY, "json", None)


@pytest.mark.parametrize(
    ("offer", "wire", "echo"),
    [
        (b"", "json", None),  # centrifuge-python
        (b"centrifuge-json", "json", "centrifuge-json"),
        (b"centrifuge-protobuf", "protobuf", "centrifuge-protobuf"),
        (b"graphql-ws, centrifuge-protobuf", "protobuf", "centrifuge-protobuf"),
        (b"graphql-ws", "json", None),
    ],
)
def test_the_subprotocol_chooses_the_wire_and_is_echoed(offer: bytes, wire: str, echo: str | None) -> None:
    assert ask((b"sec-websocket-protocol", offer), rules=BOTH) == Handshake(KEY, wire, echo)


def test_of_several_subprotocols_the_first_that_is_served_is_taken() -> None:
    offer = (b"sec-websocket-protocol", b"centrifuge-protobuf, centrifuge-json")
    assert ask(offer) == Handshake(KEY, "protobuf", "centrifuge-protobuf")
    assert ask(offer, rules=JSON) == Handshake(KEY, "json", "centrifuge-json")


@pytest.mark.parametrize("query", [b"format=protobuf", b"a=b&cf_protocol=protobuf"])
def test_the_query_chooses_protobuf(query: bytes) -> None:
    assert ask(query=query, rules=BOTH).wire == "protobuf"


def test_a_subprotocol_that_contradicts_the_query_is_not_echoed() -> None:
    offer = (b"sec-websocket-protocol", b"centrifuge-json")
    assert ask(offer, query=b"format=protobuf", rules=BOTH) == Handshake(KEY, "protobuf", None)


@pytest.mark.parametrize(
    ("query", "native"),
    [
        (b"cf_ws_frame_ping_pong=true", True),
        (b"format=protobuf&cf_ws_frame_ping_pong=true", True),
        (b"cf_ws_frame_ping_pong=false", False),
        (b"cf_ws_frame_ping_pong", False),
        (b"", False),
    ],
)
def test_the_query_may_ask_for_ping_frames(query: bytes, native: bool) -> None:
    assert ask(query=query).native_ping is native


@pytest.mark.parametrize("by", ["query", "subprotocol"])
def test_a_wire_that_is_not_served_is_refused_in_words(by: str) -> None:
    if by == "query":
        error = refusal(query=b"format=protobuf", rules=JSON)
    else:
        error = refusal((b"sec-websocket-protocol", b"centrifuge-protobuf"), rules=JSON)
    assert (error.status, error.words) == (400, "wire format protobuf is not served here, only json")


@pytest.mark.parametrize(
    "origin",
    [
        b"http://chat.example",
        b"https://CHAT.example",  # TLS may end before us
        b"https://chat.example:443",
    ],
)
def test_pages_of_the_same_host_may_connect(origin: bytes) -> None:
    assert ask((b"origin", origin)).wire == "json"


@pytest.mark.parametrize(
    "origin",
    [
        b"https://evil.example",
        b"https://chat.example.evil.example",
        b"https://chat.example:8443",
        b"null",
        b"",
        b"chat.example",
        b"http://[",
        b"\xff",
    ],
)
def test_pages_of_other_origins_may_not(origin: bytes) -> None:
    assert refusal((b"origin", origin)).status == 403


def test_ports_are_part_of_the_host() -> None:
    origin = (b"origin", b"http://[::1]:8000")
    assert ask(origin, (b"host", b"[::1]:8000"), without=b"host").wire == "json"
    assert refusal(origin, (b"host", b"[::1]"), without=b"host").status == 403


@pytest.mark.parametrize("allowed", ["https://app.example", "https://*.example", "*"])
def test_other_origins_may_be_allowed(allowed: str) -> None:
    rules = HandshakeRules(allowed_origins=Origins([allowed]))
    assert ask((b"origin", b"https://App.example"), rules=rules).wire == "json"


def test_other_methods_are_refused() -> None:
    error = refusal(method=b"POST")
    assert (error.status, list(error.headers)) == (405, [(b"allow", b"GET")])


@pytest.mark.parametrize("field", [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")])
def test_bodies_are_refused(field: tuple[bytes, bytes]) -> None:
    assert refusal(field).status == 400


def test_an_empty_body_is_none() -> None:
    assert ask((b"content-length", b"0")).wire == "json"


def test_http_1_0_is_refused() -> None:
    assert refusal(version="1.0").status == 400


@pytest.mark.parametrize("version", [b"8", b"", b"13, 8"])
def test_other_websocket_versions_are_told_ours(version: bytes) -> None:
    error = refusal((b"sec-websocket-version", version), without=b"sec-websocket-version")
    assert (error.status, list(error.headers)) == (426, [(b"sec-websocket-version", b"13")])


@pytest.mark.parametrize("missing", [b"sec-websocket-key", b"host"])
def test_missing_fields_are_named(missing: bytes) -> None:
    error = refusal(without=missing)
    assert (error.status, error.words) == (400, f"{missing.decode()} is missing")


@pytest.mark.parametrize("key", [b"", b"c2hvcnQ=", b"not base64!", b"\xff" * 24, KEY + KEY])
def test_malformed_keys_are_refused(key: bytes) -> None:
    assert refusal((b"sec-websocket-key", key), without=b"sec-websocket-key").status == 400


@pytest.mark.parametrize("name", [b"sec-websocket-key", b"host"])
def test_a_field_given_twice_is_refused(name: bytes) -> None:
    assert refusal((name, KEY)).words == f"{name.decode()} is given 2 times"
