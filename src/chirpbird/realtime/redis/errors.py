"""What can be wrong with Redis."""

from __future__ import annotations

from chirpbird.realtime.protocol.codes import ProtocolError, RealtimeError

__all__ = ["CommandRefused", "ConnectionLost", "Misconfigured", "RedisUnavailable"]

_INTERNAL = 100


class Misconfigured(RealtimeError):
    """What was set does not fit the Redis that is there. ``str(error)`` says what is wrong and how to mend it."""


class RedisUnavailable(ProtocolError):
    """Redis cannot be asked now. A client whose request needs it gets error 100, temporary.

    What was asked may or may not have been done.
    """

    def __init__(self, message: str) -> None:
        super().__init__(_INTERNAL, "internal server error", temporary=True)
        self.detail = message

    def __str__(self) -> str:
        return self.detail


class ConnectionLost(RedisUnavailable):
    """The connection broke, or did before the answer came."""


class CommandRefused(RedisUnavailable):
    """Redis answered with an error. ``detail`` is its words, which begin with a code such as MOVED or NOPERM."""

    @property
    def word(self) -> str:
        """What the answer begins with."""
        return self.detail.partition(" ")[0]
