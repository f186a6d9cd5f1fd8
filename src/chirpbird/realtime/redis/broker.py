"""The bus and the streams on Redis."""

from __future__ import annotations

import asyncio
import logging
import secrets
import string
from collections import deque

from chirpbird.realtime.broker import BrokerEvents
from chirpbird.realtime.options import PublishOptions
from chirpbird.realtime.redis import wire
from chirpbird.realtime.redis.connection import Reply, pack
from chirpbird.realtime.redis.errors import RedisUnavailable
from chirpbird.realtime.redis.fleet import Fleet
from chirpbird.realtime.redis.replies import as_bytes, as_int, as_list, as_text
from chirpbird.realtime.redis.scripts import PUBLISH, READ
from chirpbird.realtime.types import (
    ClientInfo,
    HistoryResult,
    MaybeAwaitable,
    Publication,
    PublishResult,
    StreamPosition,
)

__all__ = ["RedisBroker"]

_logger = logging.getLogger("chirpbird.realtime.redis")
_META_TTL = 30 * 24 * 3600.0
_EPOCH_LENGTH = 8
_ORIGIN_BYTES = 6
_ORDERS_KEPT = 10_000
"""Control messages that wait for Redis to come back; then the oldest go."""
_UNSAID_KEPT = 100_000
_RESULT = PublishResult()


