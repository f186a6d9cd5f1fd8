"""How the protocol says no: error replies, disconnects and unsubscribes.

RealtimeError
    ProtocolError   one request is refused; the connection goes on
    Disconnect      the connection is ended, with a code that tells the SDK whether to come back
    DecodeError     bytes that are not the protocol (the session answers with disconnect 3501)
    EncodeError     a payload that this wire format cannot carry (the session answers with disconnect 3506)

Ready-made ones are in ``errors`` and ``disconnects``. Applications use error codes 400-1999 and disconnect codes 4000-4999 for
their own.
"""

from __future__ import annotations

import msgspec

__all__ = [
    "INSUFFICIENT_STATE",
    "SERVER_UNSUBSCRIBE",
    "STATE_INVALIDATED",
    "SUBSCRIPTION_EXPIRED",
    "UNSUBSCRIBED_BY_CLIENT",
    "UNSUBSCRIBED_BY_DISCONNECT",
    "DecodeError",
    "Disconnect",
    "EncodeError",
    "ProtocolError",
    "RealtimeError",
    "Unsubscribe",
]

_MAX_REASON_BYTES = 123
"""What fits into a WebSocket close frame beside the code."""


class RealtimeError(Exception):
    """Root of everything the engine raises on purpose."""


class ProtocolError(RealtimeError):
    """Raised by a handler to refuse the request: the client gets an error reply with this code and message.

    ``temporary`` tells SDKs that the same request may succeed later; they retry by themselves where it makes sense.
    """

    def __init__(self, code: int, message: str, temporary: bool = False) -> None:
        if not 100 <= code <= 0xFFFFFFFF:
            raise ValueError(f"error code is {code}, expected 100 or more: smaller ones belong to the SDKs")
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.temporary = temporary

    def __str__(self) -> str:
        return f"{self.message} (error {self.code})"


class Disconnect(RealtimeError):
    """Raised by a handler, or given to ``Node.disconnect``, to end a connection.

    3500-3999 and 4500-4999 tell SDKs not to come back; all others, to reconnect. ``reason`` is plain text of 1 to 123 bytes in
    UTF-8 (keep it under 32): SDKs ignore the code of a close frame without a reason.
    """

    def __init__(self, code: int, reason: str) -> None:
        if not 3000 <= code <= 4999:
            raise ValueError(f"disconnect code is {code}, expected 3000-4999")
        if not 1 <= len(reason.encode()) <= _MAX_REASON_BYTES:
            raise ValueError(f"reason is {len(reason.encode())} bytes, expected 1-{_MAX_REASON_BYTES}")
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    @property
    def terminal(self) -> bool:
        """SDKs will not reconnect by themselves."""
        return 3500 <= self.code <= 3999 or 4500 <= self.code <= 4999

    def __str__(self) -> str:
        return f"{self.reason} (disconnect {self.code})"


class DecodeError(RealtimeError):
    """The bytes are not a frame of this wire format."""


class EncodeError(RealtimeError):
    """The payload cannot be carried in this wire format, such as bytes that are no JSON towards a JSON client."""


class Unsubscribe(msgspec.Struct, frozen=True):
    """Why a subscription ended. Codes under 2500 end it for good; from 2500 on SDKs subscribe again."""

    code: int
    reason: str


UNSUBSCRIBED_BY_CLIENT = Unsubscribe(0, "client unsubscribed")
UNSUBSCRIBED_BY_DISCONNECT = Unsubscribe(1, "client disconnected")
SERVER_UNSUBSCRIBE = Unsubscribe(2000, "server unsubscribe")
INSUFFICIENT_STATE = Unsubscribe(2500, "insufficient state")
SUBSCRIPTION_EXPIRED = Unsubscribe(2501, "subscription expired")
STATE_INVALIDATED = Unsubscribe(2502, "state invalidated")
