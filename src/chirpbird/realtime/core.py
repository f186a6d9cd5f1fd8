"""What a node's sessions share: settings, stores, the hub, time, and the few things that need an event loop."""

from __future__ import annotations

import asyncio
import inspect
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, TypeVar, cast

from chirpbird.realtime.broker import Broker
from chirpbird.realtime.clock import Clock
from chirpbird.realtime.config import NodeConfig
from chirpbird.realtime.flusher import Flusher
from chirpbird.realtime.handlers import Handlers
from chirpbird.realtime.history import History
from chirpbird.realtime.hub import Channel, Hub
from chirpbird.realtime.lane import Lanes
from chirpbird.realtime.position_keeper import PositionKeeper
from chirpbird.realtime.presence import PresenceEntry, PresenceStore
from chirpbird.realtime.protocol import disconnects
from chirpbird.realtime.protocol.codes import INSUFFICIENT_STATE
from chirpbird.realtime.protocol.json_codec import JsonCodec
from chirpbird.realtime.protocol.protobuf_codec import ProtobufCodec
from chirpbird.realtime.stats import Counters
from chirpbird.realtime.tag_filter import TagFilters
from chirpbird.realtime.timers import TimerWheel
from chirpbird.realtime.types import MaybeAwaitable

if TYPE_CHECKING:
    from chirpbird.realtime.session import Session

__all__ = ["Core", "settled"]

T = TypeVar("T")

_logger = logging.getLogger("chirpbird.realtime")
TICK = 0.25
"""Seconds between looks at the clock; the precision of pings and expiries."""


class Core:
    """One per node. Everything runs on one event loop."""

    def __init__(
        self,
        *,
        node_id: str,
        config: NodeConfig,
        clock: Clock,
        handlers: Handlers,
        broker: Broker,
        presence: PresenceStore,
        history: History,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.node_id = node_id
        self.config = config
        self.clock = clock
        self.handlers = handlers
        self.broker = broker
        self.presence = presence
        self.history = history
        self.jitter = jitter
        self.counters = Counters()
        limit = config.command_size_limit
        self.lanes = Lanes((JsonCodec(limit), ProtobufCodec(limit)))
        self.tag_filters = TagFilters()
        self.flusher = Flusher(lambda flush: asyncio.get_running_loop().call_soon(flush))
        self.hub = Hub(self.flusher.mark_channel, self.counters)
        self.wheel: TimerWheel[Session] = TimerWheel(clock.monotonic(), TICK)
        self.keeper = PositionKeeper(
            history=history,
            clock=clock,
            config=config,
            spawn=self.spawn,
            sleep=asyncio.sleep,
            lost=self._position_lost,
        )
        self.connections: set[Session] = set()
        self.tasks: set[asyncio.Task[object]] = set()
        self.closing = False
        self._idle: list[Channel] = []
        self._leaving: dict[str, asyncio.Task[None]] = {}

    def go(self, coroutine: Coroutine[object, object, None]) -> None:
        """Run something that sees to its own errors."""
        self._keep(asyncio.get_running_loop().create_task(coroutine))

    def spawn(self, coroutine: Coroutine[object, object, T]) -> asyncio.Task[T]:
        """Run it, and keep it until it is done. Whoever cares for its outcome adds a callback."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._keep(task)
        return task

    def detach(self, result: MaybeAwaitable[None], what: str) -> None:
        """Let something finish by itself; if it fails, that is logged and that is all."""
        if result is not None:
            self.go(self._watch(result, what))

    async def hold(self, name: str) -> Channel:
        """The channel, with the broker subscribed to it, until ``release``. Errors: the broker's."""
        channel = self.hub.obtain(name)
        channel.holds += 1
        try:
            while not channel.attached:
                if channel.attaching is None:
                    channel.attaching = self.spawn(self._attach(channel))
                await asyncio.shield(channel.attaching)
        except BaseException:
            self.release(channel)
            raise
        return channel

    def unreached(self, now: float) -> list[Channel]:
        """What has to be followed while the bus is down; of the rest, what was quiet for so long that it is compared anyway."""
        late = now - self.config.position_check_delay
        return [
            channel
            for channel in self.hub.channels.values()
            if channel.active_at <= late or not self.broker.reaches(channel.name)
        ]

    def release(self, channel: Channel) -> None:
        """The last one out leaves the broker subscribed for a while: most come back."""
        channel.holds -= 1
        if not channel.holds:
            channel.idle_since = self.clock.monotonic()
            self._idle.append(channel)

    def tick(self) -> None:
        """Do what has become due."""
        now = self.clock.monotonic()
        present: list[PresenceEntry] = []
        for session in self.wheel.due(now):
            if session.wake_at <= now:
                session.tick(now, present)
        if present:
            self.detach(self.presence.put(present, self.config.presence_ttl), "presence refresh")
        if self._idle:
            self._drop_idle(now)

    def _drop_idle(self, now: float) -> None:
        idle, self._idle = self._idle, []
        for channel in idle:
            if channel.holds or self.hub.channels.get(channel.name) is not channel:
                continue
            if now - channel.idle_since < self.config.channel_linger:
                self._idle.append(channel)
                continue
            del self.hub.channels[channel.name]
            if channel.attached and (result := self.broker.unsubscribe(channel.name)) is not None:
                self._leaving[channel.name] = self.spawn(self._leave(channel.name, result))

    async def _attach(self, channel: Channel) -> None:
        try:
            leaving = self._leaving.get(channel.name)
            if leaving is not None:
                await leaving
            await settled(self.broker.subscribe(channel.name))
            channel.attached = True
        finally:
            channel.attaching = None

    async def _leave(self, name: str, result: Awaitable[None]) -> None:
        try:
            await result
        except Exception as error:
            _logger.warning("the broker could not unsubscribe from %r: %r", name, error)
        finally:
            del self._leaving[name]

    def _position_lost(self, channel: Channel) -> None:
        self.counters.positions_lost += 1
        _logger.warning("the place in the stream of %r is lost, its subscribers start anew", channel.name)
        for sub in channel.subscriptions():
            if not sub.positioned:
                continue
            if sub.server_side:
                sub.session.close(disconnects.INSUFFICIENT_STATE)
            else:
                sub.session.unsubscribe(sub.name, INSUFFICIENT_STATE)

    def _keep(self, task: asyncio.Task[T]) -> None:
        self.tasks.add(cast("asyncio.Task[object]", task))
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[T]) -> None:
        self.tasks.discard(cast("asyncio.Task[object]", task))
        if not task.cancelled():
            task.exception()  # whoever waits for it has it too; without a look asyncio would complain

    @staticmethod
    async def _watch(result: Awaitable[None], what: str) -> None:
        try:
            await result
        except Exception:
            _logger.exception("%s failed", what)


async def settled(result: MaybeAwaitable[T]) -> T:
    """The value, awaited for if need be."""
    if inspect.isawaitable(result):
        return await cast("Awaitable[T]", result)
    return result
