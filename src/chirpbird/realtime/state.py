"""Where a session is in its life."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["State"]


class State(IntEnum):
    """Only ever goes up."""

    NEW = 0
    CONNECTING = 1
    CONNECTED = 2
    REFUSED = 3
    """The connect command got an error reply; nothing more is listened to."""
    CLOSED = 4
