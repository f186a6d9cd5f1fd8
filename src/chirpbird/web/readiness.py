"""Whether this node should get traffic. The store is asked at most once a second, however many ask."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from chirpbird.chat.clock import Clock
from chirpbird.chat.errors import ChatError

__all__ = ["NodeHealth", "Readiness"]

NodeHealth = Callable[[], Awaitable[Sequence[str]]]
"""The reasons why the node should get no traffic; none when all is well."""

_KEPT = 1.0
"""Seconds that the store's answer is good for: the check writes to the disk, and anybody may ask."""
_PATIENCE = 1.0
"""Seconds that the store's check may take. A store that hangs is as good as none, and load balancers do not wait either."""


class Readiness:
    """Asks the store (a real durable write) and the node."""

    def __init__(
        self,
        check_store: Callable[[], Awaitable[None]],
        node_health: NodeHealth,
        clock: Clock,
        patience: float = _PATIENCE,
    ) -> None:
        self._check_store = check_store
        self._node_health = node_health
        self._clock = clock
        self._patience = patience
        self._lock = asyncio.Lock()
        self._reasons: tuple[str, ...] = ()
        self._asked_at: float | None = None

    async def reasons(self) -> Sequence[str]:
        """Why not; empty when ready. The node's own reasons are never old: one that is stopping says so at once."""
        async with self._lock:
            now = self._clock.monotonic()
            if self._asked_at is None or now - self._asked_at >= _KEPT:
                self._reasons = await self._ask_store()
                self._asked_at = now
        return (*await self._node_health(), *self._reasons)

    async def _ask_store(self) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(self._patience):
                await self._check_store()
        except TimeoutError:
            return (f"the store did not finish a write within {self._patience:g} s",)
        except ChatError as error:
            return (str(error),)
        return ()