class RedisBroker:
    """A ``Broker``. While Redis is away, ``on_bus(False)`` holds, and nothing waits for it:

    - announcements of logs reach this node's own subscribers, as they always do without a detour; others find them in the logs,
      and are told of each channel's last one when it is back;
    - publications without history, joins and leaves reach this node's own subscribers only;
    - orders and other control messages are kept and said when it is back;
    - publications with history or an idempotency key fail: RedisUnavailable, for clients error 100, temporary.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._keys = fleet.keys
        self._origin = secrets.token_hex(_ORIGIN_BYTES).encode()
        self._events: BrokerEvents | None = None
        self._up = True
        self._orders: deque[bytes] = deque(maxlen=_ORDERS_KEPT)
        self._unsaid: dict[str, tuple[Publication, str]] = {}
        """The last announcement of each channel that could not be sent: it shows the others what they have missed."""

    async def start(self, events: BrokerEvents, node_id: str) -> None:
        """Errors: Misconfigured; RedisUnavailable with ``RedisOptions.required``."""
        self._events = events
        self._fleet.on_message = self._on_message
        await self._fleet.start()
        for servers in self._fleet.servers:
            done = servers.subscribe(self._keys.control)
            if done is not None:
                await done
        self._fleet.on_change = self._on_change
        self._on_change(False)

    async def close(self) -> None:
        self._events = None
        await self._fleet.close()

    # Channels

    def subscribe(self, channel: str) -> MaybeAwaitable[None]:
        name = self._keys.channel(channel)
        return self._fleet.home(name).subscribe(name)

    def unsubscribe(self, channel: str) -> None:
        name = self._keys.channel(channel)
        self._fleet.home(name).unsubscribe(name)

    def reaches(self, channel: str) -> bool:
        """Its set is there, if not all of them are."""
        return self._fleet.home(self._keys.channel(channel)).up

    # Saying

    def publish(
        self, channel: str, publication: Publication, options: PublishOptions
    ) -> MaybeAwaitable[PublishResult]:
        """Errors: RedisUnavailable, with history or an idempotency key."""
        keeps = options.history_size > 0 and options.history_ttl > 0
        if not keeps and not options.idempotency_key:
            origin = self._whose()
            if origin is self._origin:
                self._tell_own(channel, publication, "")
            self._cast(channel, wire.publication_message(origin, publication, ""))
            return _RESULT
        name = self._keys.channel(channel)
        servers = self._fleet.home(name)
        keys = [self._keys.stream(name), self._keys.meta(name)]
        if options.idempotency_key:
            keys.append(self._keys.result(name, options.idempotency_key))
        reply = servers.run(
            name,
            PUBLISH,
            keys,
            wire.pack_publication(publication),
            options.history_size if keeps else 0,
            _ms(options.history_ttl),
            _ms(options.history_meta_ttl or _META_TTL),
            _epoch(),
            options.version,
            options.version_epoch,
            _ms(options.idempotency_ttl),
            servers.publish_command,
            name,
        )
        return _published(reply)

    def announce(self, channel: str, publication: Publication, epoch: str) -> None:
        self._tell_own(channel, publication, epoch)
        sent = self._cast(channel, wire.publication_message(self._origin, publication, epoch))
        if not sent or not self._up:
            if len(self._unsaid) >= _UNSAID_KEPT:
                del self._unsaid[next(iter(self._unsaid))]
            self._unsaid[channel] = (publication, epoch)

    def publish_join(self, channel: str, info: ClientInfo) -> None:
        origin = self._whose()
        if origin is self._origin and self._events is not None:
            self._events.on_join(channel, info)
        self._cast(channel, wire.person_message(b"J", origin, info))

    def publish_leave(self, channel: str, info: ClientInfo) -> None:
        origin = self._whose()
        if origin is self._origin and self._events is not None:
            self._events.on_leave(channel, info)
        self._cast(channel, wire.person_message(b"L", origin, info))

    def publish_control(self, data: bytes) -> None:
        """Never waits. While Redis is away the last 10,000 are kept, and said when it is back."""
        if not self._say(data):
            self._orders.append(data)

    def _say(self, data: bytes) -> bool:
        for servers in self._fleet.servers:
            key = self._keys.control
            if servers.cast(key, pack(servers.publish_command, key, data)):
                return True
        return False

    def _whose(self) -> bytes:
        """The origin of what is in no stream. As long as all is well everybody hears it from Redis, in Redis's order; otherwise
        this node does not wait for that."""
        return wire.NOBODY if self._up else self._origin

    def _cast(self, channel: str, message: bytes) -> bool:
        """Whether it is on its way."""
        name = self._keys.channel(channel)
        servers = self._fleet.home(name)
        return servers.cast(name, pack(servers.publish_command, name, message))

    def _tell_own(self, channel: str, publication: Publication, epoch: str) -> None:
        if self._events is not None:
            self._events.on_publication(channel, publication, epoch)

    # Streams

    async def read(
        self, channel: str, *, since: int | None, limit: int, reverse: bool = False
    ) -> HistoryResult:
        """Errors: RedisUnavailable."""
        name = self._keys.channel(channel)
        reply = await self._fleet.home(name).run(
            name,
            READ,
            [self._keys.stream(name), self._keys.meta(name)],
            _epoch(),
            _ms(_META_TTL),
            "reverse" if reverse else "forward",
            "" if since is None else since,
            limit,
        )
        top, epoch, entries = as_list(reply, 3)
        position = StreamPosition(as_int(top), as_text(epoch))
        return HistoryResult([_kept(entry) for entry in as_list(entries)], position)

    async def top(self, channel: str) -> StreamPosition:
        """Errors: RedisUnavailable."""
        return (await self.read(channel, since=None, limit=0)).position

    async def remove_history(self, channel: str) -> None:
        """Errors: RedisUnavailable."""
        name = self._keys.channel(channel)
        await self._fleet.home(name).call(name, "DEL", self._keys.stream(name))

    # Hearing

    def _on_message(self, channel: bytes, data: bytes) -> None:
        events = self._events
        if events is None:
            return
        if channel == self._keys.control:
            events.on_control(data)
            return
        try:
            heard = wire.decode(data)
            name = self._keys.name(channel)
        except ValueError as error:
            _logger.warning("a message on %r is not understood: %s", channel, error)
            return
        if heard.origin == self._origin:
            return
        if heard.publication is not None:
            events.on_publication(name, heard.publication, heard.epoch)
        elif heard.person is not None:
            (events.on_join if heard.kind == b"J" else events.on_leave)(name, heard.person)

    def _on_change(self, again: bool) -> None:
        events, up = self._events, self._fleet.up
        if events is None:
            return
        if up is not self._up or (again and up):
            self._up = up
            events.on_bus(up)
        while self._orders and self._say(self._orders[0]):
            self._orders.popleft()
        if up and self._unsaid:
            unsaid, self._unsaid = self._unsaid, {}
            for channel, (publication, epoch) in unsaid.items():
                self._cast(channel, wire.publication_message(self._origin, publication, epoch))


async def _published(reply: asyncio.Future[Reply]) -> PublishResult:
    offset, epoch = as_list(await reply, 2)
    return PublishResult(as_int(offset), as_text(epoch))


def _kept(entry: Reply) -> Publication:
    """An entry of a stream: [b"offset-0", [b"p", payload]]. Errors: RedisUnavailable."""
    place, fields = as_list(entry, 2)
    _, payload = as_list(fields, 2)
    try:
        return wire.kept(as_bytes(payload), as_int(as_bytes(place).partition(b"-")[0]))
    except ValueError as error:
        raise RedisUnavailable(f"an entry of a stream is not understood: {error}") from error


def _epoch() -> str:
    return "".join(secrets.choice(string.ascii_letters) for _ in range(_EPOCH_LENGTH))


def _ms(seconds: float) -> int:
    return max(round(seconds * 1000), 1)
