"""Connections over WebSocket (RFC 6455, no extensions), on picows.

picows parses frames in C; what it leaves to its user is here: fragments, limits, UTF-8, the closing
handshake. One object per connection is both the engine's ``Connection`` and picows's listener, because at
tens of thousands of connections every object is megabytes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

import msgspec
from multidict import CIMultiDict
from picows import (
    WSAutoPingStrategy,
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # public in use, missing in the stub

from chirpbird.realtime.transports.base import Acceptor, Receiver, TransportInfo
from chirpbird.realtime.transports.handshake import Handshake

__all__ = [
    "BINARY_FRAMING",
    "TEXT_FRAMING",
    "WebSocketConnection",
    "WebSocketFraming",
    "WebSocketLimits",
    "take_over",
]

logger = logging.getLogger(__name__)

NORMAL = 1000
PROTOCOL_ERROR = 1002
NO_CODE = 1005
ABNORMAL = 1006
INVALID_TEXT = 1007
TOO_BIG = 1009
INTERNAL_ERROR = 1011
BAD_REQUEST = 3501  # the Centrifuge protocol's; clients do not reconnect after it

_MAX_REASON_BYTES = 123
_READ_BUFFER_BYTES = 2048  # picows's minimum
_TEXT = WSMsgType.TEXT
_BINARY = WSMsgType.BINARY
_CONTINUATION = WSMsgType.CONTINUATION
_PING = WSMsgType.PING
_PONG = WSMsgType.PONG
_CLOSE = WSMsgType.CLOSE


class WebSocketLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one peer may take."""

    max_message_size: int = 65_536
    """Bytes of one incoming message, in however many fragments; a larger one closes the connection with
    1009.
    """
    max_head_size: int = 16_384
    """Bytes of an HTTP request's line and header fields; more is answered with 431."""
    max_unsent_pongs: int = 16_384
    """Unsent bytes beyond which pings are left unanswered: who does not read cannot make us remember
    pongs.
    """
    close_timeout: float = 5.0
    """Seconds that a peer has to complete a closing handshake, or to read the answer to a refused request."""


class WebSocketFraming:
    """One unmasked, unfragmented frame per reply, as servers send them."""

    __slots__ = ("_first", "_short")

    def __init__(self, message_type: WSMsgType) -> None:
        first = 0x80 | message_type.value
        self._first = bytes((first,))
        self._short = tuple(bytes((first, size)) for size in range(126))

    def frame(self, payload: bytes) -> bytes:
        size = len(payload)
        if size < 126:
            return self._short[size] + payload
        if size < 65_536:
            return b"".join((self._first, b"\x7e", size.to_bytes(2, "big"), payload))
        return b"".join((self._first, b"\x7f", size.to_bytes(8, "big"), payload))


TEXT_FRAMING = WebSocketFraming(_TEXT)
BINARY_FRAMING = WebSocketFraming(_BINARY)


