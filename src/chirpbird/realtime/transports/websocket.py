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
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
)

from chirpbird.realtime.transports.base import Acceptor, Receiver, TransportInfo

__all__ = [
    "BINARY_FRAMING",
    "TEXT_FRAMING",
    "WebSocketConnection",
    "WebSocketFraming",
    "WebSocketLimits",
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
_TEXT = WSMsgType.TEXT
_BINARY = WSMsgType.BINARY
_CONTINUATION = WSMsgType.CONTINUATION
_PING = WSMsgType.PING
_PONG = WSMsgType.PONG
_CLOSE = WSMsgType.CLOSE

_NO_HEADERS: CIMultiDict[str] = CIMultiDict()


class WebSocketLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one peer may take."""

    max_message_size: int = 1 << 20
    """Bytes of one incoming message, in however many fragments; a larger one closes the connection with 1009.
    Room for many commands: SDKs send all their subscriptions in one message when they connect. One command is
    limited by ``NodeConfig.command_size_limit``.
    """
    max_head_size: int = 16_384
    """Bytes of an HTTP request's line and header fields; more is answered with 431."""
    head_timeout: float = 10.0
    """Seconds within which a request's line and header fields have to arrive, also the first of a connection; 0: any time."""
    body_timeout: float = 30.0
    """Seconds within which a request's body has to arrive; 0: any time."""
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


class _NativePingFraming(WebSocketFraming):
    """The empty message, which is the protocol's ping, as a ping frame."""

    __slots__ = ("_empty",)

    def __init__(self, message_type: WSMsgType, empty: bytes) -> None:
        super().__init__(message_type)
        self._empty = empty

    def frame(self, payload: bytes) -> bytes:
        return _PING_FRAME if payload == self._empty else super().frame(payload)


TEXT_FRAMING = WebSocketFraming(_TEXT)
BINARY_FRAMING = WebSocketFraming(_BINARY)
_EMPTY = {"json": b"{}", "protobuf": b"\x00"}
_PING_FRAME = bytes((0x80 | _PING.value, 0))
_NATIVE_PING_FRAMINGS = {
    "json": _NativePingFraming(_TEXT, _EMPTY["json"]),
    "protobuf": _NativePingFraming(_BINARY, _EMPTY["protobuf"]),
}


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
        if info.native_ping:
            self.framing = _NATIVE_PING_FRAMINGS[info.wire]
        else:
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
        elif self.info.native_ping:
            self._deliver(_EMPTY[self.info.wire])  # the answer to a ping, as others give it

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
