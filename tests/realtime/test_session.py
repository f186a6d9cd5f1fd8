"""Order, pings, slow readers and the end: what all commands share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chirpbird.realtime import Client, MessageEvent, Node, NodeConfig, RpcEvent, RpcReply, disconnects
from tests.support.realtime import Bus, FakeClock, Peer, settle, with_handlers

Peers = Callable[[], Peer]


@pytest.mark.parametrize("frame", [b"", b"\n", b"nope", b"[]", b"{}\n\n", b'{"id":1}x', b"\xff"])
async def test_what_is_not_the_protocol_ends_the_connection(peer: Peers, frame: bytes) -> None:
    anna = peer()
    await anna.connect()
    anna.receiver.received(frame)
    assert anna.ended == (3501, "bad request")


@pytest.mark.parametrize("command", [{"id": 5}, {"id": 5, "ping": {}}, {"id": 5, "unheard_of": {}}])
async def test_commands_that_nobody_serves_end_the_connection(
    peer: Peers, command: dict[str, object]
) -> None:
    anna = peer()
    await anna.connect()
    anna.send(command)
    assert anna.ended == (3501, "bad request")


async def test_nothing_is_heard_or_said_after_the_end(node: Node, peer: Peers) -> None:
    anna = peer()
    await anna.connect()
    anna.send({"id": 2}, {"id": 3, "rpc": {"data": 1}})
    anna.send({"id": 4, "rpc": {"data": 1}})
    anna.receiver.received(b"nope")
    await settle()
    assert [told["push"] for told in anna.told()] == [{"disconnect": {"code": 3501, "reason": "bad request"}}]
    assert node.stats().num_connections == 0


async def test_one_turn_is_one_write(node: Node, peer: Peers) -> None:
    anna = peer()
    await anna.connect()
    await anna.subscribe("plain:a")
    await anna.subscribe("plain:b")
    before = len(anna.connection.writes)
    for number in range(5):
        node.publish("plain:a", b"%d" % number).result()
        node.publish("plain:b", b"%d" % number).result()
    anna.send({"id": 7, "rpc": {"data": 1}}, {"id": 8, "rpc": {"data": 2}})
    assert len(anna.connection.writes) == before
    await settle()
    assert len(anna.connection.writes) == before + 1
    assert len(anna.told()) == 12


async def test_publications_of_one_turn_are_the_same_bytes_for_all(node: Node, peer: Peers) -> None:
    peers = [peer() for _ in range(3)]
    for each in peers:
        await each.connect()
        await each.subscribe("plain:a")
    node.publish("plain:a", b"1").result()
    node.publish("plain:a", b"2").result()
    await settle()
    last = [each.connection.writes[-1] for each in peers]
    assert last[0] is last[1] is last[2]
    assert [json.loads(line)["push"]["pub"]["data"] for line in last[0].splitlines()] == [1, 2]


# Pings


async def test_pings_are_asked_for_answers(node: Node, peer: Peers, clock: FakeClock) -> None:
    anna = peer()
    await anna.connect()
    clock.now += 12.4
    node.tick()
    await settle()
    assert anna.told() == []
    for _ in range(10):
        clock.now += 25.0
        node.tick()
        await settle()
        assert anna.told() == [{}]
        clock.now += 9.0
        node.tick()
        anna.send({})
        clock.now += 16.0
        node.tick()
        await settle()
        if anna.told():
            anna.send({})
    assert anna.ended is None


async def test_the_first_ping_comes_within_the_second_half_of_the_interval(
    node: Node, peer: Peers, clock: FakeClock
) -> None:
    peers = [peer() for _ in range(20)]
    for each in peers:
        await each.connect()
    clock.now += 12.4
    node.tick()
    await settle()
    assert all(each.told() == [] for each in peers)
    clock.now += 12.9
    node.tick()
    await settle()
    assert all(each.told() == [{}] for each in peers)


async def test_without_a_pong_the_connection_ends(node: Node, peer: Peers, clock: FakeClock) -> None:
    anna = peer()
    await anna.connect()
    clock.now += 25.5
    node.tick()
    clock.now += 9
    anna.send({"id": 5, "rpc": {}})  # only a pong counts
    node.tick()
    assert anna.ended is None
    clock.now += 1.5
    node.tick()
    assert anna.ended == (3012, "no pong")


async def test_a_pong_that_nobody_asked_for_ends_the_connection(
    node: Node, peer: Peers, clock: FakeClock
) -> None:
    anna = peer()
    await anna.connect()
    clock.now += 25.5
    node.tick()
    anna.send({})
    assert anna.ended is None
    anna.send({})
    assert anna.ended == (3501, "bad request")


async def test_pings_may_be_the_transports_own(node: Node, clock: FakeClock) -> None:
    anna = Peer(node, native_ping=True)
    anna.send({})  # a pong that nobody asked for, which WebSocket allows
    result = await anna.connect()
    assert "ping" not in result
    assert "pong" not in result
    anna.send({})
    for _ in range(3):
        clock.now += 25.5
        node.tick()
        await settle()
        assert anna.told() == [{}]
        anna.send({})
    clock.now += 25.5
    node.tick()
    clock.now += 10.5
    node.tick()
    assert anna.ended == (3012, "no pong")


@pytest.mark.parametrize("config", [NodeConfig(ping_interval=0)])
async def test_pings_can_be_off(node: Node, peer: Peers, clock: FakeClock) -> None:
    anna = peer()
    result = await anna.connect()
    assert "ping" not in result
    assert "pong" not in result
    clock.now += 1000
    node.tick()
    await settle()
    assert anna.told() == []


@pytest.mark.parametrize("config", [NodeConfig(pong_timeout=0)])
async def test_pongs_can_be_off(node: Node, peer: Peers, clock: FakeClock) -> None:
    anna = peer()
    result = await anna.connect()
    assert result["ping"] == 25
    assert "pong" not in result
    for _ in range(3):
        clock.now += 25.5
        node.tick()
    anna.send({})
    await settle()
    assert anna.told() == [{}, {}, {}]
    assert anna.ended is None


# Slow readers


@pytest.mark.parametrize("config", [NodeConfig(write_queue_limit=1000)])
async def test_who_does_not_read_goes_and_the_others_stay(node: Node, peer: Peers) -> None:
    slow, quick = peer(), peer()
    for each in (slow, quick):
        await each.connect()
        await each.subscribe("plain:a")
        each.told()
    slow.connection.stuck = 950
    for _ in range(5):
        node.publish("plain:a", json.dumps("x" * 200).encode()).result()
        await settle()
    assert slow.ended == (3008, "slow")
    assert quick.ended is None
    assert len(quick.told()) == 5
    assert not any("disconnect" in told["push"] for told in slow.told())


@pytest.mark.parametrize("config", [NodeConfig(write_queue_limit=1000)])
async def test_who_reads_everything_may_get_more_than_the_limit_at_once(node: Node, peer: Peers) -> None:
    anna = peer()
    await anna.connect()
    reply = await anna.ask(rpc={"data": "x" * 5000})
    assert len(reply["rpc"]["data"]) == 5000
    assert anna.ended is None


# Handlers at work


@pytest.mark.parametrize("config", [NodeConfig(client_concurrency=2)])
async def test_requests_beyond_the_limit_wait_for_their_turn(node: Node, peer: Peers) -> None:
    waiting: list[asyncio.Future[RpcReply]] = []

    @node.on_rpc
    def rpc(client: Client, event: RpcEvent) -> asyncio.Future[RpcReply]:
        waiting.append(asyncio.get_running_loop().create_future())
        return waiting[-1]

    anna = peer()
    await anna.connect()
    anna.send(*({"id": number, "rpc": {}} for number in range(2, 7)))
    assert len(waiting) == 2
    waiting[1].set_result(RpcReply(b"1"))
    await settle()
    assert len(waiting) == 3
    waiting[0].set_result(RpcReply(b"0"))
    waiting[2].set_result(RpcReply(b"2"))
    await settle()
    for future in waiting[3:]:
        future.set_result(RpcReply())
    await settle()
    assert {told["id"] for told in anna.told()} == {2, 3, 4, 5, 6}


@pytest.mark.parametrize("config", [NodeConfig(client_concurrency=1)])
async def test_a_pong_does_not_wait(node: Node, peer: Peers, clock: FakeClock) -> None:
    unanswered: asyncio.Future[RpcReply] = asyncio.get_running_loop().create_future()

    @node.on_rpc
    def rpc(client: Client, event: RpcEvent) -> asyncio.Future[RpcReply]:
        return unanswered

    anna = peer()
    await anna.connect()
    anna.send({"id": 2, "rpc": {}}, {"id": 3, "rpc": {}})
    clock.now += 25.5
    node.tick()
    anna.send({})
    clock.now += 10.5
    node.tick()
    assert anna.ended is None
    unanswered.set_result(RpcReply())


async def test_a_cancelled_future_is_an_error(node: Node, peer: Peers) -> None:
    future: asyncio.Future[RpcReply] = asyncio.get_running_loop().create_future()

    @node.on_rpc
    def rpc(client: Client, event: RpcEvent) -> asyncio.Future[RpcReply]:
        return future

    anna = peer()
    await anna.connect()
    anna.send({"id": 2, "rpc": {}})
    future.cancel()
    await settle()
    assert anna.told()[0]["error"]["code"] == 100


@pytest.mark.parametrize("slowly", [False, True])
async def test_a_wrong_reply_is_logged_and_answered(
    node: Node, peer: Peers, caplog: pytest.LogCaptureFixture, slowly: bool
) -> None:
    def wrong(client: Client, event: RpcEvent) -> RpcReply:
        return "a string"  # type: ignore[return-value]  # what an application may do

    async def wrong_slowly(client: Client, event: RpcEvent) -> RpcReply:
        return wrong(client, event)

    if slowly:
        node.on_rpc(wrong_slowly)
    else:
        node.on_rpc(wrong)
    anna = peer()
    await anna.connect()
    assert (await anna.ask(rpc={}))["error"]["code"] == 100
    assert "handler returned str, expected RpcReply" in caplog.text


async def test_an_error_raised_often_does_not_collect_tracebacks(node: Node, peer: Peers) -> None:
    from chirpbird.realtime import errors

    @node.on_rpc
    async def rpc(client: Client, event: RpcEvent) -> RpcReply:
        raise errors.METHOD_NOT_FOUND

    anna = peer()
    await anna.connect()
    for _ in range(3):
        assert (await anna.ask(rpc={}))["error"] == {"code": 104, "message": "method not found"}
    assert errors.METHOD_NOT_FOUND.__traceback__ is None


async def test_unsendable_data_ends_the_connection(node: Node, peer: Peers) -> None:
    @node.on_rpc
    def rpc(client: Client, event: RpcEvent) -> RpcReply:
        return RpcReply(b"not json")

    anna, bert = peer(), peer()
    await anna.connect()
    anna.send({"id": 2, "rpc": {}})
    assert anna.ended == (3506, "inappropriate protocol")
    clients: list[Client] = []
    node.on_connect(clients.append)
    await bert.connect()
    clients[0].send(b"not json")
    assert bert.ended == (3506, "inappropriate protocol")


async def test_unsendable_publications_end_their_subscribers_and_nobody_else(node: Node, peer: Peers) -> None:
    anna, bert = peer(), peer()
    await anna.connect()
    await bert.connect()
    await anna.subscribe("plain:a")
    await bert.subscribe("plain:b")
    node.publish("plain:a", b"\x00").result()
    node.publish("plain:b", b"1").result()
    await settle()
    assert anna.ended == (3506, "inappropriate protocol")
    assert [told["push"]["pub"] for told in bert.told()] == [{"data": 1}]


async def test_a_client_can_be_ended_by_a_handler(node: Node, peer: Peers) -> None:
    @node.on_rpc
    def rpc(client: Client, event: RpcEvent) -> RpcReply:
        client.disconnect(disconnects.FORCE_RECONNECT)
        return RpcReply(b"1")

    anna = peer()
    await anna.connect()
    anna.send({"id": 2, "rpc": {}})
    await settle()
    assert anna.ended == (3011, "force reconnect")
    assert len(anna.told()) == 1


ANYTHING = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.fixed_dictionaries(
            {"id": st.integers(-1, 5)},
            optional={
                name: st.one_of(
                    st.none(),
                    st.dictionaries(
                        st.sampled_from(
                            [
                                "channel",
                                "token",
                                "data",
                                "offset",
                                "epoch",
                                "recover",
                                "limit",
                                "since",
                                "method",
                            ]
                        ),
                        st.one_of(
                            st.sampled_from(["", "stream:a", "plain:a", "x" * 300]),
                            st.integers(-1, 3),
                            st.booleans(),
                            st.dictionaries(
                                st.sampled_from(["offset", "epoch"]), st.integers(0, 3), max_size=1
                            ),
                        ),
                        max_size=4,
                    ),
                )
                for name in (
                    *("connect", "subscribe", "unsubscribe", "publish", "presence", "presence_stats"),
                    *("history", "ping", "send", "rpc", "refresh", "sub_refresh"),
                )
            },
        ),
        min_size=1,
        max_size=6,
    ).map(lambda commands: "\n".join(json.dumps(command) for command in commands).encode()),
)


@settings(max_examples=200, deadline=None)
@given(frames=st.lists(ANYTHING, max_size=6), connected=st.booleans())
def test_whatever_comes_in_is_answered_by_the_protocol(frames: list[bytes], connected: bool) -> None:
    async def run() -> None:
        clock = FakeClock()
        node = with_handlers(Node(broker=Bus(clock), clock=clock))
        node.on_message(_hear)
        await node.start()
        anna = Peer(node)
        if connected:
            await anna.connect()
        for frame in frames:
            anna.receiver.received(frame)
            await settle(5)
        await settle()
        assert anna.ended is None or anna.ended[0] in (3501, 3500)
        for told in anna.told():
            assert told.keys() & {"id", "push"} or told == {}
            if "error" in told:
                assert told["error"]["code"] in range(101, 114)
        anna.lose()
        await node.shutdown()
        stats = node.stats()
        assert (stats.num_connections, stats.num_clients, stats.num_subscriptions) == (0, 0, 0)

    asyncio.run(run())


def _hear(client: Client, event: MessageEvent) -> None:
    assert isinstance(event.data, bytes)


@pytest.mark.parametrize("other", ["connect", "subscribe", "rpc"])
async def test_a_command_without_an_id_is_not_smuggled_in_beside_a_send(other: str) -> None:
    clock = FakeClock()
    node = with_handlers(Node(broker=Bus(clock), clock=clock))
    node.on_message(_hear)
    await node.start()
    anna = Peer(node)
    if other != "connect":
        await anna.connect()
    anna.told()
    anna.send({"send": {"data": {}}, other: {"token": "anna"} if other == "connect" else {}})
    await settle()
    assert anna.ended == (3501, "bad request")
    await node.shutdown()
