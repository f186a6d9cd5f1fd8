"""The stores under contract, on each kind of server that there is. Another implementation joins by another parameter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from itertools import count

import pytest

from chirpbird.realtime import (
    Broker,
    ClientInfo,
    MemoryBroker,
    MemoryPresence,
    PresenceStore,
    Publication,
    PublishOptions,
)
from chirpbird.realtime.core import settled
from chirpbird.realtime.redis import RedisOptions, redis_engine
from tests.support.realtime import FakeClock
from tests.support.redis_server import RedisCluster, RedisSentinels, RedisServers, RedisStandalone

KINDS = ["memory", "standalone", "sentinel", "cluster", "sets"]

Later = Callable[[float], Awaitable[None]]
"""Lets so many seconds go by."""
Drain = Callable[[], Awaitable[None]]
"""Waits until all that was said in the channel "ch" has been heard."""


class Heard:
    """A node that only listens."""

    def __init__(self) -> None:
        self.publications: list[tuple[str, Publication, str]] = []
        self.people: list[tuple[str, str, ClientInfo]] = []
        self.controls: list[bytes] = []
        self.markers: dict[bytes, asyncio.Event] = {}

    def on_publication(self, channel: str, publication: Publication, epoch: str) -> None:
        marker = self.markers.get(publication.data)
        if marker is not None:
            marker.set()
        else:
            self.publications.append((channel, publication, epoch))

    def on_join(self, channel: str, info: ClientInfo) -> None:
        self.people.append(("join", channel, info))

    def on_leave(self, channel: str, info: ClientInfo) -> None:
        self.people.append(("leave", channel, info))

    def on_control(self, data: bytes) -> None:
        self.controls.append(data)

    def on_bus(self, up: bool) -> None:
        """The buses under contract stay up."""
        assert up


@pytest.fixture(scope="session")
def redis(request: pytest.FixtureRequest) -> Iterator[tuple[str, list[RedisServers]] | None]:
    """The URL and servers of one kind; kept for all tests of that kind."""
    with ExitStack() as stack:
        servers: list[RedisServers] = []
        match request.param:
            case "standalone":
                servers.append(stack.enter_context(RedisStandalone()))
            case "sentinel":
                servers.append(stack.enter_context(RedisSentinels()))
            case "cluster":
                servers.append(stack.enter_context(RedisCluster()))
            case "sets":
                servers += [stack.enter_context(RedisStandalone()) for _ in range(3)]
        yield (" ".join(one.url for one in servers), servers) if servers else None


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def engine(
    redis: tuple[str, list[RedisServers]] | None, clock: FakeClock
) -> Iterator[tuple[Broker, PresenceStore]]:
    if redis is None:
        yield MemoryBroker(clock), MemoryPresence(clock)
        return
    url, servers = redis
    yield redis_engine(RedisOptions(url=url))
    for one in servers:
        one.flush()


@pytest.fixture
def later(redis: tuple[str, list[RedisServers]] | None, clock: FakeClock) -> Later:
    async def pass_by(seconds: float) -> None:
        clock.now += seconds
        for one in redis[1] if redis is not None else ():
            one.age(seconds)

    return pass_by


@pytest.fixture
async def broker(engine: tuple[Broker, PresenceStore], heard: Heard) -> AsyncIterator[Broker]:
    broker, _ = engine
    await broker.start(heard, "node")
    yield broker
    await broker.close()


@pytest.fixture
def drain(broker: Broker, heard: Heard) -> Drain:
    numbers = count()

    async def wait() -> None:
        name = f"marker {next(numbers)}"
        marker = heard.markers[name.encode()] = asyncio.Event()
        once = PublishOptions(idempotency_key=name)
        await settled(broker.publish("ch", Publication(data=name.encode()), once))
        async with asyncio.timeout(10):
            await marker.wait()

    return wait


@pytest.fixture
async def presence(engine: tuple[Broker, PresenceStore]) -> AsyncIterator[PresenceStore]:
    _, store = engine
    await store.start()
    yield store
    await store.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "redis" in metafunc.fixturenames:
        metafunc.parametrize("redis", KINDS, indirect=True, scope="session")
