"""Subscriptions of one client: beginning, refreshing, ending."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from chirpbird.realtime import (
    Client,
    MemoryPresence,
    Node,
    NodeConfig,
    PresenceEntry,
    ProtocolError,
    StreamPosition,
    SubRefreshEvent,
    SubRefreshReply,
    SubscribeEvent,
    SubscribeOptions,
    SubscribeReply,
    UnsubscribeEvent,
    disconnects,
    errors,
)
from tests.support.realtime import Bus, FakeClock, Peer, settle, with_handlers

Peers = Callable[[], Peer]


class Gate:
    """A subscribe handler that thinks until told to go on."""

    def __init__(self, node: Node, options: SubscribeOptions | None = None) -> None:
        self.open = asyncio.Event()
        self.asked: list[str] = []
        self._options = options or SubscribeOptions()
        node.on_subscribe(self._subscribe)

    async def _subscribe(self, client: Client, event: SubscribeEvent) -> SubscribeReply:
        self.asked.append(event.channel)
        await self.open.wait()
        return SubscribeReply(self._options)


async def test_the_handler_is_told_what_the_client_wishes(node: Node, peer: Peers) -> None:
    seen: list[SubscribeEvent] = []

    @node.on_subscribe
    def subscribe(client: Client, event: SubscribeEvent) -> SubscribeReply:
        seen.append(event)
        assert not client.is_subscribed("ch")
        return SubscribeReply(SubscribeOptions(data=b'{"d":1}'))

    anna = peer()
    await anna.connect()
    result = await anna.subscribe(
        "ch",
        token="t",
        data=[1],
        recoverable=True,
        positioned=True,
        join_leave=True,
        recover=True,
        offset=3,
        epoch="e",
        flag=1,
    )
    assert result == {"data": {"d": 1}}
    assert seen == [SubscribeEvent("ch", "t", b"[1]", True, True, True, True, StreamPosition(3, "e"))]


@pytest.mark.parametrize(
    ("request_fields", "code"),
    [({"channel": ""}, 3501), ({}, 3501), ({"channel": "c", "delta": "xor"}, 3501)],
)
async def test_requests_that_end_the_connection(
    peer: Peers, request_fields: dict[str, str], code: int
) -> None:
    anna = peer()
    await anna.connect()
    anna.send({"id": 2, "subscribe": request_fields})
    await settle()
    assert anna.ended is not None
    assert anna.ended[0] == code


async def test_requests_that_are_refused(node: Node, peer: Peers) -> None:
    anna = peer()
    await anna.connect()
    assert (await anna.ask(subscribe={"channel": "x" * 256}))["error"]["code"] == 107
    assert await anna.subscribe("x" * 255) == {}
    assert (await anna.ask(subscribe={"channel": "x" * 255}))["error"]["code"] == 105


@pytest.mark.parametrize("config", [NodeConfig(client_channel_limit=2)])
async def test_subscriptions_of_a_client_are_limited(node: Node, peer: Peers) -> None:
    anna = peer()
    await anna.connect()
    await node.subscribe("anna", "server")
    await settle()
    assert [t["push"]["channel"] for t in anna.told()] == ["server"]
    await anna.subscribe("a")
    await anna.subscribe("b")
    assert (await anna.ask(subscribe={"channel": "c"}))["error"] == {"code": 106, "message": "limit exceeded"}
    await anna.ask(unsubscribe={"channel": "a"})
    await anna.subscribe("c")


async def test_without_a_handler_subscribing_is_not_available(clock: FakeClock) -> None:
    node = with_handlers(Node(clock=clock))
    node._handlers.subscribe = None
    anna = Peer(node)
    await anna.connect()
    assert (await anna.ask(subscribe={"channel": "c"}))["error"]["code"] == 108


@pytest.mark.parametrize("slowly", [False, True])
@pytest.mark.parametrize(
    "error", [errors.PERMISSION_DENIED, errors.TOKEN_EXPIRED, ProtocolError(400, "no", True)]
)
async def test_a_refused_subscription_leaves_nothing(
    node: Node, peer: Peers, slowly: bool, error: ProtocolError
) -> None:
    def refuse(client: Client, event: SubscribeEvent) -> SubscribeReply:
        raise error

    async def refuse_slowly(client: Client, event: SubscribeEvent) -> SubscribeReply:
        return refuse(client, event)

    if slowly:
        node.on_subscribe(refuse_slowly)
    else:
        node.on_subscribe(refuse)
    anna = peer()
    await anna.connect()
    for _ in range(2):
        reply = await anna.ask(subscribe={"channel": "c"})
        assert reply["error"]["code"] == error.code
        assert reply["error"].get("temporary", False) is error.temporary
    assert node.stats().num_channels == 0


async def test_a_handler_may_end_the_connection(node: Node, peer: Peers) -> None:
    @node.on_subscribe
    def subscribe(client: Client, event: SubscribeEvent) -> SubscribeReply:
        raise disconnects.INVALID_TOKEN

    anna = peer()
    await anna.connect()
    anna.send({"id": 2, "subscribe": {"channel": "c"}})
    assert anna.ended == (3500, "invalid token")


async def test_a_subscription_in_flight_counts_as_one(node: Node, peer: Peers) -> None:
    gate = Gate(node)
    anna = peer()
    await anna.connect()
    anna.send({"id": 2, "subscribe": {"channel": "c"}}, {"id": 3, "subscribe": {"channel": "c"}})
    gate.open.set()
    await settle()
    told = {reply["id"]: reply for reply in anna.told()}
    assert told[2] == {"id": 2, "subscribe": {}}
    assert told[3]["error"]["code"] == 105


async def test_an_unsubscribe_waits_for_its_subscribe(node: Node, peer: Peers) -> None:
    gate = Gate(node)
    anna = peer()
    await anna.connect()
    anna.send(
        {"id": 2, "subscribe": {"channel": "c"}},
        {"id": 3, "unsubscribe": {"channel": "c"}},
        {"id": 4, "subscribe": {"channel": "c"}},
    )
    await settle()
    assert anna.told() == []
    gate.open.set()
    await settle()
    assert anna.told() == [
        {"id": 2, "subscribe": {}},
        {"id": 3, "unsubscribe": {}},
        {"id": 4, "subscribe": {}},
    ]
    assert node.stats().num_subscriptions == 1


async def test_an_unsubscribe_of_a_refused_subscribe_is_answered(node: Node, peer: Peers) -> None:
    go = asyncio.Event()

    @node.on_subscribe
    async def subscribe(client: Client, event: SubscribeEvent) -> SubscribeReply:
        await go.wait()
        raise errors.PERMISSION_DENIED

    anna = peer()
    await anna.connect()
    anna.send({"id": 2, "subscribe": {"channel": "c"}}, {"id": 3, "unsubscribe": {"channel": "c"}})
    go.set()
    await settle()
    assert [(reply["id"], "error" in reply) for reply in anna.told()] == [(2, True), (3, False)]


async def test_commands_that_wait_for_a_subscribe_are_bounded(node: Node, peer: Peers) -> None:
    Gate(node)
    anna = peer()
    await anna.connect()
    anna.send({"id": 2, "subscribe": {"channel": "c"}})
    for number in range(3, 30):
        anna.send({"id": number, "unsubscribe": {"channel": "c"}})
    assert anna.ended == (3013, "too many requests")
    for task in list(node._core.tasks):
        task.cancel()
    await settle()


async def test_the_server_may_end_a_subscription_in_flight(node: Node, peer: Peers) -> None:
    gate = Gate(node)
    anna = peer()
    await anna.connect()
    anna.send({"id": 2, "subscribe": {"channel": "c"}})
    await node.unsubscribe("anna", "c")
    gate.open.set()
    await settle()
    assert anna.told() == [
        {"id": 2, "subscribe": {}},
        {"push": {"channel": "c", "unsubscribe": {"code": 2000, "reason": "server unsubscribe"}}},
    ]
    assert node.stats().num_subscriptions == 0


@pytest.mark.parametrize("options", [SubscribeOptions(), SubscribeOptions(recoverable=True, presence=True)])
async def test_a_client_that_left_while_subscribing_leaves_nothing(
    node: Node, peer: Peers, options: SubscribeOptions
) -> None:
    gate = Gate(node, options)
    anna = peer()
    await anna.connect()
    anna.send({"id": 2, "subscribe": {"channel": "c"}})
    await settle()
    gate.open.set()
    await asyncio.sleep(0)
    anna.lose()
    await settle()
    assert node.stats().num_subscriptions == 0
    assert await node.presence("c") == {}
    assert all(channel.holds == 0 for channel in node._core.hub.channels.values())


async def test_unsubscribing(node: Node, peer: Peers) -> None:
    ended: list[tuple[str, int, str]] = []

    @node.on_unsubscribe
    def unsubscribe(client: Client, event: UnsubscribeEvent) -> None:
        ended.append((event.channel, event.code, event.reason))

    anna = peer()
    await anna.connect()
    assert await anna.ask(unsubscribe={"channel": "never"}) == {"unsubscribe": {}}
    await anna.subscribe("a")
    await anna.subscribe("b")
    await anna.subscribe("c")
    assert await anna.ask(unsubscribe={"channel": "a"}) == {"unsubscribe": {}}
    node.publish("a", b"1").result()
    await settle()
    assert anna.told() == []
    await node.unsubscribe("anna", "b", code=2500, reason="insufficient state")
    anna.lose()
    assert ended == [
        ("a", 0, "client unsubscribed"),
        ("b", 2500, "insufficient state"),
        ("c", 1, "client disconnected"),
    ]


async def test_unsubscribing_from_nowhere_ends_the_connection(peer: Peers) -> None:
    anna = peer()
    await anna.connect()
    anna.send({"id": 2, "unsubscribe": {}})
    assert anna.ended == (3501, "bad request")


# Broker, presence, people


class SlowBus(Bus):
    """Subscribing and unsubscribing take a few turns."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.log: list[str] = []
        self.fail = False

    def subscribe(self, channel: str) -> asyncio.Future[None]:  # type: ignore[override]  # a broker over the network
        return asyncio.ensure_future(self._later("subscribe", channel))

    def unsubscribe(self, channel: str) -> asyncio.Future[None]:  # type: ignore[override]
        return asyncio.ensure_future(self._later("unsubscribe", channel))

    async def _later(self, what: str, channel: str) -> None:
        self.log.append(f"{what} {channel} begins")
        await settle(3)
        if self.fail:
            raise ConnectionError("the bus cannot be reached")
        self.log.append(f"{what} {channel} done")


