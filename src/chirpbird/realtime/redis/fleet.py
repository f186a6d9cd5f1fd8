"""All sets of servers, and which of them a channel lives in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from hashlib import blake2b

from chirpbird.realtime.redis.cluster import ClusterServers
from chirpbird.realtime.redis.errors import RedisUnavailable
from chirpbird.realtime.redis.keys import Keys
from chirpbird.realtime.redis.line import Locate
from chirpbird.realtime.redis.options import RedisOptions
from chirpbird.realtime.redis.sentinel import SentinelLocator
from chirpbird.realtime.redis.servers import Servers, SingleServers
from chirpbird.realtime.redis.url import Address, RedisSet, Topology

__all__ = ["Fleet"]

_logger = logging.getLogger("chirpbird.realtime.redis")


class Fleet:
    """A broker and a presence store share one: it opens with the first and closes with the last.

    Channels are spread by rendezvous hashing: with one set more or less, only those move that come to it or were in it, whatever
    the order in which the sets are named.
    """

    def __init__(self, options: RedisOptions) -> None:
        self.options = options
        self.keys = Keys(options.prefix)
        self._sets = [(one, blake2b(one.name.encode(), digest_size=16).digest()) for one in options.sets()]
        self._servers: list[Servers] = []
        self._users = 0
        self._starting: asyncio.Future[None] | None = None
        self.on_message: Callable[[bytes, bytes], None] = lambda channel, data: None
        self.on_change: Callable[[bool], None] = lambda again: None
        """Told when ``up`` may have changed; ``again``: something may have been missed, though it did not."""

    @property
    def up(self) -> bool:
        """Every set is there."""
        return bool(self._servers) and all(servers.up for servers in self._servers)

    @property
    def servers(self) -> Sequence[Servers]:
        """One for each set."""
        return self._servers

    async def start(self) -> None:
        """Errors: Misconfigured; RedisUnavailable with ``required``."""
        self._users += 1
        if self._users > 1:
            return
        self._servers = [self._make(one) for one, _ in self._sets]
        opened = await asyncio.gather(*(servers.open() for servers in self._servers), return_exceptions=True)
        for error in opened:
            fatal = not isinstance(error, RedisUnavailable) or self.options.required
            if isinstance(error, BaseException) and fatal:
                await self.close()
                raise error
            if isinstance(error, RedisUnavailable):
                _logger.warning("starting without Redis, which will be used when it is there: %s", error)
        for servers in self._servers:
            servers.start()

    async def close(self) -> None:
        self._users -= 1
        if self._users:
            return
        servers, self._servers = self._servers, []
        await asyncio.gather(*(one.close() for one in servers))

    def home(self, channel: bytes) -> Servers:
        """The set that a channel lives in. Errors: RedisUnavailable when closed."""
        servers = self._servers
        if len(servers) == 1:
            return servers[0]
        if not servers:
            raise RedisUnavailable("there is no connection to Redis: it is closed")
        ranks = [blake2b(channel, digest_size=8, key=key).digest() for _, key in self._sets]
        return servers[ranks.index(max(ranks))]

    def _make(self, one: RedisSet) -> Servers:
        if one.topology is Topology.CLUSTER:
            return ClusterServers(
                one,
                self.options,
                version_key=self.keys.version,
                changed=lambda: self.on_change(False),
                moved=lambda: self.on_change(True),
                on_message=self._hear,
            )
        sentinels = one.topology is Topology.SENTINEL
        return SingleServers(
            one,
            self.options,
            locate=SentinelLocator(one, self.options) if sentinels else _at(one.addresses[0]),
            moves=sentinels,
            version_key=self.keys.version,
            changed=lambda: self.on_change(False),
            on_message=self._hear,
            on_error=_logger.error,
        )

    def _hear(self, channel: bytes, data: bytes) -> None:
        self.on_message(channel, data)


def _at(address: Address) -> Locate:
    async def locate() -> Address:
        return address

    return locate
