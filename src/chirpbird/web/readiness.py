"""Whether this node should get traffic, asked at most once a second however many ask."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from chirpbird.chat.clock import Clock
from chirpbird.chat.errors import ChatError

__all__ = ["NodeHealth", "Readiness"]

NodeHealth = Callable[[], Awaitable[Sequence[str]]]
"""The reasons why the node should get no traffic; none when all is well."""

_KEPT = 1.0
"""Seconds that an answer is good for: the check writes to the disk, and anybody may ask."""


class Readiness:
    """Asks the store (a real durable write) and the node."""

    def __init__(
        self, check_store: Callable[[], Awaitable[None]], node_health: NodeHealth, clock: Clock
    ) -> None:
        self._check_store = check_store
        self._node_health = node_health
        self._clock = clock
        self._lock = asyncio.Lock()
        self._reasons: tuple[str, ...] = ()
        self._asked_at: float | None = None

    async def reasons(self) -> Sequence[str]:
        """Why not; empty when ready."""
        async with self._lock:
            now = self._clock.monotonic()
            if self._asked_at is None or now - self._asked_at >= _KEPT:
                self._reasons = tuple(await self._ask())
                self._asked_at = now
        return self._reasons

    async def _ask(self) -> list[str]:
        reasons = list(await self._node_health())
        try:
            await self._check_store()
        except ChatError as error:
            reasons.append(str(error))
        return reasons
