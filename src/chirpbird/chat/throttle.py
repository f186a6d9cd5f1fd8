"""How often is too often: a token bucket per key, kept as one number each (GCRA)."""

from __future__ import annotations

import math
from collections.abc import Callable

from chirpbird.chat.errors import TooMany

__all__ = ["Throttle"]


_ROUNDING = 1e-4
"""Seconds that are forgiven: sums of floats do not quite reach their product."""


class Throttle:
    """Lets each key do ``burst`` things at once, and ``per_second`` of them on average after that.

    Memory is bounded: at most ``capacity`` keys are remembered. When there are more, the ones that were quiet
    for longest are forgotten, which lets them begin afresh.
    """

    def __init__(
        self, what: str, *, burst: int, per_second: float, now: Callable[[], float], capacity: int = 100_000
    ) -> None:
        if burst < 1 or per_second <= 0 or capacity < 1:
            raise ValueError(
                f"burst {burst}, rate {per_second} and capacity {capacity} are expected to be positive"
            )
        self._what = what
        """Completes "too many ..." for the person."""
        self._interval = 1.0 / per_second
        self._tolerance = self._interval * (burst - 1)
        self._now = now
        self._capacity = capacity
        self._full_at: dict[str, float] = {}
        """For each key, when its bucket will be full again. In order of last use."""

    def __len__(self) -> int:
        return len(self._full_at)

    def check(self, key: str) -> None:
        """Count one use.

        Errors: TooMany, with the seconds to wait in ``retry_after``; then nothing is counted.
        """
        now = self._now()
        full_at = self._full_at.pop(key, None)
        if full_at is None:
            self._make_room(now)
            full_at = now
        elif full_at < now:
            full_at = now
        wait = full_at - self._tolerance - now
        if wait > _ROUNDING:
            self._full_at[key] = full_at
            raise TooMany(f"too many {self._what}, try again in {math.ceil(wait)} s", retry_after=wait)
        self._full_at[key] = full_at + self._interval

    def forgive(self, key: str) -> None:
        """Forget what this key did."""
        self._full_at.pop(key, None)

    def _make_room(self, now: float) -> None:
        entries = self._full_at
        while entries:
            oldest = next(iter(entries))
            if len(entries) < self._capacity and entries[oldest] > now:
                return
            del entries[oldest]
