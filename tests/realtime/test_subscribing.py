"""Subscriptions of one client: beginning and ending."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from chirpbird.realtime import (
    Client,
    Node,
    NodeConfig,
    ProtocolError,
    StreamPosition,
    SubscribeEvent,
    SubscribeOptions,
    SubscribeReply,
    UnsubscribeEvent,
    disconnects,
    errors,
)
from tests.support.realtime import FakeClock, Peer, settle, with_handlers

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
