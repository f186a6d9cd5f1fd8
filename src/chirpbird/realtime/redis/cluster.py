"""A Redis Cluster: each channel's keys and PUB/SUB are with the master of its slot, wherever that is now."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from chirpbird.realtime.redis.connection import Argument, Connection, Handler, Reply, pack, settle
from chirpbird.realtime.redis.dial import Hello, dial
from chirpbird.realtime.redis.errors import CommandRefused, ConnectionLost, Misconfigured, RedisUnavailable
from chirpbird.realtime.redis.keys import slot_of
from chirpbird.realtime.redis.link import Link, evaluate
from chirpbird.realtime.redis.options import RedisOptions
from chirpbird.realtime.redis.scripts import Script
from chirpbird.realtime.redis.servers import OnMessage, check_layout
from chirpbird.realtime.redis.slots import parse_redirect, parse_slots
from chirpbird.realtime.redis.url import Address, RedisSet

__all__ = ["ClusterServers"]

_logger = logging.getLogger("chirpbird.realtime.redis")
_ASKING = pack("ASKING")
_REDIRECTS = 5
_RETRY = 0.1
"""Seconds between looks at the slots while something is wrong with them."""


class ClusterServers:
    """Knows the slots' masters; looks again when one is lost or a command was sent to the wrong one."""

    publish_command = b"SPUBLISH"

    def __init__(
        self,
        one: RedisSet,
        options: RedisOptions,
        *,
        version_key: bytes,
        changed: Callable[[], None],
        moved: Callable[[], None],
        on_message: OnMessage,
    ) -> None:
        self._set = one
        self._options = options
        self._version_key = version_key
        self._changed = changed
        self._moved = moved
        self._on_message = on_message
        self._links: dict[Address, Link] = {}
        self._slots: list[Link | None] = []
        self._serving: set[Link] = set()
        self._covered = False
        """Every slot has a master."""
        self._fits = False
        """The keys are of the right layout."""
        self._wanted: dict[bytes, Link | None] = {}
        """Subscribed channels, and where."""
        self._stale = asyncio.Event()
        self._after: list[Callable[[], None]] = []
        """What waits for the slots to be looked at again."""
        self._watcher: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def up(self) -> bool:
        return self._covered and self._fits and all(link.up for link in self._serving)

    async def open(self) -> None:
        await self._refresh(opening=True)
        await self._check_layout()

    def start(self) -> None:
        for link in self._links.values():
            link.start()
        self._stale.set()
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait([self._watcher])
            self._watcher = None
        for link in list(self._links.values()):
            await link.close()
        if self._closing:
            await asyncio.wait(self._closing)
        self._links.clear()

    # Commands

    def cast(self, key: bytes, packed: bytes) -> bool:
        link = self._owner(key)
        return link is not None and link.cast(packed, self._redirecting(key, packed, None, link, 0))

    def call(self, key: bytes, *command: Argument) -> asyncio.Future[Reply]:
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._send(key, pack(*command), lambda answer: settle(reply, answer), 0)
        return reply

    def run(
        self, key: bytes, script: Script, keys: Sequence[bytes], *arguments: Argument
    ) -> asyncio.Future[Reply]:
        link = self._owner(key)
        era = link.era if link is not None else ""
        return evaluate(
            lambda packed, handler: self._send(key, packed, handler, 0), script, keys, (era, *arguments)
        )

    def _owner(self, key: bytes) -> Link | None:
        return self._slots[slot_of(key)] if self._slots else None

    def _send(self, key: bytes, packed: bytes, handler: Handler, redirects: int) -> None:
        link = self._owner(key)
        if link is None:
            handler(ConnectionLost(f"no server of the cluster {self._set.name} has this channel now"))
        else:
            link.send(packed, self._redirecting(key, packed, handler, link, redirects))

    def _redirecting(
        self, key: bytes, packed: bytes, handler: Handler | None, link: Link, redirects: int
    ) -> Handler:
        def answered(answer: Reply | RedisUnavailable) -> None:
            if isinstance(answer, CommandRefused) and redirects < _REDIRECTS:
                if answer.word == "ASK":
                    self._ask(answer, packed, handler or _ignore)
                    return
                if answer.word in ("MOVED", "TRYAGAIN", "READONLY"):
                    self._look_again(lambda: self._send(key, packed, handler or _ignore, redirects + 1))
                    return
            if isinstance(answer, CommandRefused) and answer.word == "CLUSTERDOWN":
                self._stale.set()
            if handler is not None:
                handler(answer)

        return answered

    def _ask(self, answer: CommandRefused, packed: bytes, handler: Handler) -> None:
        """The slot is on its way to another server, and this key is there already."""
        address = parse_redirect(answer.detail, self._set.addresses[0])
        link = self._links.get(address) if address is not None else None
        if link is None:
            handler(answer)
            return
        link.cast(_ASKING)
        link.send(packed, handler)

    # Channels

    def subscribe(self, channel: bytes) -> asyncio.Future[None] | None:
        link = self._wanted[channel] = self._owner(channel)
        return None if link is None else link.subscribe(channel)

    def unsubscribe(self, channel: bytes) -> None:
        link = self._wanted.pop(channel, None)
        if link is not None:
            link.listening.remove(channel)

    def _refused(self, channels: list[bytes], words: str) -> None:
        """A server does not have these channels, or has them no longer."""
        for channel in channels:
            link = self._wanted.get(channel)
            if link is not None:
                link.listening.wanted.pop(channel, None)
                self._wanted[channel] = None
        if not words.startswith(("MOVED", "CLUSTERDOWN", "ASK", "it is")):
            _logger.error("Redis (%s) does not let this user listen: %s", self._set.name, words)
        self._stale.set()

    # Slots

    def _look_again(self, then: Callable[[], None]) -> None:
        self._after.append(then)
        self._stale.set()

    async def _watch(self) -> None:
        complaint = ""
        while True:
            try:
                async with asyncio.timeout(self._options.watch_interval):
                    await self._stale.wait()
            except TimeoutError:
                pass  # time to look whether anything has changed
            self._stale.clear()
            try:
                await self._refresh(opening=False)
                if not self._fits:
                    await self._check_layout()
                complaint = ""
            except (RedisUnavailable, Misconfigured) as error:
                if str(error) != complaint:
                    complaint = str(error)
                    _logger.warning("the slots of the cluster cannot be asked for: %s", error)
            after, self._after = self._after, []
            for then in after:
                then()
            self._changed()
            if not self.up:
                await asyncio.sleep(_RETRY)
                self._stale.set()

    async def _refresh(self, *, opening: bool) -> None:
        owners = await self._ask_slots()
        for address in dict.fromkeys(owners):
            if address is not None and address not in self._links:
                self._links[address] = link = self._make(address)
                if opening:
                    await link.open()
                else:
                    link.start()
        self._slots = [self._links[owner] if owner is not None else None for owner in owners]
        self._covered = None not in owners
        self._serving = {link for link in self._slots if link is not None}
        for address, link in list(self._links.items()):
            if link not in self._serving:
                del self._links[address]
                task = asyncio.get_running_loop().create_task(link.close())
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
        self._follow()

    def _follow(self) -> None:
        """Channels whose slots have moved are listened to where they are now."""
        waiting = []
        for channel, before in self._wanted.items():
            now = self._owner(channel)
            if now is before:
                continue
            if before is not None:
                before.listening.remove(channel)
            self._wanted[channel] = now
            if now is not None and (done := now.subscribe(channel)) is not None:
                waiting.append(done)
        for done in set(waiting):
            done.add_done_callback(lambda _: self._moved())

    async def _ask_slots(self) -> list[Address | None]:
        """Errors: Misconfigured, RedisUnavailable."""
        for address, link in list(self._links.items()):
            if link.up:
                try:
                    async with asyncio.timeout(self._options.connect_timeout):
                        return parse_slots(await link.call("CLUSTER", "SLOTS"), address)
                except (RedisUnavailable, TimeoutError) as error:
                    _logger.info("%s does not tell the slots: %s", address, error)
        last: Misconfigured | RedisUnavailable | None = None
        for address in (*self._set.addresses, *self._links):
            try:
                return await self._ask_seed(address)
            except (Misconfigured, RedisUnavailable) as error:
                if not isinstance(last, Misconfigured):
                    last = error
        if last is None:
            raise RedisUnavailable("there is no server to ask")
        raise last

    async def _ask_seed(self, address: Address) -> list[Address | None]:
        connection, hello = await dial(address, self._set.access, timeout=self._options.connect_timeout)
        try:
            if hello.mode != "cluster":
                raise Misconfigured(
                    f"Redis at {address} is {hello.mode}, expected a cluster: write redis://… in the URL"
                    if hello.mode == "standalone"
                    else f"the server at {address} is a Sentinel, expected a cluster"
                )
            return parse_slots(await connection.call("CLUSTER", "SLOTS"), address)
        finally:
            connection.close()

    def _make(self, address: Address) -> Link:
        async def locate() -> Address:
            return address

        return Link(
            name=f"{self._set.name}, {address}",
            locate=locate,
            access=self._set.access,
            options=self._options,
            sharded=True,
            check=self._check,
            changed=self._link_changed,
            on_message=self._on_message,
            refused=self._refused,
        )

    async def _check(self, connection: Connection, hello: Hello) -> None:
        if hello.role != "master":
            self._stale.set()
            raise RedisUnavailable(f"a server of the cluster {self._set.name} is no master any more")

    async def _check_layout(self) -> None:
        """Errors: Misconfigured, RedisUnavailable."""
        link = self._owner(self._version_key)
        connection = link.lines[0].connection if link is not None else None
        if connection is None:
            raise RedisUnavailable(f"the cluster {self._set.name} does not serve all slots now")
        await check_layout(connection, self._version_key, self._set.name)
        self._fits = True

    def _link_changed(self) -> None:
        self._stale.set()
        self._changed()


def _ignore(answer: Reply | RedisUnavailable) -> None:
    """Nobody cares for the reply."""
