"""The node itself: users on all nodes, shutdown, and what it tells of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from chirpbird.realtime import (
    Client,
    ConnectingEvent,
    ConnectReply,
    Node,
    NodeConfig,
    ProtocolError,
    Publication,
    PublishEvent,
    PublishReply,
    RpcEvent,
    RpcReply,
    StreamPosition,
    disconnects,
)
from tests.support.realtime import FakeClock, Peer, Recorder, settle, with_handlers

Peers = Callable[[], Peer]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"\x81\xa2do\xa3fly",
        b"\x85\xa2do\xaadisconnect\xa4node\xa1x\xa4user\xa1u\xa4code\x01\xa6reason\xa0",
    ],
)
async def test_control_messages_that_make_no_sense_are_logged(
    node: Node, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    node.on_control(data)
    assert "cannot be obeyed" in caplog.text


async def test_publishing_from_the_server(node: Node, peer: Peers) -> None:
    anna = peer()
    await anna.connect()
    await anna.subscribe("plain:c")
    result = await node.publish(
        "plain:c", b"1", tags={"a": "b"}, history_size=5, history_ttl=60, idempotency_key="k"
    )
    assert result.offset == 1
    assert await node.publish("plain:c", b"1", history_size=5, history_ttl=60, idempotency_key="k") == result
    await settle()
    assert anna.pubs("plain:c") == [{"data": 1, "offset": 1, "tags": {"a": "b"}, "epoch": result.epoch}]


async def test_reading_history_from_the_server(node: Node) -> None:
    for number in range(3):
        await node.publish("c", b"%d" % number, history_size=5, history_ttl=60)
    everything = await node.history("c", limit=-1)
    assert [publication.data for publication in everything.publications] == [b"0", b"1", b"2"]
    since = StreamPosition(2, everything.position.epoch)
    assert len((await node.history("c", limit=-1, since=since)).publications) == 1
    assert (await node.history("c")).publications == []
    with pytest.raises(ProtocolError) as refused:
        await node.history("c", since=StreamPosition(1, "other"))
    assert refused.value.code == 112


async def test_stats(node: Node, peer: Peers) -> None:
    anna, bert, carl = peer(), peer(), peer()
    await anna.connect("anna")
    await bert.connect("anna")
    await anna.subscribe("a")
    await bert.subscribe("a")
    await bert.subscribe("b")
    await anna.ask(rpc={"method": "x"})
    assert (await anna.ask(subscribe={"channel": "a"}))["error"]
    node.publish("a", b"1").result()
    stats = node.stats()
    assert (stats.node_id, stats.name) == (node.id, node.id)
    assert (stats.num_connections, stats.num_clients, stats.num_users) == (3, 2, 1)
    assert (stats.num_channels, stats.num_subscriptions) == (2, 3)
    assert stats.counters.connections == 3
    assert stats.counters.commands == 7
    assert stats.counters.errors == 1
    assert stats.counters.publications == 1
    await anna.ask(unsubscribe={"channel": "a"})
    bert.lose()
    carl.lose()
    stats = node.stats()
    assert (stats.num_connections, stats.num_clients, stats.num_channels) == (1, 1, 0)


async def test_what_a_handler_can_do_with_a_client(node: Node, peer: Peers) -> None:
    @node.on_rpc
    def rpc(client: Client, event: RpcEvent) -> RpcReply:
        assert client.is_subscribed("a")
        assert not client.is_subscribed("b")
        assert client.channels == ["a"]
        assert client.user == "anna"
        assert client.info == b'{"name":"anna"}'
        assert client.id in repr(client)
        client.context = "mine"
        client.send(b'{"n": 1}')
        client.unsubscribe("a")
        client.unsubscribe("b")
        return RpcReply()

    anna = peer()
    await anna.connect("anna")
    await anna.subscribe("a")
    await anna.ask(rpc={})
    assert anna.told() == [
        {"push": {"message": {"data": {"n": 1}}}},
        {"push": {"channel": "a", "unsubscribe": {"code": 2000, "reason": "server unsubscribe"}}},
    ]


async def test_shutdown_sends_everybody_elsewhere(clock: FakeClock) -> None:
    node = with_handlers(Node(clock=clock))
    await node.start()
    peers = [Peer(node) for _ in range(3)]
    for each in peers[:2]:
        await each.connect()
    await node.shutdown()
    assert [each.ended for each in peers] == [(3001, "shutdown")] * 3
    assert peers[0].told() == [{"push": {"disconnect": {"code": 3001, "reason": "shutdown"}}}]
    late = Peer(node)
    assert late.ended == (3001, "shutdown")


async def test_shutdown_can_be_spread(clock: FakeClock) -> None:
    node = with_handlers(Node(clock=clock))
    await node.start()
    peers = [Peer(node) for _ in range(6)]
    stopping = asyncio.create_task(node.shutdown(within=0.15))
    await settle(3)
    assert sum(each.ended is not None for each in peers) == 2
    await stopping
    assert all(each.ended == (3001, "shutdown") for each in peers)


async def test_goodbyes_of_few_are_spread_as_well(clock: FakeClock) -> None:
    node = with_handlers(Node(clock=clock))
    await node.start()
    peers = [Peer(node) for _ in range(2)]
    stopping = asyncio.create_task(node.shutdown(within=0.2))
    await settle(3)
    assert sum(each.ended is not None for each in peers) == 1
    await stopping
    assert all(each.ended == (3001, "shutdown") for each in peers)


async def test_a_shutdown_that_begins_refuses_newcomers_only(clock: FakeClock) -> None:
    node = with_handlers(Node(clock=clock))
    await node.start()
    anna = Peer(node)
    await anna.connect()
    closing = [node.closing]
    node.begin_shutdown()
    assert [*closing, node.closing] == [False, True]
    assert Peer(node).ended == (3001, "shutdown")
    assert (await anna.ask(rpc={"method": "x"}))["rpc"] is not None
    await node.shutdown()


async def test_requests_at_work_are_answered_before_the_goodbye(clock: FakeClock) -> None:
    node = with_handlers(Node(clock=clock))
    await node.start()
    durable = asyncio.Event()

    @node.on_publish
    async def publish(client: Client, event: PublishEvent) -> PublishReply:
        await durable.wait()
        return PublishReply()

    anna = Peer(node)
    await anna.connect()
    await anna.subscribe("plain:c")
    anna.told()
    anna.send(
        {"id": 11, "publish": {"channel": "plain:c", "data": 1}},
        {"id": 12, "publish": {"channel": "plain:c", "data": 2}},
    )
    await settle()
    stopping = asyncio.create_task(node.shutdown())
    await settle()
    anna.send({"id": 13, "rpc": {"method": "x"}})  # too late
    await settle()
    assert anna.ended is None
    durable.set()
    await stopping
    told = anna.told()
    assert [each.get("id") for each in told if "id" in each] == [11, 12]
    assert told[-1] == {"push": {"disconnect": {"code": 3001, "reason": "shutdown"}}}
    assert anna.ended == (3001, "shutdown")


async def test_shutdown_waits_for_handlers_and_not_for_ever(clock: FakeClock) -> None:
    node = with_handlers(Node(NodeConfig(shutdown_timeout=0.01), clock=clock))
    await node.start()
    finished: list[str] = []

    @node.on_rpc
    async def rpc(client: Client, event: RpcEvent) -> RpcReply:
        await (settle(3) if event.method == "short" else asyncio.Event().wait())
        finished.append(event.method)
        return RpcReply()

    anna = Peer(node)
    await anna.connect()
    anna.send({"id": 2, "rpc": {"method": "short"}}, {"id": 3, "rpc": {"method": "endless"}})
    await settle(1)
    await node.shutdown()
    await settle()
    assert finished == ["short"]
    assert not node._core.tasks


async def test_a_wire_format_without_a_codec_is_an_error_of_the_transport(node: Node) -> None:
    with pytest.raises(ValueError, match=r"wire format is 'morse', expected one of \['json', 'protobuf'\]"):
        node.accept(Recorder(wire="morse"))


async def test_the_clock_is_looked_at_by_itself(peer: Peers) -> None:
    """With the real clock and no ``start`` nothing ticks; with it, a stale connection goes."""
    node = Node(NodeConfig(stale_timeout=0.01))

    @node.on_connecting
    def connecting(client: Client, event: ConnectingEvent) -> ConnectReply:
        return ConnectReply(user="u")

    await node.start()
    anna = Peer(node)
    closed = asyncio.Event()
    anna.connection.on_close = closed.set
    await closed.wait()
    assert anna.ended == (disconnects.STALE.code, "stale")
    await node.shutdown()


async def test_announcements_for_channels_without_subscribers_cost_nothing(node: Node) -> None:
    node.announce("nobody", Publication(data=b"1", offset=1), "e")
    assert node.stats().counters.publications == 0
