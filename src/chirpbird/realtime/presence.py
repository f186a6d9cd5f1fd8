"""Who is in which channel, over all nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chirpbird.realtime.types import ClientInfo, MaybeAwaitable, PresenceStats

__all__ = ["PresenceEntry", "PresenceStore"]

PresenceEntry = tuple[str, ClientInfo]
"""A channel, and a client in it."""


class PresenceStore(Protocol):
    """Entries live for ``ttl`` seconds unless put again, so that those of a node that died go by themselves.

    Calls for one entry take effect in the order in which they are made.
    """

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def put(self, entries: Sequence[PresenceEntry], ttl: float) -> MaybeAwaitable[None]:
        """Add these, or make them live on."""
        ...

    def remove(self, channel: str, info: ClientInfo) -> MaybeAwaitable[None]:
        """Unknown entries are no error."""
        ...

    async def get(self, channel: str) -> dict[str, ClientInfo]:
        """By client id."""
        ...

    async def stats(self, channel: str) -> PresenceStats: ...
