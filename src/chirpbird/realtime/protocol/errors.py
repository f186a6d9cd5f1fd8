"""The protocol's own error replies, ready to raise."""

from __future__ import annotations

from chirpbird.realtime.protocol.codes import ProtocolError

__all__ = [
    "ALREADY_SUBSCRIBED",
    "BAD_REQUEST",
    "CONCURRENT_PAGINATION",
    "EXPIRED",
    "INTERNAL",
    "LIMIT_EXCEEDED",
    "METHOD_NOT_FOUND",
    "NOT_AVAILABLE",
    "PERMISSION_DENIED",
    "TOKEN_EXPIRED",
    "TOO_MANY_REQUESTS",
    "UNAUTHORIZED",
    "UNKNOWN_CHANNEL",
    "UNRECOVERABLE_POSITION",
]

INTERNAL = ProtocolError(100, "internal server error", temporary=True)
UNAUTHORIZED = ProtocolError(101, "unauthorized")
UNKNOWN_CHANNEL = ProtocolError(102, "unknown channel")
PERMISSION_DENIED = ProtocolError(103, "permission denied")
METHOD_NOT_FOUND = ProtocolError(104, "method not found")
ALREADY_SUBSCRIBED = ProtocolError(105, "already subscribed")
LIMIT_EXCEEDED = ProtocolError(106, "limit exceeded")
BAD_REQUEST = ProtocolError(107, "bad request")
NOT_AVAILABLE = ProtocolError(108, "not available")
TOKEN_EXPIRED = ProtocolError(109, "token expired")
EXPIRED = ProtocolError(110, "expired")
TOO_MANY_REQUESTS = ProtocolError(111, "too many requests", temporary=True)
UNRECOVERABLE_POSITION = ProtocolError(112, "unrecoverable position")
CONCURRENT_PAGINATION = ProtocolError(113, "concurrent pagination", temporary=True)
