"""HTTP requests as the transports over HTTP need them: bodies within limits, pages of which origins, plain answers."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import msgspec
from starlette.types import Receive, Scope, Send

from chirpbird.realtime.transports.handshake import HandshakeRefusedError, Headers
from chirpbird.realtime.transports.origins import Origins

__all__ = [
    "HttpLimits",
    "abort_with",
    "answer",
    "body_wire",
    "cors_fields",
    "preflight_fields",
    "read_body",
    "remote_addr",
]

_CLOSE = (b"connection", b"close")
_PROTOBUF = b"application/octet-stream"


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one peer may take."""

    max_connect_size: int = 65_536
    """Bytes of a request that opens a stream; more is answered with 413."""
    max_emulation_size: int = 1 << 20
    """Bytes of a request to the emulation endpoint, in which SDKs send all their subscriptions when they have connected. One
    command is limited by ``NodeConfig.command_size_limit``.
    """
    body_timeout: float = 10.0
    """Seconds in which a request's body has to come; 408 is the answer if it does not."""
    close_timeout: float = 5.0
    """Seconds in which a peer has to read what is left when its connection ends."""


async def read_body(receive: Receive, limit: int, seconds: float) -> bytes | None:
    """The whole body; None when the client went before its end.

    Errors: HandshakeRefusedError, 413 or 408.
    """
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                part = message.get("body", b"")
                size += len(part)
                if size > limit:
                    raise HandshakeRefusedError(413, f"the body is larger than {limit} bytes", [_CLOSE])
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise HandshakeRefusedError(408, f"the body did not come in {seconds:g} seconds", [_CLOSE]) from None


def body_wire(headers: Headers) -> str:
    """The wire format of a body, and of the answer to it."""
    types = [value.partition(b";")[0].strip().lower() for name, value in headers if name == b"content-type"]
    return "protobuf" if types == [_PROTOBUF] else "json"


def cors_fields(origin: str | None, allowed: Origins) -> Headers:
    """What lets a page of this origin, which was found to be allowed, read the answer."""
    if origin is None:
        return [(b"vary", b"Origin")]
    fields = [(b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin")]
    if not allowed.any:
        fields.append((b"access-control-allow-credentials", b"true"))
    return fields


def preflight_fields(headers: Headers, methods: Collection[str]) -> Headers:
    """What answers a browser that asks before it sends a request."""
    fields = [
        (b"access-control-max-age", b"300"),
        (b"access-control-allow-methods", ", ".join([*methods, "OPTIONS"]).encode()),
    ]
    wanted = [value for name, value in headers if name == b"access-control-request-headers"]
    if wanted:
        fields.append((b"access-control-allow-headers", wanted[0]))
    return fields


async def answer(send: Send, status: int, words: str, headers: Headers) -> None:
    """Without words, without a body."""
    body = words.encode()
    fields = [*headers, (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
    if body:
        fields += [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
        ]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


def remote_addr(scope: Scope) -> str:
    """The client's address as the server tells it."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def abort_with(scope: Scope, seconds: float) -> None:
    """Have the socket closed after so many seconds with whatever the peer has not read by then.

    ASGI has no way to do so; ``RealtimeHttpProtocol`` offers one. Under other servers it is left to them, or the system.
    """
    extension = scope.get("extensions", {}).get("chirpbird.abort")
    if extension is not None:
        asyncio.get_running_loop().call_later(seconds, extension["abort"])
