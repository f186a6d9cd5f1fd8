"""Connections whose way out is the endless answer to an HTTP request: HTTP streaming and server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

import msgspec
from starlette.types import Receive, Scope, Send

from chirpbird.realtime.transports.base import Acceptor, Framing, TransportInfo
from chirpbird.realtime.transports.exchange import HttpLimits, abort_with, remote_addr
from chirpbird.realtime.transports.handshake import HandshakeRefusedError, Headers
from chirpbird.realtime.transports.queued import (
    ASCII_LINES,
    BARE,
    CONNECTION_CLOSED,
    EVENTS,
    QueuedConnection,
)

__all__ = ["STREAMS", "StreamKind", "asked_connect", "serve_stream"]

_CONNECT = "cf_connect"
_FIELDS: Headers = (
    # Nobody on the way is to keep it, compress it, or wait for more of it.
    (b"cache-control", b"private, no-cache, no-store, no-transform, must-revalidate, max-age=0"),
    (b"content-encoding", b"identity"),
    (b"expires", b"0"),
    (b"pragma", b"no-cache"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
)
_TYPES = {"json": b"application/json", "protobuf": b"application/octet-stream"}


class StreamKind(msgspec.Struct, frozen=True, kw_only=True):
    """What distinguishes one endpoint from the others."""

    name: str
    events: bool = False
    """Server-sent events, which are text."""
    unidirectional: bool = False

    @property
    def methods(self) -> Sequence[str]:
        return ("GET", "POST") if self.events else ("POST",)

    def framing(self, wire: str) -> Framing:
        if self.events:
            return EVENTS
        return ASCII_LINES if wire == "json" else BARE


STREAMS: Mapping[str, StreamKind] = {
    kind.name: kind
    for kind in (
        StreamKind(name="http_stream"),
        StreamKind(name="sse", events=True),
        StreamKind(name="uni_http_stream", unidirectional=True),
        StreamKind(name="uni_sse", events=True, unidirectional=True),
    )
}


def asked_connect(query: bytes, limit: int) -> bytes:
    """What a GET request has for a body; empty when there is nothing. Errors: HandshakeRefusedError, 414."""
    data = parse_qs(query.decode("latin-1")).get(_CONNECT, [""])[0].encode()
    if len(data) > limit:
        raise HandshakeRefusedError(414, f"{_CONNECT} is larger than {limit} bytes")
    return data


async def serve_stream(
    acceptor: Acceptor,
    kind: StreamKind,
    wire: str,
    first: bytes,
    fields: Headers,
    limits: HttpLimits,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Answer a request, which was read and judged, for as long as the connection lives. ``first`` are its commands."""
    info = TransportInfo(
        name=kind.name,
        wire=wire,
        remote_addr=remote_addr(scope),
        unidirectional=kind.unidirectional,
        emulation=not kind.unidirectional,
    )
    connection = QueuedConnection(info, kind.framing(wire), limits.close_timeout)

    async def carry(piece: bytes) -> None:
        await send({"type": "http.response.body", "body": piece, "more_body": True})

    async def finish() -> None:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        abort_with(scope, limits.close_timeout)

    receiver = acceptor.accept(connection)
    watcher = asyncio.create_task(_watch(receive, connection))
    try:
        await send(_start(kind, wire, fields, scope))
        if kind.events:
            await carry(b"\r\n")  # browsers take the stream for open when there is something to read
        receiver.received(first)
        if not await connection.carry(carry, finish):
            abort_with(scope, 0)
    except OSError:  # the peer went, or did not read the rest in time
        abort_with(scope, 0)
    finally:
        watcher.cancel()
        receiver.closed(*(connection.end or CONNECTION_CLOSED))


def _start(kind: StreamKind, wire: str, fields: Headers, scope: Scope) -> dict[str, object]:
    content_type = b"text/event-stream; charset=utf-8" if kind.events else _TYPES[wire]
    headers = [*_FIELDS, *fields, (b"content-type", content_type)]
    if scope["http_version"].startswith("1"):
        headers.append(
            (b"connection", b"close")
        )  # what comes behind a stream that ended is not worth waiting for
    return {"type": "http.response.start", "status": 200, "headers": headers}


async def _watch(receive: Receive, connection: QueuedConnection) -> None:
    """Notice when the client goes."""
    try:
        while (await receive())["type"] != "http.disconnect":
            continue
    finally:
        connection.lose()
