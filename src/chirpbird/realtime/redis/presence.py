"""Who is in which channel, on Redis."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence

from chirpbird.realtime.presence import PresenceEntry
from chirpbird.realtime.redis import wire
from chirpbird.realtime.redis.connection import Argument, Reply
from chirpbird.realtime.redis.errors import RedisUnavailable
from chirpbird.realtime.redis.fleet import Fleet
from chirpbird.realtime.redis.replies import as_bytes, as_int, as_list
from chirpbird.realtime.redis.scripts import PRESENCE, PRESENT, REMOVE, STATS, Script
from chirpbird.realtime.types import ClientInfo, PresenceStats

__all__ = ["RedisPresence"]

_logger = logging.getLogger("chirpbird.realtime.redis")
_AT_ONCE = 500
"""Clients in one script, so that none holds Redis up."""


class RedisPresence:
    """A ``PresenceStore``. While Redis is away nothing fails that a subscription has need of: who comes is put when the node
    refreshes its entries, who goes runs out. Asking who is there raises RedisUnavailable (error 100, temporary)."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._keys = fleet.keys

    async def start(self) -> None:
        """Errors: Misconfigured; RedisUnavailable with ``RedisOptions.required``."""
        await self._fleet.start()

    async def close(self) -> None:
        await self._fleet.close()

    def put(self, entries: Sequence[PresenceEntry], ttl: float) -> Awaitable[None] | None:
        channels: dict[str, list[Argument]] = {}
        for channel, info in entries:
            channels.setdefault(channel, []).extend((info.client, _packed(info)))
        milliseconds = max(round(ttl * 1000), 1)
        replies = [
            self._run(channel, PRESENT, milliseconds, *clients[start : start + 2 * _AT_ONCE])
            for channel, clients in channels.items()
            for start in range(0, len(clients), 2 * _AT_ONCE)
        ]
        return _forgiving(replies)

    def remove(self, channel: str, info: ClientInfo) -> Awaitable[None] | None:
        return _forgiving([self._run(channel, REMOVE, info.client)])

    async def get(self, channel: str) -> dict[str, ClientInfo]:
        """Errors: RedisUnavailable."""
        people = [_unpacked(as_bytes(one)) for one in as_list(await self._run(channel, PRESENCE))]
        return {info.client: info for info in people}

    async def stats(self, channel: str) -> PresenceStats:
        """Errors: RedisUnavailable."""
        clients, users = as_list(await self._run(channel, STATS), 2)
        return PresenceStats(as_int(clients), as_int(users))

    def _run(self, channel: str, script: Script, *arguments: Argument) -> asyncio.Future[Reply]:
        name = self._keys.channel(channel)
        return self._fleet.home(name).run(name, script, self._keys.presence(name), *arguments)


def _packed(info: ClientInfo) -> bytes:
    user = info.user.encode()
    return b"%d %b%b" % (len(user), user, wire.pack_person(info))


def _unpacked(packed: bytes) -> ClientInfo:
    length, _, rest = packed.partition(b" ")
    try:
        return wire.person(rest[int(length) :])
    except ValueError as error:
        raise RedisUnavailable(f"an entry of presence is not understood: {error}") from error


def _forgiving(replies: Sequence[asyncio.Future[Reply]]) -> Awaitable[None] | None:
    if all(reply.done() and reply.exception() is not None for reply in replies):
        return None  # Redis is away, which is known
    return _settled(replies)


async def _settled(replies: Sequence[asyncio.Future[Reply]]) -> None:
    for answer in await asyncio.gather(*replies, return_exceptions=True):
        if isinstance(answer, RedisUnavailable):
            _logger.info("presence was not told: %s", answer)
        elif isinstance(answer, BaseException):
            raise answer
