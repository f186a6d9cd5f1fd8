"""Presence of one node, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from chirpbird.realtime.clock import Clock, SystemClock
from chirpbird.realtime.presence import PresenceEntry
from chirpbird.realtime.types import ClientInfo, PresenceStats

__all__ = ["MemoryPresence"]


class MemoryPresence:
    """A ``PresenceStore`` for a single node. Entries that ran out are dropped when their channel is looked at or put to."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._channels: dict[str, dict[str, tuple[ClientInfo, float]]] = {}

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        self._channels.clear()

    def put(self, entries: Sequence[PresenceEntry], ttl: float) -> None:
        expires = self._clock.monotonic() + ttl
        for channel, info in entries:
            self._channels.setdefault(channel, {})[info.client] = (info, expires)

    def remove(self, channel: str, info: ClientInfo) -> None:
        clients = self._channels.get(channel)
        if clients is not None and clients.pop(info.client, None) is not None and not clients:
            del self._channels[channel]

    async def get(self, channel: str) -> dict[str, ClientInfo]:
        return {client: info for client, (info, _) in self._present(channel).items()}

    async def stats(self, channel: str) -> PresenceStats:
        present = self._present(channel)
        return PresenceStats(len(present), len({info.user for info, _ in present.values()}))

    def _present(self, channel: str) -> dict[str, tuple[ClientInfo, float]]:
        clients = self._channels.get(channel, {})
        now = self._clock.monotonic()
        gone = [client for client, (_, expires) in clients.items() if expires <= now]
        for client in gone:
            del clients[client]
        if gone and not clients:
            del self._channels[channel]
        return clients
