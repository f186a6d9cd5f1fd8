"""What time it is: injected, so that tests decide."""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """Seconds."""

    def time(self) -> float:
        """Since the Unix epoch; may jump. For what the outside world dates: expiry."""
        ...

    def monotonic(self) -> float:
        """Never goes back. For how long something takes."""
        ...


class SystemClock:
    """The machine's."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()
