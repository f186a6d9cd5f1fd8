"""The moment at which an HTTP connection becomes a WebSocket: picows gets the socket, and what was read already."""

from __future__ import annotations

import asyncio
import logging

from picows import WSAutoPingStrategy, WSUpgradeResponse, WSUpgradeResponseWithListener
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # public in use, missing in the stub

from chirpbird.realtime.transports.base import Acceptor, TransportInfo
from chirpbird.realtime.transports.handshake import Handshake
from chirpbird.realtime.transports.websocket import WebSocketConnection, WebSocketLimits

__all__ = ["take_over"]

logger = logging.getLogger(__name__)

_READ_BUFFER_BYTES = 2048  # picows's minimum


def take_over(
    transport: asyncio.Transport,
    handshake: Handshake,
    info: TransportInfo,
    acceptor: Acceptor,
    limits: WebSocketLimits,
    early: bytes = b"",
) -> None:
    """Make a WebSocket of an HTTP connection whose upgrade request was judged good.

    Answers the request (101), calls ``acceptor.accept`` and then handles ``early``, what the client sent
    right behind its request. The transport's protocol is replaced; the old one gets no further calls.
    """
    response = _response(handshake.subprotocol)

    def listener(_request: object) -> WSUpgradeResponseWithListener:
        return WSUpgradeResponseWithListener(response, WebSocketConnection(acceptor, info, limits))

    protocol = _Protocol(
        None,
        None,
        False,  # is_client_side
        listener,
        _PICOWS_LOG,
        True,  # disconnect_on_exception
        None,  # websocket_handshake_timeout: the handshake is complete in a moment
        False,  # enable_auto_ping: the Centrifuge protocol has pings of its own
        0,
        0,
        WSAutoPingStrategy.PING_WHEN_IDLE,
        False,  # enable_auto_pong: it would pile up pongs for a peer that does not read
        limits.max_message_size,
        None,
        _READ_BUFFER_BYTES,
    )
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    protocol.data_received(_REQUEST % handshake.key)
    protocol.data_received(early)


class _Protocol(WSProtocol):  # type: ignore[misc]
    """picows's parser, with a read buffer that grows for a large message and not for many small ones.

    picows doubles its buffer whenever a read nearly fills it, and keeps it: a flood of small frames would
    cost megabytes for the rest of the connection. Offered half of what is free, it only doubles when one
    unfinished frame takes most of it.
    """

    __slots__ = ()

    def get_buffer(self, size_hint: int) -> memoryview:
        free: memoryview = WSProtocol.get_buffer(self, size_hint)
        return free[: len(free) >> 1]

    def data_received(self, data: bytes) -> None:
        """Take bytes that were already read.

        No loop calls this on a buffered protocol, but uvloop keeps the last method of this name that it saw:
        that of the protocol before, with all that hangs on it.
        """
        view = memoryview(data)
        while view and not self.transport.underlying_transport.is_closing():
            buffer = self.get_buffer(len(view))
            count = min(len(buffer), len(view))
            buffer[:count] = view[:count]
            self.buffer_updated(count)
            view = view[count:]


class _PicowsLog:
    """What picows logs: a peer's violations are its own business, our own failures are ours."""

    __slots__ = ()

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 -- logging's name
        return False

    def info(self, message: str, *args: object) -> None:
        """Nothing: picows reports each connection's coming and going here, with system calls' worth of
        detail.
        """

    def log(self, level: int, message: str, *args: object) -> None:
        """Nothing, likewise."""

    debug = info
    warning = info

    def error(self, message: str, *args: object) -> None:
        logger.debug(message, *args)

    def exception(self, message: str, *args: object) -> None:
        logger.exception(message, *args)


_PICOWS_LOG = _PicowsLog()

# The request as picows likes it. The real one was judged by us: picows would refuse Firefox's "Connection:
# keep-alive, Upgrade", and keeps what it is given for as long as the connection lives.
_REQUEST = (
    b"GET / HTTP/1.1\r\n"
    b"upgrade: websocket\r\n"
    b"connection: upgrade\r\n"
    b"sec-websocket-version: 13\r\n"
    b"sec-websocket-key: %b\r\n"
    b"\r\n"
)

# picows writes the accept value into the response and keeps it with the connection, so one object per kind is
# shared by all.
_RESPONSES: dict[str | None, WSUpgradeResponse] = {}


def _response(subprotocol: str | None) -> WSUpgradeResponse:
    response = _RESPONSES.get(subprotocol)
    if response is None:
        headers = {} if subprotocol is None else {"Sec-WebSocket-Protocol": subprotocol}
        response = _RESPONSES[subprotocol] = WSUpgradeResponse.create_101_response(headers)
    return response
