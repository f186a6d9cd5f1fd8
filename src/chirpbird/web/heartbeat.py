"""Whether the event loop keeps up: something that stalls it stalls everybody who is connected."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

__all__ = ["Heartbeat"]

_INTERVAL = 0.25
"""Seconds between beats."""
_MEMORY = 5.0
"""Seconds that a stall is remembered for: a server that stalls every other second is no better than one that does always."""


class Heartbeat:
    """Asks the loop to be called at set times, and looks how late that happens."""

    def __init__(self, limit: float, now: Callable[[], float] = time.monotonic) -> None:
        """``limit``: seconds of lag from which on the loop counts as stalled. ``now``: monotonic, in seconds."""
        self._limit = limit
        self._now = now
        self._due = now()
        self._worst = 0.0
        self._worst_at = self._due
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to beat, on the running loop."""
        self._due = self._now() + _INTERVAL
        self._timer = asyncio.get_running_loop().call_later(_INTERVAL, self._on_timer)

    def stop(self) -> None:
        """Beat no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def beat(self) -> None:
        """Note how late this is. Called by the timer; public for tests with a clock of their own."""
        now = self._now()
        late = max(now - self._due, 0.0)
        if late >= self._worst or now - self._worst_at >= _MEMORY:
            self._worst, self._worst_at = late, now
        self._due = now + _INTERVAL

    @property
    def lag(self) -> float:
        """The longest that the loop kept a beat waiting lately, in seconds; one that is still waiting counts."""
        return max(self._worst, self._now() - self._due)

    def reasons(self) -> Sequence[str]:
        """Why the node should get no traffic, as far as the loop is concerned; empty when it keeps up."""
        lag = self.lag
        if lag < self._limit:
            return ()
        return (
            f"the event loop stood still for {lag:.1f} s within the last {_MEMORY:g} s, less than {self._limit:g} s is expected",
        )

    def _on_timer(self) -> None:
        self.beat()
        self._timer = asyncio.get_running_loop().call_later(_INTERVAL, self._on_timer)
