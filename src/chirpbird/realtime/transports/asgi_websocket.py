"""WebSockets as ASGI servers hand them out: whole messages, and no pings of our own."""

from __future__ import annotations

import asyncio
import logging

from starlette.types import Receive, Scope, Send

from chirpbird.realtime.transports.base import Acceptor, Receiver, TransportInfo
from chirpbird.realtime.transports.exchange import remote_addr
from chirpbird.realtime.transports.handshake import HandshakeRefusedError
from chirpbird.realtime.transports.queued import BARE, CONNECTION_CLOSED, LINES, QueuedConnection
from chirpbird.realtime.transports.websocket import (
    BAD_REQUEST,
    INTERNAL_ERROR,
    NO_CODE,
    TOO_BIG,
    WebSocketLimits,
)

__all__ = ["deny", "serve_websocket"]

logger = logging.getLogger(__name__)


async def serve_websocket(
    acceptor: Acceptor,
    name: str,
    wire: str,
    subprotocol: str | None,
    first: bytes,
    limits: WebSocketLimits,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Accept a WebSocket that was judged good, and serve it for as long as it lives. ``first`` is what a unidirectional client
    said in its query, if it did.
    """
    unidirectional = name == "uni_websocket"
    info = TransportInfo(name=name, wire=wire, remote_addr=remote_addr(scope), unidirectional=unidirectional)
    connection = QueuedConnection(info, LINES if wire == "json" else BARE, limits.close_timeout)

    async def carry(piece: bytes) -> None:
        if wire == "protobuf":
            await send({"type": "websocket.send", "bytes": piece})
            return
        text = piece[:-1].decode()
        # Clients without an SDK take a message for one JSON value.
        for message in text.split("\n") if unidirectional else (text,):
            await send({"type": "websocket.send", "text": message})

    async def finish() -> None:
        code, reason = connection.end or CONNECTION_CLOSED
        await send({"type": "websocket.close", "code": code, "reason": reason})

    await receive()  # websocket.connect
    await send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": []})
    receiver = acceptor.accept(connection)
    listener = asyncio.create_task(_listen(receive, connection, receiver, limits.max_message_size))
    try:
        if first:
            receiver.received(first)
        await connection.carry(carry, finish)
    except OSError:  # the peer went, or did not read the rest in time
        logger.debug("a websocket ended before all was said")
    finally:
        listener.cancel()
        receiver.closed(*(connection.end or CONNECTION_CLOSED))


async def deny(refusal: HandshakeRefusedError, scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a WebSocket, in words if the server can carry them."""
    await receive()  # websocket.connect
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": BAD_REQUEST, "reason": "refused"})
        return
    body = refusal.words.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        *refusal.headers,
    ]
    await send({"type": "websocket.http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


async def _listen(receive: Receive, connection: QueuedConnection, receiver: Receiver, limit: int) -> None:
    due = "text" if connection.info.wire == "json" else "bytes"
    try:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                connection.lose(message.get("code") or NO_CODE, message.get("reason") or "")
                return
            data = message.get(due)
            if connection.end is not None:
                continue
            if data is None:
                connection.close(BAD_REQUEST, "bad request")
                continue
            data = data.encode() if isinstance(data, str) else data
            if len(data) > limit:
                connection.close(TOO_BIG, f"message has more than {limit} bytes")
            else:
                receiver.received(data)
    except Exception:
        logger.exception("a message could not be handled")
        connection.close(INTERNAL_ERROR, "internal error")
