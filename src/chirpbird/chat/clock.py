"""Time, as the chat sees it. Tests put a hand-moved clock in its place."""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


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
