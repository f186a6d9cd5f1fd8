"""Coming in and staying in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from chirpbird.realtime import (
    Client,
    ConnectingEvent,
    ConnectReply,
    Disconnect,
    DisconnectEvent,
    Node,
    NodeConfig,
    PublishOptions,
    RefreshEvent,
    RefreshReply,
    SubscribeOptions,
    disconnects,
    errors,
)
from tests.support.realtime import Bus, FakeClock, Peer, settle

Peers = Callable[[], Peer]


async def test_the_result_tells_what_the_client_needs(peer: Peers) -> None:
    result = await peer().connect()
    assert len(result.pop("client")) == 36
    assert result == {"version": "1.0", "ping": 25, "pong": True}


async def test_the_handler_is_told_what_the_client_said(node: Node, peer: Peers) -> None:
    seen: list[ConnectingEvent] = []

    @node.on_connecting
    def connecting(client: Client, event: ConnectingEvent) -> ConnectReply:
        seen.append(event)
        assert (client.name, client.version) == ("a very long name", "5.0")
        assert client.transport.remote_addr == "192.0.2.1"
        return ConnectReply(user="u", data=b'{"state":1}', context="mine")

    anna = peer()
    result = await anna.connect(
        token="t",
        data=[1],
        name="a very long name of an sdk",
        version="5.0",
        headers={"a": "b"},
        subs={"ch": {"recover": True}},
    )
    assert result["data"] == {"state": 1}
    assert seen == [ConnectingEvent("t", b"[1]", "a very long name", "5.0", {"a": "b"}, ("ch",))]


@pytest.mark.parametrize(
    "command",
    [
        {"id": 1, "subscribe": {"channel": "c"}},
        {"id": 1, "publish": {"channel": "c", "data": 1}},
        {"id": 1, "rpc": {}},
        {"id": 1, "ping": {}},
        {"id": 1},
        {"send": {"data": 1}},
        {},
    ],
)
async def test_the_first_command_has_to_be_connect(peer: Peers, command: dict[str, object]) -> None:
    anna = peer()
    anna.send(command)
    await settle()
    assert anna.told() == [{"push": {"disconnect": {"code": 3501, "reason": "bad request"}}}]
    assert anna.ended == (3501, "bad request")


async def test_a_second_connect_ends_the_connection(peer: Peers) -> None:
    anna = peer()
    await anna.connect()
    anna.send({"id": 2, "connect": {"token": "anna"}})
    await settle()
    assert anna.ended == (3501, "bad request")


async def test_commands_sent_along_wait_for_connect(node: Node, peer: Peers) -> None:
    allowed = asyncio.Event()

    @node.on_connecting
    async def connecting(client: Client, event: ConnectingEvent) -> ConnectReply:
        await allowed.wait()
        return ConnectReply(user="u")

    anna = peer()
    anna.send(
        {"id": 1, "connect": {}}, {"id": 2, "subscribe": {"channel": "a"}}, {"id": 3, "rpc": {"data": 1}}
    )
    anna.send({"id": 4, "subscribe": {"channel": "b"}})
    await settle()
    assert anna.told() == []
    allowed.set()
    await settle()
    told = anna.told()
    assert told[0]["id"] == 1
    assert {reply["id"] for reply in told} == {1, 2, 3, 4}


async def test_commands_that_wait_are_bounded(node: Node, peer: Peers) -> None:
    @node.on_connecting
    async def connecting(client: Client, event: ConnectingEvent) -> ConnectReply:
        await asyncio.Event().wait()
        raise AssertionError

    anna = peer()
    anna.send({"id": 1, "connect": {}})
    for number in range(2, 40):
        anna.send({"id": number, "rpc": {"data": "x" * 60_000}})
    assert anna.ended == (3013, "too many requests")
    anna.lose()
    for task in list(node._core.tasks):
        task.cancel()
    await settle()


async def test_a_second_connect_while_the_first_is_handled_ends_the_connection(peer: Peers) -> None:
    anna = peer()
    anna.send({"id": 1, "connect": {"token": "a"}}, {"id": 2, "connect": {"token": "a"}})
    await settle()
    assert anna.told()[0]["id"] == 1
    assert anna.ended == (3501, "bad request")


@pytest.mark.parametrize("slowly", [False, True])
async def test_an_error_makes_the_connection_unusable(node: Node, peer: Peers, slowly: bool) -> None:
    def refuse(client: Client, event: ConnectingEvent) -> ConnectReply:
        raise errors.TOKEN_EXPIRED

    async def refuse_slowly(client: Client, event: ConnectingEvent) -> ConnectReply:
        return refuse(client, event)

    if slowly:
        node.on_connecting(refuse_slowly)
    else:
        node.on_connecting(refuse)
    anna = peer()
    anna.send({"id": 1, "connect": {}}, {"id": 2, "subscribe": {"channel": "c"}})
    await settle()
    assert anna.told() == [{"id": 1, "error": {"code": 109, "message": "token expired"}}]
    assert anna.connection.ended is None
    anna.send({"id": 3, "connect": {}})
    assert anna.ended == (3501, "bad request")
    assert node.stats().num_clients == 0


async def test_a_disconnect_ends_it(node: Node, peer: Peers) -> None:
    @node.on_connecting
    async def connecting(client: Client, event: ConnectingEvent) -> ConnectReply:
        raise disconnects.INVALID_TOKEN

    anna = peer()
    anna.send({"id": 1, "connect": {}})
    await settle()
    assert anna.told() == [{"push": {"disconnect": {"code": 3500, "reason": "invalid token"}}}]
    assert anna.ended == (3500, "invalid token")


@pytest.mark.parametrize("slowly", [False, True])
async def test_a_broken_handler_is_logged_and_answered(
    node: Node, peer: Peers, caplog: pytest.LogCaptureFixture, slowly: bool
) -> None:
    def broken(client: Client, event: ConnectingEvent) -> ConnectReply:
        raise KeyError("oops")

    async def broken_slowly(client: Client, event: ConnectingEvent) -> ConnectReply:
        return broken(client, event)

    if slowly:
        node.on_connecting(broken_slowly)
    else:
        node.on_connecting(broken)
    anna = peer()
    with caplog.at_level(logging.ERROR, "chirpbird.realtime"):
        reply = await anna.ask(connect={})
    assert reply == {"error": {"code": 100, "message": "internal server error", "temporary": True}}
    assert "oops" in caplog.text


async def test_without_a_handler_nobody_gets_in(clock: FakeClock) -> None:
    node = Node(clock=clock)
    anna = Peer(node)
    anna.send({"id": 1, "connect": {}})
    assert anna.ended == (3501, "bad request")


async def test_who_does_not_connect_in_time_goes(node: Node, peer: Peers, clock: FakeClock) -> None:
    anna, bert = peer(), peer()
    await bert.connect()
    clock.now += 14.5
    node.tick()
    assert anna.connection.ended is None
    clock.now += 1
    node.tick()
    assert anna.ended == (3502, "stale")
    assert bert.ended is None


async def test_who_was_refused_goes_in_time_too(node: Node, peer: Peers, clock: FakeClock) -> None:
    @node.on_connecting
    def connecting(client: Client, event: ConnectingEvent) -> ConnectReply:
        raise errors.TOKEN_EXPIRED

    anna = peer()
    await anna.ask(connect={})
    clock.now += 15.5
    node.tick()
    assert anna.ended == (3502, "stale")


async def test_a_client_that_left_while_the_handler_thought_is_forgotten(node: Node, peer: Peers) -> None:
    allowed = asyncio.Event()

    @node.on_connecting
    async def connecting(client: Client, event: ConnectingEvent) -> ConnectReply:
        await allowed.wait()
        return ConnectReply(user="u", subscriptions={"a": SubscribeOptions()})

    anna = peer()
    anna.send({"id": 1, "connect": {}})
    anna.lose()
    allowed.set()
    await settle()
    assert anna.told() == []
    stats = node.stats()
    assert (stats.num_connections, stats.num_clients, stats.num_subscriptions) == (0, 0, 0)


async def test_connections_of_a_user_can_be_limited(clock: FakeClock) -> None:
    node = Node(NodeConfig(user_connection_limit=1), clock=clock)

    @node.on_connecting
    def connecting(client: Client, event: ConnectingEvent) -> ConnectReply:
        return ConnectReply(user=event.token)

    await Peer(node).connect("anna")
    await Peer(node).connect("bert")
    second = Peer(node)
    second.send({"id": 1, "connect": {"token": "anna"}})
    assert second.ended == (3504, "connection limit")
    await Peer(node).connect("")
    await Peer(node).connect("")


async def test_on_connect_is_told_after_the_client_and_before_its_other_commands(
    node: Node, peer: Peers
) -> None:
    happened: list[str] = []

    @node.on_connect
    def connect(client: Client) -> None:
        happened.append(f"connected {client.user} {client.connected}")
        client.send(b'"welcome"')

    anna = peer()
    anna.send({"id": 1, "connect": {"token": "anna"}}, {"id": 2, "rpc": {"data": 1}})
    await settle()
    told = anna.told()
    assert [reply.get("id") for reply in told] == [1, None, 2]
    assert told[1] == {"push": {"message": {"data": "welcome"}}}
    assert happened == ["connected anna True"]


async def test_a_broken_on_connect_does_not_end_the_connection(
    node: Node, peer: Peers, caplog: pytest.LogCaptureFixture
) -> None:
    @node.on_connect
    async def connect(client: Client) -> None:
        raise KeyError("oops")

    await peer().connect()
    assert "oops" in caplog.text


async def test_data_that_is_not_json_cannot_be_told(node: Node, peer: Peers) -> None:
    @node.on_connecting
    def connecting(client: Client, event: ConnectingEvent) -> ConnectReply:
        return ConnectReply(user="u", data=b"\x00")

    anna = peer()
    anna.send({"id": 1, "connect": {}})
    await settle()
    assert anna.ended == (3506, "inappropriate protocol")
    assert node.stats().num_clients == 0


# Server-side subscriptions


def _subscribing(node: Node, subscriptions: dict[str, SubscribeOptions]) -> None:
    @node.on_connecting
    def connecting(client: Client, event: ConnectingEvent) -> ConnectReply:
        return ConnectReply(user=event.token, subscriptions=subscriptions)


async def test_server_side_subscriptions_are_in_the_result(node: Node, peer: Peers, bus: Bus) -> None:
    _subscribing(
        node,
        {
            "plain:a": SubscribeOptions(data=b"7"),
            "stream:b": SubscribeOptions(recoverable=True, push_join_leave=True, join_leave=True),
        },
    )
    anna = peer()
    result = await anna.connect()
    epoch = (await bus.top("stream:b")).epoch
    assert result["subs"] == {
        "plain:a": {"data": 7},
        "stream:b": {"recoverable": True, "positioned": True, "epoch": epoch},
    }
    assert [told["push"]["channel"] for told in anna.told()] == ["stream:b"]
    node.publish("plain:a", b"1").result()
    node.publish("stream:b", b"2", history_size=5, history_ttl=60).result()
    await settle()
    assert [told["push"]["pub"]["data"] for told in anna.told()] == [1, 2]


async def test_server_side_subscriptions_recover_from_the_clients_positions(
    node: Node, peer: Peers, bus: Bus
) -> None:
    _subscribing(node, {"stream:b": SubscribeOptions(recoverable=True)})
    for number in range(3):
        node.publish("stream:b", b"%d" % number, history_size=9, history_ttl=60).result()
    epoch = (await bus.top("stream:b")).epoch
    subs = {"stream:b": {"recover": True, "offset": 1, "epoch": epoch}, "unknown": {"recover": True}}
    result = await peer().connect(subs=subs)
    sub = result["subs"]["stream:b"]
    assert sub["recovered"]
    assert [pub["data"] for pub in sub["publications"]] == [1, 2]
    assert list(result["subs"]) == ["stream:b"]


async def test_nothing_of_them_comes_before_the_connect_reply(node: Node, peer: Peers, bus: Bus) -> None:
    _subscribing(node, {f"stream:{n}": SubscribeOptions(recoverable=True) for n in range(3)})
    anna = peer()
    anna.send({"id": 1, "connect": {}})
    options = PublishOptions(history_size=9, history_ttl=60)
    for _ in range(12):
        await asyncio.sleep(0)
        for n in range(3):
            node.publish(
                f"stream:{n}", b"1", history_size=options.history_size, history_ttl=options.history_ttl
            ).result()
    await settle()
    told = anna.told()
    assert told[0]["id"] == 1
    for n in range(3):
        sub = told[0]["connect"]["subs"][f"stream:{n}"]
        live = [t["push"]["pub"]["offset"] for t in told[1:] if t["push"]["channel"] == f"stream:{n}"]
        assert live == list(range(sub.get("offset", 0) + 1, 13))


async def test_a_broken_broker_refuses_the_connection_for_now(
    node: Node, peer: Peers, bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    _subscribing(node, {"stream:b": SubscribeOptions(recoverable=True), "plain:a": SubscribeOptions()})
    bus.broken = True
    anna = peer()
    reply = await anna.ask(connect={})
    assert reply["error"]["code"] == 100
    assert "cannot be read" in caplog.text
    assert node.stats().num_subscriptions == 0
    bus.broken = False
    assert (await peer().connect())["subs"]


async def test_a_client_may_not_subscribe_to_them_again_but_may_leave(node: Node, peer: Peers) -> None:
    _subscribing(node, {"plain:a": SubscribeOptions()})
    anna = peer()
    await anna.connect()
    assert (await anna.ask(subscribe={"channel": "plain:a"}))["error"]["code"] == 105
    assert await anna.ask(unsubscribe={"channel": "plain:a"}) == {"unsubscribe": {}}
    assert await anna.subscribe("plain:a") == {}


# Expiry


def _expiring(node: Node, clock: FakeClock, *, client_refresh: bool = True, seconds: float = 100) -> None:
    @node.on_connecting
    def connecting(client: Client, event: ConnectingEvent) -> ConnectReply:
        return ConnectReply(user=event.token, expire_at=clock.time() + seconds, client_refresh=client_refresh)


async def test_the_client_is_told_when_to_refresh_and_has_a_grace(
    node: Node, peer: Peers, clock: FakeClock
) -> None:
    _expiring(node, clock)
    anna = peer()
    result = await anna.connect()
    assert (result["expires"], result["ttl"]) == (True, 100)
    clock.now += 124
    node.tick()
    assert anna.ended is None
    anna.send({})
    clock.now += 2
    node.tick()
    assert anna.ended == (3005, "connection expired")


async def test_a_refresh_extends_the_connection(node: Node, peer: Peers, clock: FakeClock) -> None:
    _expiring(node, clock)

    @node.on_refresh
    async def refresh(client: Client, event: RefreshEvent) -> RefreshReply:
        assert event.token == "fresh"
        return RefreshReply(expire_at=clock.time() + 1000)

    anna = peer()
    client = (await anna.connect())["client"]
    clock.now += 110
    node.tick()
    anna.told()
    anna.send({})
    assert await anna.ask(refresh={"token": "fresh"}) == {
        "refresh": {"client": client, "version": "1.0", "expires": True, "ttl": 1000}
    }
    clock.now += 8
    node.tick()
    assert anna.ended is None


async def test_an_expired_token_is_refused_at_once(node: Node, peer: Peers, clock: FakeClock) -> None:
    _expiring(node, clock, seconds=0)
    assert (await peer().ask(connect={}))["error"]["code"] == 110


@pytest.mark.parametrize("how", ["reply", "past", "error"])
async def test_a_refresh_with_an_expired_token_ends_the_connection(
    node: Node, peer: Peers, clock: FakeClock, how: str
) -> None:
    _expiring(node, clock)

    @node.on_refresh
    def refresh(client: Client, event: RefreshEvent) -> RefreshReply:
        if how == "error":
            raise errors.TOKEN_EXPIRED
        return RefreshReply(expired=True) if how == "reply" else RefreshReply(expire_at=clock.time() - 1)

    anna = peer()
    await anna.connect()
    anna.send({"id": 5, "refresh": {"token": "old"}})
    await settle()
    assert anna.ended == (3005, "connection expired")


async def test_refreshes_that_make_no_sense(node: Node, peer: Peers, clock: FakeClock) -> None:
    _expiring(node, clock)
    anna = peer()
    await anna.connect()
    assert (await anna.ask(refresh={"token": "t"}))["error"]["code"] == 108
    anna.send({"id": 6, "refresh": {}})
    assert anna.ended == (3501, "bad request")
    _expiring(node, clock, client_refresh=False)
    bert = peer()
    result = await bert.connect()
    assert "expires" not in result
    bert.send({"id": 6, "refresh": {"token": "t"}})
    assert bert.ended == (3501, "bad request")


@pytest.mark.parametrize("config", [NodeConfig(ping_interval=0)])
@pytest.mark.parametrize("goes_on", [True, False])
async def test_the_server_can_refresh_by_itself(
    node: Node, peer: Peers, clock: FakeClock, goes_on: bool
) -> None:
    _expiring(node, clock, client_refresh=False)

    @node.on_refresh
    async def refresh(client: Client, event: RefreshEvent) -> RefreshReply:
        assert event.token == ""
        return RefreshReply(expire_at=clock.time() + 50) if goes_on else RefreshReply(expired=True)

    anna = peer()
    await anna.connect()
    clock.now += 101
    node.tick()
    await settle()
    if goes_on:
        assert {"push": {"refresh": {"expires": True, "ttl": 50}}} in anna.told()
        assert anna.ended is None
    else:
        assert anna.ended == (3005, "connection expired")


async def test_without_anybody_to_refresh_it_the_connection_ends(
    node: Node, peer: Peers, clock: FakeClock
) -> None:
    _expiring(node, clock, client_refresh=False, seconds=10)
    anna = peer()
    await anna.connect()
    clock.now += 10.5
    node.tick()
    assert anna.ended == (3005, "connection expired")


@pytest.mark.parametrize("error", [errors.PERMISSION_DENIED, disconnects.INVALID_TOKEN, KeyError("x")])
async def test_a_failing_server_refresh_ends_the_connection(
    node: Node, peer: Peers, clock: FakeClock, error: Exception
) -> None:
    _expiring(node, clock, client_refresh=False, seconds=10)

    @node.on_refresh
    def refresh(client: Client, event: RefreshEvent) -> RefreshReply:
        raise error

    anna = peer()
    await anna.connect()
    clock.now += 10.5
    node.tick()
    assert anna.ended is not None
    assert anna.ended[0] == (3500 if isinstance(error, Disconnect) else 3005)


async def test_on_disconnect_is_told_of_those_that_got_in(node: Node, peer: Peers) -> None:
    gone: list[tuple[str, int]] = []

    @node.on_disconnect
    def disconnect(client: Client, event: DisconnectEvent) -> None:
        assert not client.connected
        gone.append((client.user, event.code))

    anna, bert, carl = peer(), peer(), peer()
    await anna.connect("anna")
    await bert.connect("bert")
    anna.lose()
    anna.receiver.closed(1006, "")
    carl.lose()
    bert.send({"id": 3})
    bert.receiver.closed(3501, "bad request")
    assert gone == [("anna", 3000), ("bert", 3501)]
    assert node.stats().counters.disconnects == {3000: 2, 3501: 1}


@pytest.mark.parametrize("config", [NodeConfig(server_time=True)])
async def test_the_servers_time_is_told_where_it_is_wanted(
    node: Node, peer: Callable[[], Peer], clock: FakeClock
) -> None:
    assert (await peer().connect())["time"] == int(clock.time() * 1000)


async def test_what_kind_of_client_it_is_is_a_hint(node: Node, peer: Callable[[], Peer]) -> None:
    heard: list[str] = []

    @node.on_connecting
    def connecting(client: Client, event: ConnectingEvent) -> ConnectReply:
        heard.append(event.profile)
        return ConnectReply(user="")

    await peer().connect(profile="x" * 100)
    await peer().connect(flag=7)
    assert heard == ["x" * 64, ""]
