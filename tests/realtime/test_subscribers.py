"""Subscribers of a channel: the broker beneath them, and what they learn of each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from chirpbird.realtime import (
    Client,
    MemoryPresence,
    Node,
    PresenceEntry,
    SubscribeEvent,
    SubscribeOptions,
    SubscribeReply,
)
from tests.support.realtime import Bus, FakeClock, Peer, settle, with_handlers

Peers = Callable[[], Peer]


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
