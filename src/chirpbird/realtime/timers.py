"""When each of many things wants to be looked at: one wheel for a whole node, no timer per client."""

from __future__ import annotations

import math
from typing import Generic, TypeVar

__all__ = ["TimerWheel"]

T = TypeVar("T")


class TimerWheel(Generic[T]):
    """Items by deadline, in slots of ``granularity`` seconds. An item comes out at most that much late and never early.

    Nothing is ever taken out before its time: whoever gets an item checks whether it is still due. So an item may be put in
    again with an earlier deadline at no cost but coming out twice.
    """

    __slots__ = ("_granularity", "_reached", "_slots")

    def __init__(self, now: float, granularity: float = 1.0) -> None:
        self._granularity = granularity
        self._reached = math.floor(now / granularity)
        self._slots: dict[int, list[T]] = {}

    def put(self, item: T, deadline: float) -> None:
        """Deadlines that have passed come out at the next slot."""
        slot = max(math.ceil(deadline / self._granularity), self._reached + 1)
        self._slots.setdefault(slot, []).append(item)

    def due(self, now: float) -> list[T]:
        """What has become due since the last call, and take it out."""
        reached = math.floor(now / self._granularity)
        if reached - self._reached > len(self._slots):  # a long sleep: look at the slots, not at the seconds
            passed = sorted(slot for slot in self._slots if slot <= reached)
        else:
            passed = list(range(self._reached + 1, reached + 1))
        self._reached = max(self._reached, reached)
        items: list[T] = []
        for slot in passed:
            items.extend(self._slots.pop(slot, ()))
        return items
