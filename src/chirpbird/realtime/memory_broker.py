"""Streams and bus of a single node, in memory."""

from __future__ import annotations

import math
import secrets
import string
from collections import deque

from chirpbird.realtime.broker import BrokerEvents
from chirpbird.realtime.clock import Clock, SystemClock
from chirpbird.realtime.options import PublishOptions
from chirpbird.realtime.timers import TimerWheel
from chirpbird.realtime.types import ClientInfo, HistoryResult, Publication, PublishResult, StreamPosition

__all__ = ["MemoryBroker"]

_META_TTL = 30 * 24 * 3600.0
_EPOCH_LENGTH = 8
_PURGE_EVERY = 1.0


class _Stream:
    """One channel's kept publications and its position."""

    __slots__ = (
        "epoch",
        "expires",
        "expiry_watched",
        "meta_expires",
        "name",
        "publications",
        "top",
        "version",
        "version_epoch",
    )

    def __init__(self, name: str, meta_expires: float) -> None:
        self.name = name
        self.epoch = "".join(secrets.choice(string.ascii_letters) for _ in range(_EPOCH_LENGTH))
        self.top = 0
        self.publications: deque[Publication] = deque()
        self.expires = -math.inf
        self.expiry_watched = False
        self.meta_expires = meta_expires
        self.version = 0
        self.version_epoch = ""

    def position(self) -> StreamPosition:
        return StreamPosition(self.top, self.epoch)


class MemoryBroker:
    """A ``Broker`` for a single node: nothing is lost or reordered, and everything is gone with the process.

    Expired streams and idempotency results are purged as time goes by on calls; there is no timer.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._events: BrokerEvents | None = None
        self._streams: dict[str, _Stream] = {}
        self._results: dict[tuple[str, str], tuple[PublishResult, float]] = {}
        self._expiry_wheel: TimerWheel[_Stream] = TimerWheel(self._clock.monotonic())
        self._meta_wheel: TimerWheel[_Stream] = TimerWheel(self._clock.monotonic())
        self._result_wheel: TimerWheel[tuple[str, str]] = TimerWheel(self._clock.monotonic())
        self._purge_at = 0.0

    async def start(self, events: BrokerEvents, node_id: str) -> None:
        self._events = events

    async def close(self) -> None:
        self._events = None
        self._streams.clear()
        self._results.clear()

    def subscribe(self, channel: str) -> None:
        """The node hears of everything."""

    def unsubscribe(self, channel: str) -> None:
        """The node drops what it has no subscribers for."""

    def reaches(self, channel: str) -> bool:
        """Nobody asks: this bus is never down."""
        return False

    def publish(self, channel: str, publication: Publication, options: PublishOptions) -> PublishResult:
        if options.idempotency_key:
            self._purge(self._clock.monotonic())
            earlier = self._results.get((channel, options.idempotency_key))
            if earlier is not None:
                return earlier[0]
        result = PublishResult()
        if options.history_size > 0 and options.history_ttl > 0:
            now = self._clock.monotonic()
            self._purge(now)
            stream = self._touch(channel, now, options.history_meta_ttl or _META_TTL)
            if not self._is_news(stream, options):
                return PublishResult(stream.top, stream.epoch)
            publication = self._append(stream, publication, options, now)
            result = PublishResult(stream.top, stream.epoch)
        if options.idempotency_key:
            self._remember(channel, options, result)
        self.announce(channel, publication, result.epoch)
        return result

    def announce(self, channel: str, publication: Publication, epoch: str) -> None:
        if self._events is not None:
            self._events.on_publication(channel, publication, epoch)

    def publish_join(self, channel: str, info: ClientInfo) -> None:
        if self._events is not None:
            self._events.on_join(channel, info)

    def publish_leave(self, channel: str, info: ClientInfo) -> None:
        if self._events is not None:
            self._events.on_leave(channel, info)

    def publish_control(self, data: bytes) -> None:
        """There are no other nodes."""

    async def read(
        self, channel: str, *, since: int | None, limit: int, reverse: bool = False
    ) -> HistoryResult:
        now = self._clock.monotonic()
        self._purge(now)
        stream = self._touch(channel, now, _META_TTL)
        if stream.expires <= now:
            stream.publications.clear()
        return HistoryResult(_select(stream.publications, since, limit, reverse), stream.position())

    async def top(self, channel: str) -> StreamPosition:
        now = self._clock.monotonic()
        self._purge(now)
        return self._touch(channel, now, _META_TTL).position()

    async def remove_history(self, channel: str) -> None:
        stream = self._streams.get(channel)
        if stream is not None:
            stream.publications.clear()

    def _touch(self, channel: str, now: float, meta_ttl: float) -> _Stream:
        """The channel's stream, made if need be; its position lives on for ``meta_ttl`` at least."""
        stream = self._streams.get(channel)
        if stream is None:
            stream = self._streams[channel] = _Stream(channel, now + meta_ttl)
            self._meta_wheel.put(stream, stream.meta_expires)
        else:
            stream.meta_expires = max(stream.meta_expires, now + meta_ttl)
        return stream

    @staticmethod
    def _is_news(stream: _Stream, options: PublishOptions) -> bool:
        if options.version == 0:
            return True
        if options.version_epoch == stream.version_epoch and options.version <= stream.version:
            return False
        stream.version = options.version
        stream.version_epoch = options.version_epoch
        return True

    def _append(
        self, stream: _Stream, publication: Publication, options: PublishOptions, now: float
    ) -> Publication:
        if stream.expires <= now:
            stream.publications.clear()
        stream.top += 1
        placed = Publication(
            data=publication.data,
            offset=stream.top,
            info=publication.info,
            tags=publication.tags,
            time=publication.time,
            delta=publication.delta,
        )
        stream.publications.append(placed)
        while len(stream.publications) > options.history_size:
            stream.publications.popleft()
        stream.expires = now + options.history_ttl
        if not stream.expiry_watched:
            stream.expiry_watched = True
            self._expiry_wheel.put(stream, stream.expires)
        return placed

    def _remember(self, channel: str, options: PublishOptions, result: PublishResult) -> None:
        expires = self._clock.monotonic() + options.idempotency_ttl
        key = (channel, options.idempotency_key)
        self._results[key] = (result, expires)
        self._result_wheel.put(key, expires)

    def _purge(self, now: float) -> None:
        """Drop what has run out, at most once a second."""
        if now < self._purge_at:
            return
        self._purge_at = now + _PURGE_EVERY
        for key in self._result_wheel.due(now):
            earlier = self._results.get(key)
            if earlier is not None and earlier[1] <= now:
                del self._results[key]
        for stream in self._expiry_wheel.due(now):
            if stream.expires <= now:
                stream.expiry_watched = False
                stream.publications.clear()
            else:
                self._expiry_wheel.put(stream, stream.expires)
        for stream in self._meta_wheel.due(now):
            if stream.meta_expires <= now:
                del self._streams[stream.name]
            else:
                self._meta_wheel.put(stream, stream.meta_expires)


def _select(
    publications: deque[Publication], since: int | None, limit: int, reverse: bool
) -> list[Publication]:
    if limit == 0 or not publications:
        return []
    first, end = publications[0].offset, publications[-1].offset + 1
    if reverse:
        end = min(end, end if since is None else since)
        start = first if limit < 0 else max(first, end - limit)
        picked = [publications[offset - first] for offset in range(start, end)]
        picked.reverse()
        return picked
    start = first if since is None else max(first, since + 1)
    end = end if limit < 0 else min(end, start + limit)
    return [publications[offset - first] for offset in range(start, end)]
