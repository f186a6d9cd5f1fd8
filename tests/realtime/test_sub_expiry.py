"""Subscriptions that expire."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chirpbird.realtime import (
    Client,
    Node,
    NodeConfig,
    SubRefreshEvent,
    SubRefreshReply,
    SubscribeEvent,
    SubscribeOptions,
    SubscribeReply,
    disconnects,
    errors,
)
from tests.support.realtime import FakeClock, Peer, settle

Peers = Callable[[], Peer]


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
