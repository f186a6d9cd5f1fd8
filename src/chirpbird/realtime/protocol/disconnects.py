"""The protocol's own disconnects, ready to raise. Under 3500 SDKs reconnect, from 3500 on they do not."""

from __future__ import annotations

from chirpbird.realtime.protocol.codes import Disconnect

__all__ = [
    "BAD_REQUEST",
    "CHANNEL_LIMIT",
    "CONNECTION_CLOSED",
    "CONNECTION_EXPIRED",
    "CONNECTION_LIMIT",
    "FORCE_DISCONNECT",
    "FORCE_RECONNECT",
    "INAPPROPRIATE_PROTOCOL",
    "INSUFFICIENT_STATE",
    "INTERNAL",
    "INVALID_TOKEN",
    "NOT_AVAILABLE",
    "NO_PONG",
    "PERMISSION_DENIED",
    "SHUTDOWN",
    "SLOW",
    "STALE",
    "STATE_INVALIDATED",
    "SUBSCRIPTION_EXPIRED",
    "TOO_MANY_ERRORS",
    "TOO_MANY_REQUESTS",
    "WRITE_ERROR",
]

CONNECTION_CLOSED = Disconnect(3000, "connection closed")
SHUTDOWN = Disconnect(3001, "shutdown")
INTERNAL = Disconnect(3004, "internal server error")
CONNECTION_EXPIRED = Disconnect(3005, "connection expired")
SUBSCRIPTION_EXPIRED = Disconnect(3006, "subscription expired")
SLOW = Disconnect(3008, "slow")
WRITE_ERROR = Disconnect(3009, "write error")
INSUFFICIENT_STATE = Disconnect(3010, "insufficient state")
FORCE_RECONNECT = Disconnect(3011, "force reconnect")
NO_PONG = Disconnect(3012, "no pong")
TOO_MANY_REQUESTS = Disconnect(3013, "too many requests")
STATE_INVALIDATED = Disconnect(3014, "state invalidated")
INVALID_TOKEN = Disconnect(3500, "invalid token")
BAD_REQUEST = Disconnect(3501, "bad request")
STALE = Disconnect(3502, "stale")
FORCE_DISCONNECT = Disconnect(3503, "force disconnect")
CONNECTION_LIMIT = Disconnect(3504, "connection limit")
CHANNEL_LIMIT = Disconnect(3505, "channel limit")
INAPPROPRIATE_PROTOCOL = Disconnect(3506, "inappropriate protocol")
PERMISSION_DENIED = Disconnect(3507, "permission denied")
NOT_AVAILABLE = Disconnect(3508, "not available")
TOO_MANY_ERRORS = Disconnect(3509, "too many errors")
