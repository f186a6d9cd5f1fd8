"""A node with permissive handlers, a clock and a bus, and peers to connect to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from chirpbird.realtime import Node, NodeConfig
from tests.support.realtime import Bus, FakeClock, Peer, with_handlers

_CONFIG = NodeConfig(version="1.0", fill_retry_min=0.0, fill_retry_max=0.0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def bus(clock: FakeClock) -> Bus:
    return Bus(clock)


@pytest.fixture
def config() -> NodeConfig:
    return _CONFIG


@pytest.fixture
async def node(clock: FakeClock, bus: Bus, config: NodeConfig) -> AsyncIterator[Node]:
    node = with_handlers(Node(config, broker=bus, clock=clock))
    await node.start()
    yield node
    await node.shutdown()


@pytest.fixture
def peer(node: Node) -> Callable[[], Peer]:
    return lambda: Peer(node)
