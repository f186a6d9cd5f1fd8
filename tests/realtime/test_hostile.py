"""Clients that want too much: each meets a limit, and the others do not notice."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable

import pytest

from chirpbird.realtime import Client, Node, NodeConfig, RpcEvent, RpcReply
from tests.support.realtime import Bus, FakeClock, Peer, settle, with_handlers

Peers = Callable[[], Peer]


@pytest.fixture
async def bert(node: Node) -> Peer:
    """Wants nothing but his publications."""
    bert = Peer(node)
    await bert.connect("bert")
    await bert.subscribe("plain:c")
    return bert


async def is_served(node: Node, bert: Peer) -> bool:
    node.publish("plain:c", b"1").result()
    await settle()
    return bert.pubs("plain:c") == [{"data": 1}]


def outcomes(peer: Peer) -> Counter[object]:
    """Error codes (None: success) of the replies so far."""
    return Counter(told.get("error", {}).get("code") for told in peer.told() if "id" in told)


async def test_a_hundred_thousand_subscriptions(node: Node, peer: Peers, bert: Peer, bus: Bus) -> None:
    mallory = peer()
    await mallory.connect()
    for start in range(0, 100_000, 1000):
        mallory.send(*({"id": n + 2, "subscribe": {"channel": f"x{n}"}} for n in range(start, start + 1000)))
        await settle(2)
    await settle()
    assert outcomes(mallory) == {None: 128, 106: 99_872}
    assert node.stats().num_subscriptions == 129
    assert len(bus.subscribed) == 129
    assert await is_served(node, bert)


async def test_subscribing_and_leaving_without_end_leaves_nothing(
    node: Node, peer: Peers, bert: Peer, bus: Bus, clock: FakeClock
) -> None:
    mallory = peer()
    await mallory.connect()
    for number in range(5000):
        channel = {"channel": f"stream:{number}"}
        mallory.send({"id": 2, "subscribe": channel}, {"id": 3, "unsubscribe": channel})
        await settle(3)
    await settle()
    assert outcomes(mallory) == {None: 10_000}
    clock.now += 2
    node.tick()
    await settle()
    assert bus.subscribed == {"plain:c"}
    assert list(node._core.hub.channels) == ["plain:c"]
    assert await is_served(node, bert)


@pytest.mark.parametrize(
    "config", [NodeConfig(client_concurrency=4, client_backlog_bytes=10_000, shutdown_timeout=0)]
)
async def test_a_flood_of_requests_that_take_time(node: Node, peer: Peers, bert: Peer) -> None:
    begun: list[str] = []

    @node.on_rpc
    async def rpc(client: Client, event: RpcEvent) -> RpcReply:
        begun.append(event.method)
        await asyncio.Event().wait()
        raise AssertionError

    mallory = peer()
    await mallory.connect()
    for number in range(1000):
        mallory.send({"id": number + 2, "rpc": {"method": str(number)}})
        await settle(1)
    assert begun == ["0", "1", "2", "3"]
    assert mallory.ended == (3013, "too many requests")
    assert await is_served(node, bert)


async def test_a_flood_of_requests_without_reading_the_answers(node: Node, peer: Peers, bert: Peer) -> None:
    mallory = peer()
    await mallory.connect()
    frame = "\n".join(json.dumps({"id": n + 2, "rpc": {"data": "x" * 400}}) for n in range(100)).encode()
    frames = 0
    while mallory.ended is None:
        mallory.receiver.received(frame)
        frames += 1
        await asyncio.sleep(0)
        mallory.connection.stuck = sum(map(len, mallory.connection.writes))
    assert mallory.ended == (3008, "slow")
    assert mallory.connection.stuck < 2 * node.config.write_queue_limit
    assert await is_served(node, bert)


async def test_a_subscriber_who_never_reads(node: Node, peer: Peers, bert: Peer) -> None:
    mallory = peer()
    await mallory.connect()
    await mallory.subscribe("plain:c")
    published = 0
    while mallory.ended is None:
        node.publish("plain:c", b'"%b"' % (b"x" * 10_000)).result()
        published += 1
        await settle(2)
        mallory.connection.stuck = sum(map(len, mallory.connection.writes))
    assert mallory.ended == (3008, "slow")
    assert published <= 2 * node.config.write_queue_limit // 10_000 + 1
    assert len(bert.pubs("plain:c")) == published
    assert await is_served(node, bert)


async def test_answers_of_one_turn_are_looked_at_before_they_pile_up(node: Node, peer: Peers) -> None:
    """A peer that reads may get more than the limit at once; one that does not loses the connection at the next turn."""
    mallory = peer()
    await mallory.connect()
    mallory.send(*({"id": n + 2, "rpc": {"data": "x" * 1000}} for n in range(2000)))
    await settle()
    assert mallory.ended is None
    mallory.connection.stuck = sum(map(len, mallory.connection.writes))
    mallory.send({"id": 1, "rpc": {}})
    await settle()
    assert mallory.ended == (3008, "slow")


async def test_connections_that_never_begin(clock: FakeClock) -> None:
    node = with_handlers(Node(NodeConfig(stale_timeout=5), clock=clock))
    await node.start()
    peers = [Peer(node) for _ in range(1000)]
    clock.now += 6
    node.tick()
    assert {each.ended for each in peers} == {(3502, "stale")}
    assert node.stats().num_connections == 0
    await node.shutdown()
