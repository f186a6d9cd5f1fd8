"""Nodes on real Redis servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from chirpbird.realtime import (
    Broker,
    ClientInfo,
    HistoryResult,
    Node,
    NodeConfig,
    Publication,
    StreamPosition,
)
from chirpbird.realtime.redis import RedisOptions, RedisPresence, redis_engine
from tests.support.patient import PATIENCE
from tests.support.realtime import with_handlers
from tests.support.redis_server import RedisStandalone

QUICK = NodeConfig(bus_down_check_interval=0.2, position_check_interval=3600, position_check_delay=3600)


class Ear:
    """A node's end of the bus that only listens, and can be waited on."""

    def __init__(self) -> None:
        self.broker: Broker
        self.presence: RedisPresence
        self.publications: list[tuple[str, Publication]] = []
        self.people: list[tuple[str, str]] = []
        self.controls: list[bytes] = []
        self.bus: list[bool] = []
        self._changed = asyncio.Event()

    def on_publication(self, channel: str, publication: Publication, epoch: str) -> None:
        self.publications.append((channel, publication))
        self._changed.set()

    def on_join(self, channel: str, info: ClientInfo) -> None:
        self.people.append(("join", info.client))
        self._changed.set()

    def on_leave(self, channel: str, info: ClientInfo) -> None:
        self.people.append(("leave", info.client))
        self._changed.set()

    def on_control(self, data: bytes) -> None:
        self.controls.append(data)
        self._changed.set()

    def on_bus(self, up: bool) -> None:
        self.bus.append(up)
        self._changed.set()

    @property
    def data(self) -> list[bytes]:
        return [publication.data for _, publication in self.publications]

    async def until(self, condition: Callable[[], bool], *, patience: float = PATIENCE) -> None:
        """Return when it holds; TimeoutError if that takes too long."""
        async with asyncio.timeout(patience):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


class Log:
    """Channels whose past is kept elsewhere than in Redis, as the chat's is."""

    def __init__(self) -> None:
        self.logs: dict[str, list[Publication]] = {}

    def append(self, channel: str, data: bytes) -> Publication:
        log = self.logs.setdefault(channel, [])
        log.append(Publication(data=data, offset=len(log) + 1))
        return log[-1]

    async def read(
        self, channel: str, *, since: int | None, limit: int, reverse: bool = False
    ) -> HistoryResult:
        assert not reverse
        log = self.logs.get(channel, [])
        start = since or 0
        end = len(log) if limit < 0 else start + limit
        return HistoryResult(log[start:end], await self.top(channel))

    async def top(self, channel: str) -> StreamPosition:
        return StreamPosition(len(self.logs.get(channel, [])), "log")


@pytest.fixture(scope="session")
def standalone() -> Iterator[RedisStandalone]:
    with RedisStandalone() as server:
        yield server


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def ear(stack: AsyncExitStack) -> Callable[[str], Awaitable[Ear]]:
    """Makes listeners on the Redis of a URL."""

    async def make(url: str) -> Ear:
        ear = Ear()
        ear.broker, ear.presence = redis_engine(RedisOptions(url=url))
        await ear.broker.start(ear, "ear")
        stack.push_async_callback(ear.broker.close)
        return ear

    return make


@pytest.fixture
def node(stack: AsyncExitStack) -> Callable[[str, Log | None], Awaitable[Node]]:
    """Makes nodes on the Redis of a URL; with a log, Redis need not be there."""

    async def make(url: str, log: Log | None = None) -> Node:
        broker, presence = redis_engine(RedisOptions(url=url, required=log is None))
        node = with_handlers(Node(QUICK, broker=broker, presence=presence, history=log))
        await node.start()
        stack.push_async_callback(node.shutdown)
        return node

    return make


@pytest.fixture
def log() -> Log:
    return Log()
