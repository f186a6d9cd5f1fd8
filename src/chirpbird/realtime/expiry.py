"""From times of the outside world to seconds on the wire and to deadlines."""

from __future__ import annotations

from chirpbird.realtime.clock import Clock

__all__ = ["NEVER", "deadline", "is_past", "ttl"]

NEVER = float("inf")
_TTL_LIMIT = 365 * 24 * 3600


def ttl(clock: Clock, expire_at: float | None) -> int:
    """Whole seconds for the wire, 1 to a year; 0 for what never expires."""
    if expire_at is None:
        return 0
    return int(min(max(expire_at - clock.time(), 1), _TTL_LIMIT))


def deadline(clock: Clock, expire_at: float | None, grace: float) -> float:
    """Unix seconds, plus ``grace``, on the monotonic clock."""
    if expire_at is None:
        return NEVER
    return clock.monotonic() + (expire_at - clock.time()) + grace


def is_past(clock: Clock, expire_at: float | None) -> bool:
    return expire_at is not None and expire_at <= clock.time()
