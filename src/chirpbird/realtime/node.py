"""One server process: it accepts connections, and is what the application talks to."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from chirpbird.realtime import control
from chirpbird.realtime.broker import Broker
from chirpbird.realtime.clock import Clock, SystemClock
from chirpbird.realtime.cluster import (
    Cluster,
    NotificationHandler,
    SurveyHandler,
    SurveyReply,
)
from chirpbird.realtime.config import NodeConfig
from chirpbird.realtime.core import TICK, Core
from chirpbird.realtime.emulation import Emulation
from chirpbird.realtime.handlers import HandlerRegistration
from chirpbird.realtime.history import History
from chirpbird.realtime.memory_broker import MemoryBroker
from chirpbird.realtime.memory_presence import MemoryPresence
from chirpbird.realtime.options import PublishOptions
from chirpbird.realtime.orders import UserOrders
from chirpbird.realtime.presence import PresenceStore
from chirpbird.realtime.protocol import disconnects, errors
from chirpbird.realtime.session import Session
from chirpbird.realtime.stats import NodeInfo, NodesInfo, NodeStats
from chirpbird.realtime.transports.base import Connection, Receiver
from chirpbird.realtime.types import (
    ClientInfo,
    HistoryResult,
    PresenceStats,
    Publication,
    PublishResult,
    StreamPosition,
)

__all__ = ["Node"]

S = TypeVar("S", bound=SurveyHandler)
N = TypeVar("N", bound=NotificationHandler)

_logger = logging.getLogger("chirpbird.realtime")
_SHUTDOWN_STEP = 0.05
"""Seconds, at least, between two lots of goodbyes, and between looks whether all are gone."""


class Node(HandlerRegistration, UserOrders):
    """The engine. All calls are made on the event loop that ``start`` ran on.

    ``broker`` is the bus to the other nodes and keeps the streams of channels that have no log of their own; ``history``
    answers for positioned channels' past, and is the broker's own streams if not given.
    """

    def __init__(
        self,
        config: NodeConfig | None = None,
        *,
        broker: Broker | None = None,
        presence: PresenceStore | None = None,
        history: History | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__()
        clock = clock or SystemClock()
        broker = broker or MemoryBroker(clock)
        self.id = str(uuid.uuid4())
        self.config = config or NodeConfig()
        self._core = Core(
            node_id=self.id,
            config=self.config,
            clock=clock,
            handlers=self._handlers,
            broker=broker,
            presence=presence or MemoryPresence(clock),
            history=history or broker,
        )
        self._cluster = Cluster(self._core, self._info)
        self._emulation = Emulation(self._core, self._cluster)
        self._timer: asyncio.TimerHandle | None = None
        self._started = clock.monotonic()
        self._check_at = clock.monotonic() + self.config.position_check_interval
        self._bus_up = True
        self._check_all = False
        """The next check leaves no channel out."""
        self._doubting = False
        """Another node may append to streams unheard."""
        self._bus_listener: Callable[[bool], None] | None = None

    # Life

    async def start(self) -> None:
        """Open the bus and begin to look at the clock. Errors: the broker's and the presence store's."""
        await self._core.presence.start()
        await self._core.broker.start(self, self.id)
        self._cluster.announce()
        self._schedule_tick()

    @property
    def closing(self) -> bool:
        """Whether the shutdown has begun."""
        return self._core.closing

    def begin_shutdown(self) -> None:
        """Refuse new connections from now on. ``shutdown`` does it too; this can be called from a signal handler."""
        self._core.closing = True

    async def shutdown(self, *, within: float = 0) -> None:
        """Send everybody elsewhere (3001), spread over ``within`` seconds so that they do not all come at once; then stop.

        New connections are refused from the start. Requests at work are answered before their client is sent away, if they
        finish within ``NodeConfig.shutdown_timeout``.
        """
        core = self._core
        self.begin_shutdown()
        await self._send_away(within)
        if core.tasks:
            await asyncio.wait(core.tasks, timeout=self.config.shutdown_timeout)
        for task in list(core.tasks):
            task.cancel()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._cluster.depart()
        await core.broker.close()
        await core.presence.close()

    async def _send_away(self, within: float) -> None:
        core = self._core
        staying = list(core.connections)
        steps = min(max(round(within / _SHUTDOWN_STEP), 1), len(staying)) or 1
        share = -(-len(staying) // steps)
        while staying:
            for session in staying[:share]:
                session.leave(disconnects.SHUTDOWN)
            del staying[:share]
            if staying:
                await asyncio.sleep(within / steps)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.config.shutdown_timeout
        while core.connections and loop.time() < deadline:  # noqa: ASYNC110  # no event is worth it: they go by many ways
            await asyncio.sleep(_SHUTDOWN_STEP)
        for session in list(core.connections):
            session.close(disconnects.SHUTDOWN)

    def accept(self, connection: Connection) -> Receiver:
        """Take a new connection; see ``transports.base``. Errors: ValueError for a wire format without a codec."""
        session = Session(self._core, connection)
        self._core.counters.connections += 1
        self._core.connections.add(session)
        if self._core.closing:
            session.close(disconnects.SHUTDOWN)
        return session

    def receiver(self, session_id: str) -> Receiver | None:
        """Where what an emulated client sends by other requests goes; None when there is no such session on this node."""
        return self._core.hub.session_ids.get(session_id)

    async def emulate(self, node: str, session_id: str, data: bytes) -> None:
        """Hand a frame of commands to the connection of a session, which is on ``node``: both as told in its connect result. What
        one node is given keeps its order. Nothing happens if there is no such session: it may just have ended.

        Errors: UnknownNode; SurveyIncomplete when the node does not answer in time; the broker's.
        """
        await self._emulation.emulate(node, session_id, data)

    def tick(self) -> None:
        """Do what has become due. Called by the timer that ``start`` sets; public for tests with a clock of their own."""
        core = self._core
        core.tick()
        now = core.clock.monotonic()
        self._check_positions(now)
        self._cluster.tick(now, bus_up=self._bus_up)

    def _check_positions(self, now: float) -> None:
        """Compare channels with their streams, often if the bus cannot be relied upon."""
        config = self.config
        doubts = self._cluster.doubts(now)
        interval, delay = config.position_check_interval, config.position_check_delay
        channels = list(self._core.hub.channels.values())
        if not self._bus_up:
            interval, delay = config.bus_down_check_interval, 0.0
            if not self._check_all:
                channels = self._core.unreached(now)
        elif doubts:
            interval, delay = config.lost_node_check_interval, 0.0
            if not self._doubting:
                self._check_at = now
        self._doubting = doubts
        self._check_at = min(self._check_at, now + interval)
        if now >= self._check_at:
            self._check_at = now + interval
            if self._check_all:
                self._check_all, delay = False, 0.0
            self._core.go(self._core.keeper.check(channels, delay))

    def _schedule_tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK, self._on_timer)

    def _on_timer(self) -> None:
        self._schedule_tick()
        try:
            self.tick()
        except Exception:
            _logger.exception("looking at the clock failed")

    # Publishing

    def announce(self, channel: str, publication: Publication, epoch: str) -> None:
        """Tell everybody of an entry (offset > 0) that is durable in the log behind ``history``. Never raises: what the bus
        loses, the nodes find in the log."""
        self._core.broker.announce(channel, publication, epoch)

    def publish(
        self,
        channel: str,
        data: bytes,
        *,
        info: ClientInfo | None = None,
        tags: Mapping[str, str] | None = None,
        idempotency_key: str = "",
        delta: bool = False,
        history_size: int = 0,
        history_ttl: float = 0.0,
        history_meta_ttl: float = 0.0,
        version: int = 0,
        version_epoch: str = "",
    ) -> asyncio.Future[PublishResult]:
        """Publish to a channel; see ``PublishOptions``. It is on its way when this returns, and publications take effect in the
        order of these calls; the future (already done with the memory broker) says where it went.

        Errors: the broker's, in the future.
        """
        options = PublishOptions(
            history_size=history_size,
            history_ttl=history_ttl,
            history_meta_ttl=history_meta_ttl,
            idempotency_key=idempotency_key,
            version=version,
            version_epoch=version_epoch,
            delta=delta,
        )
        result = self._core.broker.publish(
            channel, Publication(data=data, info=info, tags=tags, delta=delta), options
        )
        if not isinstance(result, PublishResult):
            return asyncio.ensure_future(result)
        done: asyncio.Future[PublishResult] = asyncio.get_running_loop().create_future()
        done.set_result(result)
        return done

    async def history(
        self, channel: str, *, limit: int = 0, since: StreamPosition | None = None, reverse: bool = False
    ) -> HistoryResult:
        """A channel's past; ``limit`` 0: only the position, -1: all there is.

        Errors: UNRECOVERABLE_POSITION when ``since`` is of another stream; those of ``History``.
        """
        result = await self._core.history.read(
            channel, since=None if since is None else since.offset, limit=limit, reverse=reverse
        )
        if since is not None and since.epoch not in ("", result.position.epoch):
            raise errors.UNRECOVERABLE_POSITION
        return result

    async def presence(self, channel: str) -> dict[str, ClientInfo]:
        """Who is there, by client id. Errors: the presence store's."""
        return await self._core.presence.get(channel)

    async def presence_stats(self, channel: str) -> PresenceStats:
        """How many are there. Errors: the presence store's."""
        return await self._core.presence.stats(channel)

    # Nodes

    def on_survey(self, op: str) -> Callable[[S], S]:
        """Decorator of the handler that answers surveys of this name: ``(SurveyEvent) -> SurveyReply``, or an awaitable of one.
        It is called in the order in which a node asks. Names that begin with ``chirpbird.`` are the engine's."""

        def register(handler: S) -> S:
            self._cluster.survey_handlers[op] = handler
            return handler

        return register

    def on_notification(self, op: str) -> Callable[[N], N]:
        """Decorator of the handler of notifications of this name: ``(NotificationEvent) -> None``, or an awaitable."""

        def register(handler: N) -> N:
            self._cluster.notification_handlers[op] = handler
            return handler

        return register

    async def survey(
        self, op: str, data: bytes, *, to: str = "", timeout: float | None = None
    ) -> dict[str, SurveyReply]:
        """Ask all nodes, this one too, or the one with id ``to``; answers by node id. ``timeout`` in seconds, None: the node's
        ``survey_timeout``.

        Errors: UnknownNode; SurveyIncomplete when nodes that are taken to be alive do not answer in time; the broker's.
        """
        return await self._cluster.survey(op, data, to=to, timeout=timeout)

    async def notify(self, op: str, data: bytes, *, to: str = "") -> None:
        """Tell all nodes, this one too, or the one with id ``to``, and wait for no answer. Errors: UnknownNode; the broker's."""
        await self._cluster.notify(op, data, to=to)

    def info(self) -> NodesInfo:
        """All nodes that are alive, this one first; the others as of their last announcement."""
        return self._cluster.info()

    async def channels(self, pattern: str = "") -> dict[str, int]:
        """Channels that have subscribers, and how many, over all nodes; with ``pattern`` those whose names match it, where ``*``,
        ``?`` and ``[...]`` have their usual meaning and nothing is special about ``:`` and ``/``.

        Errors: as ``survey``, and SurveyIncomplete when a node could not say.
        """
        return await self._cluster.channels(pattern)

    # What is here

    @property
    def bus_up(self) -> bool:
        """False: other nodes are not reached; channels with positions are followed in their streams instead."""
        return self._bus_up

    def on_bus_change(self, listener: Callable[[bool], None]) -> None:
        """Have it called with ``bus_up`` when that changes. It must not raise."""
        self._bus_listener = listener

    def users(self) -> list[str]:
        """Those who are connected to this node."""
        return list(self._core.hub.users)

    def channels_of(self, user: str) -> set[str]:
        """What a user's connections to this node are subscribed to."""
        return {name for session in self._core.hub.find(user) for name in session.subs}

    # What the broker tells

    def on_publication(self, channel: str, publication: Publication, epoch: str) -> None:
        core = self._core
        known = core.hub.channels.get(channel)
        if known is None:
            return
        core.counters.publications += 1
        position = known.position
        if position is None or not publication.offset:
            known.deliver((publication,), epoch)
        else:
            core.keeper.announced(known, publication, epoch)

    def on_join(self, channel: str, info: ClientInfo) -> None:
        self._core.hub.join(channel, info)

    def on_leave(self, channel: str, info: ClientInfo) -> None:
        self._core.hub.leave(channel, info)

    def on_control(self, data: bytes) -> None:
        try:
            message = control.decode(data)
            if message.node == self.id or message.to not in ("", self.id):
                return
            if isinstance(message, control.UserOrder):
                self._obey(message)
            else:
                self._cluster.heard(message)
        except (msgspec.MsgspecError, ValueError) as error:
            _logger.warning("a control message from another node cannot be obeyed: %s", error)

    def on_bus(self, up: bool) -> None:
        if up is not self._bus_up:
            self._bus_up = up
            _logger.warning("the bus is %s", "back" if up else "down; following the streams instead")
            if up:
                self._cluster.announce_soon()
            if self._bus_listener is not None:
                self._bus_listener(up)
        self._check_all = True
        self._check_at = self._core.clock.monotonic()

    # What it knows of itself

    def _info(self) -> NodeInfo:
        return self.stats().info(self.config.version, self._core.clock.monotonic() - self._started)

    def stats(self) -> NodeStats:
        core = self._core
        hub = core.hub
        core.counters.fills = core.keeper.fills
        return NodeStats(
            node_id=self.id,
            name=self.config.name or self.id,
            num_connections=len(core.connections),
            num_clients=len(hub.sessions),
            num_users=len(hub.users),
            num_channels=sum(1 for channel in hub.channels.values() if channel.count),
            num_subscriptions=sum(channel.count for channel in hub.channels.values()),
            counters=core.counters,
        )
