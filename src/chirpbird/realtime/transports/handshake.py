"""The opening handshake of a WebSocket (RFC 6455, section 4.2), as a pure function over a parsed HTTP
request.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping, Sequence
from urllib.parse import parse_qs

import msgspec

from chirpbird.realtime.transports.origins import Origins

__all__ = [
    "WIRES",
    "Handshake",
    "HandshakeRefusedError",
    "HandshakeRules",
    "Headers",
    "check_origin",
    "choose_wire",
    "negotiate",
]

WIRES = ("json", "protobuf")
"""What a client may ask for; ``HandshakeRules.wires`` says which of them a server speaks."""

_SUBPROTOCOLS = {"centrifuge-json": "json", "centrifuge-protobuf": "protobuf"}
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_KEY_BYTES = 16

Headers = Sequence[tuple[bytes, bytes]]
"""Header fields in order of arrival, names in lower case."""


class HandshakeRefusedError(Exception):
    """The request does not become a connection; the client gets this status, the words as text, and these
    extra header fields.
    """

    def __init__(self, status: int, words: str, headers: Headers = ()) -> None:
        super().__init__(words)
        self.status = status
        self.words = words
        self.headers = headers


class HandshakeRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a server accepts."""

    wires: tuple[str, ...] = WIRES
    """The wire formats served, of ``WIRES``."""
    allowed_origins: Origins = Origins()
    """Of which pages may connect besides the server's own."""


class Handshake(msgspec.Struct, frozen=True):
    """What was agreed."""

    key: bytes
    """The client's ``Sec-WebSocket-Key``, to be answered."""
    wire: str
    subprotocol: str | None
    """The subprotocol to name in the answer; None when the client offered none that is spoken."""
    native_ping: bool = False
    """The client wants ping frames: it is a tool that knows WebSocket, and not the Centrifuge protocol's pings."""


def negotiate(
    method: bytes, http_version: str, query: bytes, headers: Headers, rules: HandshakeRules
) -> Handshake:
    """Judge an upgrade request whose ``Upgrade`` and ``Connection`` fields were already recognised.

    Raises ``HandshakeRefusedError``: 405 (not GET), 400 (malformed, or a wire that is not served), 426
    (another WebSocket version) or 403 (a page of a foreign origin).
    """
    if method != b"GET":
        raise HandshakeRefusedError(405, "a websocket is opened with GET", [(b"allow", b"GET")])
    if http_version != "1.1":
        raise HandshakeRefusedError(400, f"a websocket is opened over http 1.1, not {http_version}")
    if _has_body(headers):
        raise HandshakeRefusedError(400, "a websocket upgrade request has no body")
    if _single(headers, b"sec-websocket-version") != "13":
        raise HandshakeRefusedError(
            426, "this server speaks websocket version 13", [(b"sec-websocket-version", b"13")]
        )
    key = _key(headers)
    check_origin(headers, rules.allowed_origins)
    asked = parse_qs(query.decode("latin-1"))
    wire, subprotocol = choose_wire(asked, headers, rules.wires)
    return Handshake(key, wire, subprotocol, asked.get("cf_ws_frame_ping_pong", [""])[0] == "true")


def check_origin(headers: Headers, allowed: Origins) -> str | None:
    """The origin of the page that asks, if it may; None where there is none.

    Browsers name the page's origin and cannot be kept from it by the page; other programs have no
    reason to send one. Raises ``HandshakeRefusedError``: 403, or 400 without a host.
    """
    host = _single(headers, b"host")
    if not host:
        raise HandshakeRefusedError(400, "host is missing")
    origin = _single(headers, b"origin")
    if origin is None or allowed.allow(origin):
        return origin
    scheme, _, authority = origin.partition("://")
    if authority and _host_and_port(authority, scheme) == _host_and_port(host, scheme):
        return origin
    raise HandshakeRefusedError(
        403,
        "pages of this origin may not connect: it is neither this server's nor one of the allowed origins",
    )


def choose_wire(
    asked: Mapping[str, Sequence[str]], headers: Headers, served: Collection[str]
) -> tuple[str, str | None]:
    """The wire, and the subprotocol to echo: the first offered one that means this wire.

    The query decides before the subprotocol does: it is how SDKs that cannot set subprotocols ask. No wish at
    all means JSON. An empty subprotocol field, which centrifuge-python sends, is no offer.
    Raises ``HandshakeRefusedError``: 400 for a wire that is not served.
    """
    offered = [
        name.strip() for value in _values(headers, b"sec-websocket-protocol") for name in value.split(",")
    ]
    known = [name for name in offered if name in _SUBPROTOCOLS]
    if "protobuf" in asked.get("format", []) or "protobuf" in asked.get("cf_protocol", []):
        wire = "protobuf"
    elif known:
        wire = next((_SUBPROTOCOLS[name] for name in known if _SUBPROTOCOLS[name] in served), "protobuf")
    else:
        wire = "json"
    if wire not in served:
        raise HandshakeRefusedError(
            400, f"wire format {wire} is not served here, only {', '.join(sorted(served))}"
        )
    return wire, next((name for name in known if _SUBPROTOCOLS[name] == wire), None)


def _values(headers: Headers, name: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for field, value in headers if field == name]


def _single(headers: Headers, name: bytes) -> str | None:
    """A field's only value; None when it is missing. Twice is as wrong as any other malformed value, so it
    is refused.
    """
    values = _values(headers, name)
    if len(values) > 1:
        raise HandshakeRefusedError(400, f"{name.decode()} is given {len(values)} times")
    return values[0] if values else None


def _has_body(headers: Headers) -> bool:
    return any(
        field == b"transfer-encoding" or (field == b"content-length" and value.strip(b" \t0") != b"")
        for field, value in headers
    )


def _key(headers: Headers) -> bytes:
    key = _single(headers, b"sec-websocket-key")
    if key is None:
        raise HandshakeRefusedError(400, "sec-websocket-key is missing")
    try:
        decoded = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != _KEY_BYTES:
        raise HandshakeRefusedError(400, f"sec-websocket-key is not base64 of {_KEY_BYTES} bytes")
    return key.encode("ascii")


def _host_and_port(netloc: str, scheme: str) -> tuple[str, str]:
    """``host[:port]`` in one spelling. The scheme is the origin's: TLS may end at a proxy, so ours says
    nothing.
    """
    host, colon, port = netloc.lower().rpartition(":")
    if not colon or port.endswith("]"):
        host, port = netloc.lower(), ""
    return host, port or str(_DEFAULT_PORTS.get(scheme.lower(), ""))