class WebSocketConnection(WSListener):
    """One client's connection, from the end of its opening handshake on.

    ``write`` and ``buffered`` are the socket's own methods while the connection is open, so that a delivery
    costs no call in between; they are replaced when it closes. So look them up for each use.
    """

    __slots__ = (
        "_acceptor",
        "_closing",
        "_code",
        "_due",
        "_limits",
        "_parts",
        "_reason",
        "_receiver",
        "_timer",
        "_transport",
        "buffered",
        "framing",
        "info",
        "write",
    )

    info: TransportInfo
    framing: WebSocketFraming
    write: Callable[[bytes], None]
    buffered: Callable[[], int]

    def __init__(self, acceptor: Acceptor, info: TransportInfo, limits: WebSocketLimits) -> None:
        self.info = info
        self.framing = TEXT_FRAMING if info.wire == "json" else BINARY_FRAMING
        self.write = _discard
        self.buffered = _nothing
        self._acceptor = acceptor
        self._limits = limits
        self._due: WSMsgType | None = _TEXT if info.wire == "json" else _BINARY
        self._parts: bytearray | None = None
        self._receiver: Receiver | None = None
        self._transport: WSTransport | None = None
        self._closing = False
        self._code = ABNORMAL
        self._reason = ""
        self._timer: asyncio.TimerHandle | None = None

    def close(self, code: int, reason: str) -> None:
        """See ``Connection.close``. A reason is cut at 123 bytes, which is what a close frame holds."""
        transport = self._transport
        if self._closing or transport is None:
            return
        self._code, self._reason = code, reason
        self._stop(transport)
        if transport.is_close_frame_sent:
            transport.disconnect(graceful=False)  # picows found a violation, and the peer had its time since
            return
        transport.send_close(cast("WSCloseCode", code), _cut(reason))

    # What picows calls

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        transport.request.headers = _NO_HEADERS
        socket = transport.underlying_transport
        self.write = socket.write
        self.buffered = socket.get_write_buffer_size
        try:
            self._receiver = self._acceptor.accept(self)
        except Exception:
            logger.exception("a connection could not be accepted")
            self.close(INTERNAL_ERROR, "internal error")

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if (
            frame.msg_type is self._due
            and frame.fin
            and self._parts is None
            and not (frame.rsv1 or frame.rsv2 or frame.rsv3)
            and not transport.is_close_frame_sent  # picows goes on parsing after a violation
        ):
            self._deliver(frame.get_payload_as_bytes())
        else:
            self._on_other_frame(transport, frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._note_violation(transport)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._closing = True
        self._due = None
        self._parts = None
        self.write = _discard
        self.buffered = _nothing
        self._transport = None
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.closed(self._code, self._reason)

    def pause_writing(self) -> None:
        """Nothing: the engine asks ``buffered`` and decides for itself."""

    def resume_writing(self) -> None:
        """Nothing, likewise."""

    # Incoming

    def _deliver(self, message: bytes) -> None:
        if self._due is _TEXT and not message.isascii() and not _is_utf8(message):
            self.close(INVALID_TEXT, "text is not valid utf-8")
            return
        if self._receiver is None:
            return
        try:
            self._receiver.received(message)
        except Exception:
            logger.exception("a message could not be handled")
            self.close(INTERNAL_ERROR, "internal error")

    def _on_other_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind is _CLOSE:
            self._on_close(transport, frame)
        elif transport.is_close_frame_sent:
            self._note_violation(transport)
        elif frame.rsv1 or frame.rsv2 or frame.rsv3:
            self.close(PROTOCOL_ERROR, "reserved bits are set, but no extension was agreed")
        elif kind is _PING:
            if self.buffered() <= self._limits.max_unsent_pongs:
                transport.send_pong(frame.get_payload_as_bytes())
        elif kind is not _PONG:
            self._on_fragment(frame)

    def _on_fragment(self, frame: WSFrame) -> None:
        """A data frame that is not a whole message, or not one that is due."""
        parts = self._parts
        if frame.msg_type is _CONTINUATION:
            if parts is None:
                self.close(PROTOCOL_ERROR, "a continuation frame without a message to continue")
                return
        elif parts is not None:
            self.close(PROTOCOL_ERROR, "a new message before the end of the one before")
            return
        elif frame.msg_type is not self._due:
            self.close(BAD_REQUEST, "bad request")
            return
        else:
            parts = self._parts = bytearray()
        if len(parts) + frame.payload_size > self._limits.max_message_size:
            self.close(TOO_BIG, f"message has more than {self._limits.max_message_size} bytes")
            return
        parts += frame.get_payload_as_memoryview()
        if frame.fin:
            self._parts = None
            self._deliver(bytes(parts))

    def _on_close(self, transport: WSTransport, frame: WSFrame) -> None:
        self._note_violation(transport)
        if not self._closing:
            # Not get_close_code(): its enumeration would remember every number that any peer ever sent.
            code = int.from_bytes(frame.get_payload_as_bytes()[:2], "big") or NO_CODE
            self._code, self._reason = code, frame.get_close_reason() or ""
            self._stop(transport)
            transport.send_close(cast("WSCloseCode", _answer_to(code)))
        transport.disconnect()

    def _note_violation(self, transport: WSTransport) -> None:
        """Learn that picows closed, which it does without a word to its listener."""
        sent = transport.close_handshake.sent if transport.is_close_frame_sent else None
        if sent is not None and not self._closing:
            self._code, self._reason = cast("int", sent.code), sent.reason
            self._stop(transport)

    def _stop(self, transport: WSTransport) -> None:
        """Neither deliver nor write any more, and give the peer its time to finish."""
        self._closing = True
        self._due = None
        self._parts = None
        self.write = _discard
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._limits.close_timeout, transport.disconnect, False)


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
_NO_HEADERS: CIMultiDict[str] = CIMultiDict()

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


def _is_utf8(message: bytes) -> bool:
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True


def _cut(reason: str) -> bytes:
    encoded = reason.encode(errors="replace")
    if len(encoded) <= _MAX_REASON_BYTES:
        return encoded
    return encoded[:_MAX_REASON_BYTES].decode(errors="ignore").encode()


def _answer_to(code: int) -> int:
    """The code that answers a peer's: the same, or what can be sent where it cannot."""
    if code == NO_CODE:
        return NORMAL
    if 3000 <= code <= 4999 or (NORMAL <= code <= 1014 and code not in (1004, ABNORMAL)):
        return code
    return PROTOCOL_ERROR


def _discard(_framed: bytes) -> None:
    """What ``write`` is before and after the life of a connection."""


def _nothing() -> int:
    return 0
