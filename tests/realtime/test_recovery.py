"""Meeting the stream: positions, recovery, and publications that arrive in the middle of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from chirpbird.realtime import (
    Client,
    HistoryResult,
    Node,
    NodeConfig,
    Publication,
    PublishOptions,
    RecoveryMode,
    StreamPosition,
    SubscribeEvent,
    SubscribeOptions,
    SubscribeReply,
)
from tests.support.realtime import STREAM, Bus, FakeClock, Peer, SlowHistory, settle, with_handlers

Peers = Callable[[], Peer]
CHANNEL = "stream:c"


def say(bus: Bus, *numbers: int) -> None:
    for number in numbers:
        bus.publish(CHANNEL, Publication(data=b"%d" % number), STREAM)


async def epoch_of(bus: Bus) -> str:
    return (await bus.top(CHANNEL)).epoch


def data(result: dict[str, Any]) -> list[int]:
    return [pub["data"] for pub in result.get("publications", [])]


async def test_a_new_subscriber_begins_at_the_top(peer: Peers, bus: Bus) -> None:
    say(bus, 1, 2, 3)
    anna = peer()
    await anna.connect()
    epoch = await epoch_of(bus)
    expected = {"recoverable": True, "positioned": True, "epoch": epoch, "offset": 3}
    assert await anna.subscribe(CHANNEL) == expected
    say(bus, 4)
    await settle()
    assert [pub["offset"] for pub in anna.pubs(CHANNEL)] == [4]


async def test_what_was_missed_is_in_the_reply(peer: Peers, bus: Bus) -> None:
    say(bus, 1, 2, 3)
    anna = peer()
    await anna.connect()
    epoch = await epoch_of(bus)
    result = await anna.subscribe(CHANNEL, recover=True, offset=1, epoch=epoch)
    assert data(result) == [2, 3]
    del result["publications"]
    assert result == {
        "recoverable": True,
        "positioned": True,
        "epoch": epoch,
        "offset": 1,
        "recovered": True,
        "was_recovering": True,
    }
    say(bus, 4)
    await settle()
    assert [pub["offset"] for pub in anna.pubs(CHANNEL)] == [4]


async def test_who_missed_nothing_costs_no_reading(peer: Peers, bus: Bus) -> None:
    say(bus, 1, 2)
    anna, bert = peer(), peer()
    await anna.connect()
    await bert.connect()
    epoch = (await anna.subscribe(CHANNEL))["epoch"]
    assert (bus.reads, bus.tops) == (0, 1)
    result = await bert.subscribe(CHANNEL, recover=True, offset=2, epoch=epoch)
    assert result["recovered"]
    assert data(result) == []
    assert (bus.reads, bus.tops) == (0, 1)


async def test_an_empty_epoch_fits_any(peer: Peers, bus: Bus) -> None:
    say(bus, 1, 2)
    anna = peer()
    await anna.connect()
    result = await anna.subscribe(CHANNEL, recover=True)
    assert data(result) == [1, 2]
    assert result["recovered"]


@pytest.mark.parametrize(
    ("offset", "epoch"), [(1, "other"), (99, None), (0, None), (2, "_")], ids=["epoch", "beyond", "gone", "_"]
)
async def test_positions_that_cannot_be_met(
    node: Node, peer: Peers, bus: Bus, offset: int, epoch: str | None
) -> None:
    for _ in range(3):
        bus.publish(CHANNEL, Publication(data=b"0"), STREAM)
    await bus.remove_history(CHANNEL)
    say(bus, 4)
    anna = peer()
    await anna.connect()
    known = await epoch_of(bus)
    result = await anna.subscribe(
        CHANNEL, recover=True, offset=offset, epoch=known if epoch is None else epoch
    )
    assert "recovered" not in result
    assert result["was_recovering"]
    assert (data(result), result["offset"], result["epoch"]) == ([], 4, known)
    assert node.stats().counters.unrecovered == 1
    rejected = peer()
    await rejected.connect()
    reply = await rejected.ask(
        subscribe={"channel": CHANNEL, "recover": True, "offset": 1, "epoch": "other", "flag": 2}
    )
    assert reply["error"]["code"] == 112
    assert node.stats().num_subscriptions == 1


@pytest.mark.parametrize("config", [NodeConfig(recovery_limit=3)])
async def test_more_missed_than_the_limit_is_not_recovered(peer: Peers, bus: Bus) -> None:
    say(bus, 1, 2, 3, 4, 5)
    epoch = await epoch_of(bus)
    anna, bert = peer(), peer()
    await anna.connect()
    await bert.connect()
    assert data(await anna.subscribe(CHANNEL, recover=True, offset=2, epoch=epoch)) == [3, 4, 5]
    result = await bert.subscribe(CHANNEL, recover=True, offset=1, epoch=epoch)
    assert "recovered" not in result


async def test_positioned_is_not_recoverable(peer: Peers, bus: Bus) -> None:
    bus.publish("positioned:c", Publication(data=b"1"), STREAM)
    anna = peer()
    await anna.connect()
    result = await anna.subscribe("positioned:c", recover=True)
    assert result.keys() == {"positioned", "epoch", "offset"}


async def test_a_client_that_is_ahead_of_the_bus_gets_nothing_twice(
    node: Node, peer: Peers, bus: Bus
) -> None:
    """It saw 3 and 4 on another node; here the announcements are still on their way."""
    anna, bert = peer(), peer()
    await anna.connect()
    await bert.connect()
    epoch = (await anna.subscribe(CHANNEL))["epoch"]
    bus.judge = lambda channel, publication: "keep"
    say(bus, 1, 2, 3, 4)
    result = await bert.subscribe(CHANNEL, recover=True, offset=4, epoch=epoch)
    assert result["recovered"]
    assert data(result) == []
    while bus.kept:
        bus.release()
    say(bus, 5)
    bus.release()
    await settle()
    assert [pub["offset"] for pub in bert.pubs(CHANNEL)] == [5]
    assert [pub["offset"] for pub in anna.pubs(CHANNEL)] == [1, 2, 3, 4, 5]


# In the middle of it


@pytest.fixture
async def slow(clock: FakeClock, bus: Bus) -> AsyncIterator[tuple[Node, SlowHistory]]:
    history = SlowHistory(bus)
    node = with_handlers(Node(NodeConfig(recovery_limit=10_000), broker=bus, clock=clock, history=history))
    await node.start()
    yield node, history
    history.go()
    await node.shutdown()


async def _recovering(node: Node, history: SlowHistory, bus: Bus, offset: int) -> Peer:
    """A peer whose recovery from ``offset`` has been read and not answered; another is subscribed."""
    other = Peer(node)
    await other.connect("other")
    await other.subscribe(CHANNEL)
    anna = Peer(node)
    await anna.connect()
    history.hold()
    subscribe = {"channel": CHANNEL, "recover": True, "offset": offset, "epoch": await epoch_of(bus)}
    anna.send({"id": 5, "subscribe": subscribe})
    await settle()
    assert anna.told() == []
    return anna


async def test_publications_while_reading_are_in_the_reply_and_not_repeated(
    slow: tuple[Node, SlowHistory], bus: Bus
) -> None:
    node, history = slow
    say(bus, 1, 2, 3)
    anna = await _recovering(node, history, bus, 1)
    say(bus, 4, 5)
    await settle()
    assert anna.told() == []
    history.go()
    await settle()
    say(bus, 6)
    await settle()
    told = anna.told()
    assert data(told[0]["subscribe"]) == [2, 3, 4, 5]
    assert [t["push"]["pub"]["data"] for t in told[1:]] == [6]


async def test_publications_of_the_very_turn_of_the_reply_come_once(
    slow: tuple[Node, SlowHistory], bus: Bus
) -> None:
    for turns in range(8):
        node, history = slow
        say(bus, 1, 2)
        top = (await bus.top(CHANNEL)).offset
        anna = await _recovering(node, history, bus, top - 1)
        history.go()
        for _ in range(turns):
            await asyncio.sleep(0)
        say(bus, 3, 4)
        await settle()
        told = anna.told()
        offsets = [pub["offset"] for pub in told[0]["subscribe"]["publications"]]
        offsets += [t["push"]["pub"]["offset"] for t in told[1:]]
        assert offsets == [top, top + 1, top + 2]


async def test_the_first_subscriber_may_come_in_the_middle_of_a_stream(
    slow: tuple[Node, SlowHistory], bus: Bus
) -> None:
    node, history = slow
    say(bus, 1, 2)
    history.hold()
    anna = Peer(node)
    await anna.connect()
    anna.send({"id": 5, "subscribe": {"channel": CHANNEL}})
    await settle()
    say(bus, 3, 4)
    await settle()
    assert anna.told() == []
    history.go()
    await settle()
    say(bus, 5)
    await settle()
    told = anna.told()
    first = told[0]["subscribe"]["offset"]
    assert [t["push"]["pub"]["offset"] for t in told[1:]] == list(range(first + 1, 6))


async def test_more_than_is_remembered_while_reading_is_read_again(
    slow: tuple[Node, SlowHistory], bus: Bus
) -> None:
    node, history = slow
    options = PublishOptions(history_size=5000, history_ttl=3600)
    for number in (1, 2):
        bus.publish(CHANNEL, Publication(data=b"%d" % number), options)
    anna = await _recovering(node, history, bus, 1)
    for number in range(3, 1003):
        bus.publish(CHANNEL, Publication(data=b"%d" % number), options)
        if number % 100 == 0:
            await settle(2)
    for number in range(1003, 1103):
        bus.publish(CHANNEL, Publication(data=b"%d" % number), options)
    history.go()
    await settle()
    result = anna.told()[0]["subscribe"]
    assert data(result) == list(range(2, 1103))


async def test_a_stream_that_is_replaced_while_reading_is_begun_anew(
    slow: tuple[Node, SlowHistory], bus: Bus
) -> None:
    node, history = slow
    say(bus, 1, 2)
    anna = await _recovering(node, history, bus, 1)
    node.announce(CHANNEL, Publication(data=b"1", offset=1), "another")
    history.go()
    await settle()
    told = anna.told()
    assert [t["id"] for t in told if "id" in t] == [5]
    say(bus, 3)
    await settle()
    assert [pub["offset"] for pub in anna.pubs(CHANNEL)] == [3]


async def test_a_client_that_leaves_while_reading_leaves_nothing(
    slow: tuple[Node, SlowHistory], bus: Bus
) -> None:
    node, history = slow
    say(bus, 1, 2)
    anna = await _recovering(node, history, bus, 1)
    anna.lose()
    history.go()
    await settle()
    assert anna.told() == []
    [channel] = node._core.hub.channels.values()
    assert (channel.holds, channel.positioned, channel.joining, channel.recent) == (1, 1, 0, None)


async def test_a_history_that_fails_ends_the_connection_for_now(
    node: Node, peer: Peers, bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    bus.broken = True
    anna = peer()
    await anna.connect()
    anna.send({"id": 5, "subscribe": {"channel": CHANNEL}})
    await settle()
    assert anna.ended == (3004, "internal server error")
    assert "cannot be read" in caplog.text


async def test_a_stream_that_does_not_hold_still_is_given_up(
    node: Node, peer: Peers, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, bert = peer(), peer()
    await anna.connect()
    await bert.connect()
    await anna.subscribe(CHANNEL)
    say(bus, 1)
    read = bus.read

    async def replaced(
        channel: str, *, since: int | None, limit: int, reverse: bool = False
    ) -> HistoryResult:
        result = await read(channel, since=since, limit=limit, reverse=reverse)
        node.announce(CHANNEL, Publication(data=b"1", offset=1), "another")
        return result

    monkeypatch.setattr(bus, "read", replaced)
    bert.send({"id": 5, "subscribe": {"channel": CHANNEL, "recover": True}})
    await settle(100)
    assert bert.ended == (3010, "insufficient state")


# The latest value


def _cache(node: Node) -> None:
    @node.on_subscribe
    def subscribe(client: Client, event: SubscribeEvent) -> SubscribeReply:
        return SubscribeReply(SubscribeOptions(recoverable=True, recovery_mode=RecoveryMode.CACHE))


async def test_a_cache_gives_the_latest_only(node: Node, peer: Peers, bus: Bus) -> None:
    _cache(node)
    say(bus, 1, 2, 3)
    anna = peer()
    await anna.connect()
    result = await anna.subscribe(CHANNEL, recover=True)
    assert data(result) == [3]
    assert result["recovered"]
    say(bus, 4)
    await settle()
    assert [pub["data"] for pub in anna.pubs(CHANNEL)] == [4]


async def test_a_cache_gives_nothing_to_who_has_it(node: Node, peer: Peers, bus: Bus) -> None:
    _cache(node)
    say(bus, 1, 2)
    anna = peer()
    await anna.connect()
    result = await anna.subscribe(CHANNEL, recover=True, offset=2, epoch=await epoch_of(bus))
    assert data(result) == []
    assert result["recovered"]


async def test_an_empty_cache_recovers_nothing(node: Node, peer: Peers, bus: Bus) -> None:
    _cache(node)
    say(bus, 1)
    await bus.remove_history(CHANNEL)
    anna = peer()
    await anna.connect()
    result = await anna.subscribe(CHANNEL, recover=True)
    assert data(result) == []
    assert "recovered" not in result


async def test_a_cache_that_is_ahead_of_the_bus_gives_its_latest_once(
    node: Node, peer: Peers, bus: Bus
) -> None:
    _cache(node)
    anna, bert = peer(), peer()
    await anna.connect()
    await bert.connect()
    await anna.subscribe(CHANNEL)
    bus.judge = lambda channel, publication: "keep"
    say(bus, 1, 2)
    result = await bert.subscribe(CHANNEL, recover=True)
    assert data(result) == [2]
    while bus.kept:
        bus.release()
    await settle()
    assert bert.pubs(CHANNEL) == []
    assert [pub["data"] for pub in anna.pubs(CHANNEL)] == [1, 2]
    assert isinstance(result["epoch"], str)
    assert StreamPosition(2, result["epoch"]) == await bus.top(CHANNEL)
