"""Time, as the chat sees it. Tests put a hand-moved clock in its place."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

from chirpbird.chat.errors import InvalidInput

__all__ = ["Clock", "SystemClock", "milliseconds"]


class Clock(Protocol):
    """Two clocks: what to write down, and what to measure waiting with."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, UTC. May jump when the system's clock is set."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()


def milliseconds(moment: str, *, field: str) -> int:
    """A time that somebody sent (RFC 3339, with its offset from UTC) as milliseconds. Errors: InvalidInput."""
    try:
        parsed = datetime.fromisoformat(moment)
        found = None if parsed.tzinfo is None else round(parsed.astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        found = None
    if found is not None:
        return found
    raise InvalidInput(f"{field} is not a time, one like 2026-01-31T09:30:00Z is expected", field=field)