async def test_the_broker_is_subscribed_once_and_left_after_a_while(clock: FakeClock) -> None:
    bus = SlowBus(clock)
    node = with_handlers(Node(broker=bus, clock=clock))
    await node.start()
    anna, bert = Peer(node), Peer(node)
    await anna.connect()
    await bert.connect("bert")
    anna.send({"id": 5, "subscribe": {"channel": "c"}})
    bert.send({"id": 5, "subscribe": {"channel": "c"}})
    await settle()
    assert len(anna.told()) == len(bert.told()) == 1
    assert bus.log == ["subscribe c begins", "subscribe c done"]
    anna.lose()
    bert.lose()
    node.tick()
    carl = Peer(node)
    await carl.connect("carl")
    await carl.subscribe("c")
    clock.now += 2
    node.tick()
    await settle()
    assert len(bus.log) == 2
    carl.lose()
    clock.now += 2
    node.tick()
    await asyncio.sleep(0)
    dora = Peer(node)
    await dora.connect("dora")
    await dora.subscribe("c")
    assert bus.log[2:] == [
        "unsubscribe c begins",
        "unsubscribe c done",
        "subscribe c begins",
        "subscribe c done",
    ]
    await node.shutdown()


async def test_a_broker_that_fails_ends_the_connection_for_now(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    bus = SlowBus(clock)
    node = with_handlers(Node(broker=bus, clock=clock))
    await node.start()
    bus.fail = True
    anna = Peer(node)
    await anna.connect()
    anna.send({"id": 2, "subscribe": {"channel": "people:c"}})
    await settle()
    assert anna.ended == (3004, "internal server error")
    assert "the bus cannot be reached" in caplog.text
    assert node.stats().num_subscriptions == 0
    bus.fail = False
    bert = Peer(node)
    await bert.connect()
    await bert.subscribe("people:c")
    bus.fail = True
    bert.lose()
    clock.now += 2
    node.tick()
    await settle()
    assert "could not unsubscribe" in caplog.text
    await node.shutdown()


async def test_people_are_told_of_each_other(peer: Peers) -> None:
    anna, bert, carl = peer(), peer(), peer()
    for each, name in ((anna, "anna"), (bert, "bert"), (carl, "carl")):
        await each.connect(name)
    await anna.subscribe("people:c")
    await bert.subscribe("people:c")
    await bert.ask(unsubscribe={"channel": "people:c"})

    def heard(who: Peer) -> list[tuple[str, str]]:
        pushes = [told["push"] for told in who.told()]
        return [
            (kind, push[kind]["info"]["user"])
            for push in pushes
            for kind in ("join", "leave")
            if kind in push
        ]

    await settle()
    assert heard(anna) == [("join", "anna"), ("join", "bert"), ("leave", "bert")]
    assert heard(bert) == [("join", "bert")]
    assert heard(carl) == []


async def test_presence_is_kept_alive_and_ends_with_the_subscription(
    node: Node, peer: Peers, clock: FakeClock
) -> None:
    anna = peer()
    client = (await anna.connect())["client"]
    await anna.subscribe("people:c")
    for _ in range(20):
        clock.now += 10
        node.tick()
        await settle()
        if {} in anna.told():
            anna.send({})
    assert list(await node.presence("people:c")) == [client]
    anna.lose()
    assert await node.presence("people:c") == {}


class FailingPresence(MemoryPresence):
    def put(self, entries: Sequence[PresenceEntry], ttl: float) -> None:
        raise ConnectionError("presence cannot be reached")


async def test_a_presence_store_that_fails_ends_the_connection_for_now(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    node = with_handlers(Node(presence=FailingPresence(clock), clock=clock))
    await node.start()
    anna = Peer(node)
    await anna.connect()
    anna.send({"id": 2, "subscribe": {"channel": "people:c"}})
    await settle()
    assert anna.ended == (3004, "internal server error")
    assert "presence cannot be reached" in caplog.text
    assert all(channel.holds == 0 for channel in node._core.hub.channels.values())
    await node.shutdown()


async def test_chan_info_is_what_others_see(node: Node, peer: Peers) -> None:
    @node.on_subscribe
    def subscribe(client: Client, event: SubscribeEvent) -> SubscribeReply:
        return SubscribeReply(SubscribeOptions(info=b'{"role":"owner"}', presence=True))

    anna = peer()
    client = (await anna.connect())["client"]
    await anna.subscribe("c")
    anna.send({"id": 9, "publish": {"channel": "c", "data": 1}})
    await settle()
    info = {
        "user": "anna",
        "client": client,
        "conn_info": {"name": "anna"},
        "chan_info": {"role": "owner"},
    }
    assert {"push": {"channel": "c", "pub": {"data": 1, "info": info}}} in anna.told()
    assert (await anna.ask(presence={"channel": "c"}))["presence"]["presence"] == {client: info}


async def test_subscription_data_that_is_not_json_cannot_be_told(node: Node, peer: Peers) -> None:
    @node.on_subscribe
    def subscribe(client: Client, event: SubscribeEvent) -> SubscribeReply:
        return SubscribeReply(SubscribeOptions(data=b"\x00"))

    anna = peer()
    await anna.connect()
    anna.send({"id": 2, "subscribe": {"channel": "c"}})
    await settle()
    assert anna.ended == (3506, "inappropriate protocol")


# Expiry


def _expiring(node: Node, clock: FakeClock, seconds: float = 100) -> None:
    @node.on_subscribe
    def subscribe(client: Client, event: SubscribeEvent) -> SubscribeReply:
        return SubscribeReply(SubscribeOptions(expire_at=clock.time() + seconds))


@pytest.mark.parametrize("config", [NodeConfig(ping_interval=0)])
async def test_a_subscription_that_is_not_refreshed_ends(node: Node, peer: Peers, clock: FakeClock) -> None:
    _expiring(node, clock)
    anna = peer()
    await anna.connect()
    assert await anna.subscribe("c") == {"expires": True, "ttl": 100}
    clock.now += 124.5
    node.tick()
    await settle()
    assert anna.told() == []
    clock.now += 1
    node.tick()
    await settle()
    assert anna.told() == [
        {"push": {"channel": "c", "unsubscribe": {"code": 2501, "reason": "subscription expired"}}}
    ]
    assert anna.ended is None


async def test_a_refreshed_subscription_may_have_other_info(
    node: Node, peer: Peers, clock: FakeClock
) -> None:
    @node.on_subscribe
    def subscribe(client: Client, event: SubscribeEvent) -> SubscribeReply:
        return SubscribeReply(SubscribeOptions(info=b"1", expire_at=clock.time() + 9))

    @node.on_sub_refresh
    def sub_refresh(client: Client, event: SubRefreshEvent) -> SubRefreshReply:
        return SubRefreshReply(info=b"" if event.token == "same" else event.token.encode())

    anna = peer()
    await anna.connect()
    await anna.subscribe("c")
    for token, info in (("same", 1), ("2", 2), ("same", 2)):
        await anna.ask(sub_refresh={"channel": "c", "token": token})
        await anna.ask(publish={"channel": "c", "data": 1})
        assert [pub["info"]["chan_info"] for pub in anna.pubs("c")] == [info]


async def test_the_client_is_told_how_often_to_publish(node: Node, peer: Peers) -> None:
    @node.on_subscribe
    def subscribe(client: Client, event: SubscribeEvent) -> SubscribeReply:
        return SubscribeReply(SubscribeOptions(publish_debounce=0.25))

    anna = peer()
    await anna.connect()
    assert await anna.subscribe("c") == {"publish_debounce": 250}


@pytest.mark.parametrize("config", [NodeConfig(ping_interval=0)])
async def test_a_refreshed_subscription_goes_on(node: Node, peer: Peers, clock: FakeClock) -> None:
    _expiring(node, clock)

    @node.on_sub_refresh
    async def sub_refresh(client: Client, event: SubRefreshEvent) -> SubRefreshReply:
        assert event == SubRefreshEvent("c", "fresh")
        return SubRefreshReply(clock.time() + 200)

    anna = peer()
    await anna.connect()
    await anna.subscribe("c")
    clock.now += 110
    node.tick()
    assert await anna.ask(sub_refresh={"channel": "c", "token": "fresh"}) == {
        "sub_refresh": {"expires": True, "ttl": 200}
    }
    clock.now += 224
    node.tick()
    await settle()
    assert anna.told() == []
    clock.now += 2
    node.tick()
    await settle()
    assert len(anna.told()) == 1


async def test_sub_refreshes_that_make_no_sense(node: Node, peer: Peers, clock: FakeClock) -> None:
    _expiring(node, clock)
    anna = peer()
    await anna.connect()
    await anna.subscribe("c")

    async def code(**fields: object) -> int:
        reply = await anna.ask(sub_refresh=fields)
        error: int = reply["error"]["code"]
        return error

    assert await code(channel="other", token="t") == 103
    assert await code(channel="c") == 107
    assert await code(channel="c", token="t", type=1) == 107
    assert await code(channel="c", token="t") == 108

    @node.on_sub_refresh
    def sub_refresh(client: Client, event: SubRefreshEvent) -> SubRefreshReply:
        if event.token == "expired":
            raise errors.TOKEN_EXPIRED
        if event.token == "forged":
            raise disconnects.INVALID_TOKEN
        return SubRefreshReply(clock.time() - 1)

    assert await code(channel="c", token="expired") == 109
    assert await code(channel="c", token="past") == 110
    anna.send({"id": 9, "sub_refresh": {"token": "t"}})
    assert anna.ended == (3501, "bad request")


async def test_an_expired_subscription_is_refused(node: Node, peer: Peers, clock: FakeClock) -> None:
    _expiring(node, clock, seconds=0)
    anna = peer()
    await anna.connect()
    assert (await anna.ask(subscribe={"channel": "c"}))["error"]["code"] == 110


@pytest.mark.parametrize("config", [NodeConfig(ping_interval=0)])
async def test_an_expired_server_side_subscription_ends_the_connection(
    node: Node, peer: Peers, clock: FakeClock
) -> None:
    anna = peer()
    await anna.connect()
    await node.subscribe("anna", "c", options=SubscribeOptions(expire_at=clock.time() + 10))
    clock.now += 36
    node.tick()
    assert anna.ended == (3006, "subscription expired")


# By the server


async def test_the_server_subscribes_all_connections_of_a_user(node: Node, peer: Peers, bus: Bus) -> None:
    anna_1, anna_2, bert = peer(), peer(), peer()
    await anna_1.connect("anna")
    await anna_2.connect("anna")
    await bert.connect("bert")
    await anna_2.subscribe("stream:c")
    await node.subscribe("anna", "stream:c", options=SubscribeOptions(recoverable=True, data=b"1"))
    await settle()
    epoch = (await bus.top("stream:c")).epoch
    assert anna_1.told() == [
        {
            "push": {
                "channel": "stream:c",
                "subscribe": {"recoverable": True, "epoch": epoch, "positioned": True, "data": 1},
            }
        }
    ]
    assert anna_2.told() == bert.told() == []
    node.publish("stream:c", b"1", history_size=5, history_ttl=60).result()
    await settle()
    assert len(anna_1.told()) == len(anna_2.told()) == 1


async def test_the_server_subscribes_one_connection(node: Node, peer: Peers) -> None:
    anna_1, anna_2 = peer(), peer()
    await anna_1.connect("anna")
    client = (await anna_2.connect("anna"))["client"]
    await node.subscribe("anna", "c", client=client)
    await settle()
    assert (anna_1.told(), len(anna_2.told())) == ([], 1)


async def test_a_failing_subscription_by_the_server_ends_the_connection_for_now(
    node: Node, peer: Peers, bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    anna = peer()
    await anna.connect()
    bus.broken = True
    await node.subscribe("anna", "stream:c", options=SubscribeOptions(recoverable=True))
    assert anna.ended == (3004, "internal server error")
    assert "cannot be read" in caplog.text
