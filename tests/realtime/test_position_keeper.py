"""Holes in the bus: subscribers with positions see none of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from chirpbird.realtime import (
    HistoryResult,
    MemoryBroker,
    Node,
    NodeConfig,
    Publication,
    StreamPosition,
    SubscribeOptions,
)
from tests.support.realtime import Bus, FakeClock, Peer, settle, with_handlers

Peers = Callable[[], Peer]
QUIET = NodeConfig(ping_interval=0, fill_retry_min=0, fill_retry_max=0)


def say(node: Node, count: int, first: int = 1) -> None:
    for number in range(first, first + count):
        node.publish("positioned:c", b"%d" % number, history_size=1000, history_ttl=3600).result()


def offsets(peer: Peer) -> list[int]:
    return [pub["offset"] for pub in peer.pubs("positioned:c")]


async def test_what_the_bus_loses_is_read_from_the_stream(node: Node, peer: Peers, bus: Bus) -> None:
    bus.judge = lambda channel, publication: "lose" if publication.offset in (2, 3, 7) else "deliver"
    anna, bert = peer(), peer()
    await anna.connect()
    await bert.connect()
    await anna.subscribe("positioned:c")
    await bert.subscribe("positioned:c")
    say(node, 10)
    await settle()
    assert offsets(anna) == offsets(bert) == list(range(1, 11))
    assert anna.ended is None
    assert node.stats().counters.fills >= 1


async def test_what_the_bus_repeats_is_delivered_once(node: Node, peer: Peers, bus: Bus) -> None:
    bus.judge = lambda channel, publication: "repeat"
    anna = peer()
    await anna.connect()
    await anna.subscribe("positioned:c")
    say(node, 5)
    await settle()
    assert offsets(anna) == [1, 2, 3, 4, 5]
    assert bus.reads == 0


async def test_what_the_bus_reorders_comes_in_order(node: Node, peer: Peers, bus: Bus) -> None:
    anna = peer()
    await anna.connect()
    await anna.subscribe("positioned:c")
    bus.judge = lambda channel, publication: "keep"
    say(node, 4)
    for index in (2, 0, 1, 0):
        bus.release(index)
    await settle()
    assert offsets(anna) == [1, 2, 3, 4]


@pytest.mark.parametrize("config", [QUIET])
async def test_a_lost_tail_is_found_by_the_check(node: Node, peer: Peers, bus: Bus, clock: FakeClock) -> None:
    anna = peer()
    await anna.connect()
    await anna.subscribe("positioned:c")
    say(node, 2)
    bus.judge = lambda channel, publication: "lose"
    say(node, 3, first=3)
    await settle()
    assert offsets(anna) == [1, 2]
    clock.now += 26
    node.tick()
    await settle()
    assert offsets(anna) == []
    clock.now += 26
    node.tick()
    await settle()
    assert offsets(anna) == [3, 4, 5]


@pytest.mark.parametrize("config", [QUIET])
async def test_with_the_bus_down_the_streams_are_followed(
    node: Node, peer: Peers, bus: Bus, clock: FakeClock
) -> None:
    anna = peer()
    await anna.connect()
    await anna.subscribe("positioned:c")
    bus.judge = lambda channel, publication: "lose"
    node.on_bus(False)
    for number in range(1, 4):
        say(node, 1, first=number)
        clock.now += 1
        node.tick()
        await settle()
        assert offsets(anna) == [number]
    bus.judge = lambda channel, publication: "deliver"
    say(node, 1, first=4)
    node.on_bus(True)
    await settle()
    assert offsets(anna) == [4]


@pytest.mark.parametrize("config", [QUIET])
async def test_only_channels_with_positions_that_were_quiet_are_checked(
    node: Node, peer: Peers, bus: Bus, clock: FakeClock
) -> None:
    anna = peer()
    await anna.connect()
    await anna.subscribe("positioned:c")
    await anna.subscribe("plain:c")
    assert bus.tops == 1
    clock.now += 30
    say(node, 1)
    clock.now += 30
    node.tick()
    await settle()
    assert bus.tops == 1
    clock.now += 26
    node.tick()
    await settle()
    assert bus.tops == 2


async def test_a_stream_that_cannot_be_read_is_tried_again(
    node: Node, peer: Peers, bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    anna = peer()
    await anna.connect()
    await anna.subscribe("positioned:c")
    bus.judge = lambda channel, publication: "lose" if publication.offset == 1 else "deliver"
    bus.broken = True
    say(node, 3)
    await settle()
    assert offsets(anna) == []
    assert "cannot be read to fill a hole" in caplog.text
    bus.broken = False
    await settle()
    assert offsets(anna) == [1, 2, 3]
    assert anna.ended is None


@pytest.mark.parametrize("config", [QUIET])
async def test_a_top_that_cannot_be_read_is_tried_again(
    node: Node, peer: Peers, bus: Bus, clock: FakeClock
) -> None:
    anna = peer()
    await anna.connect()
    await anna.subscribe("positioned:c")
    bus.judge = lambda channel, publication: "lose"
    say(node, 1)
    bus.broken = True
    clock.now += 50
    node.tick()
    await settle()
    assert offsets(anna) == []
    bus.broken = False
    clock.now += 26
    node.tick()
    await settle()
    assert offsets(anna) == [1]


async def test_another_epoch_sends_subscribers_to_begin_anew(node: Node, peer: Peers) -> None:
    anna, bert, carl = peer(), peer(), peer()
    for each in (anna, bert, carl):
        await each.connect(token=f"{id(each)}")
    await anna.subscribe("positioned:c")
    await node.subscribe(f"{id(bert)}", "positioned:c", options=SubscribeOptions(positioned=True))
    await settle()
    bert.told()
    node.announce("positioned:c", Publication(data=b"1", offset=1), "another")
    await settle()
    assert anna.told() == [
        {"push": {"channel": "positioned:c", "unsubscribe": {"code": 2500, "reason": "insufficient state"}}}
    ]
    assert anna.ended is None
    assert bert.ended == (3010, "insufficient state")
    assert carl.ended is None
    result = await anna.subscribe("positioned:c")
    assert result["positioned"]
    say(node, 1)
    await settle()
    assert offsets(anna) == [1]


async def test_entries_that_are_gone_send_subscribers_to_begin_anew(
    node: Node, peer: Peers, bus: Bus
) -> None:
    anna = peer()
    await anna.connect()
    await anna.subscribe("positioned:c")
    bus.judge = lambda channel, publication: "lose"
    say(node, 3)
    await bus.remove_history("positioned:c")
    bus.judge = lambda channel, publication: "deliver"
    say(node, 1, first=4)
    await settle()
    assert [told["push"]["unsubscribe"]["code"] for told in anna.told()] == [2500]
    assert node.stats().counters.positions_lost == 1


@pytest.mark.parametrize("config", [QUIET])
async def test_a_stream_that_went_back_sends_subscribers_to_begin_anew(
    node: Node, peer: Peers, bus: Bus, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = peer()
    await anna.connect()
    epoch = (await anna.subscribe("positioned:c"))["epoch"]
    say(node, 3)
    await settle()
    anna.told()

    async def top(channel: str) -> StreamPosition:
        return StreamPosition(1, epoch)

    monkeypatch.setattr(bus, "top", top)
    clock.now += 50
    node.tick()
    await settle()
    assert [told["push"]["unsubscribe"]["code"] for told in anna.told()] == [2500]


async def test_an_announcement_of_what_the_stream_never_has_is_given_up(node: Node, peer: Peers) -> None:
    anna = peer()
    await anna.connect()
    epoch = (await anna.subscribe("positioned:c"))["epoch"]
    node.announce("positioned:c", Publication(data=b"1", offset=9), epoch)
    await settle(100)
    assert [told["push"]["unsubscribe"]["code"] for told in anna.told()] == [2500]


async def test_a_stream_that_lags_behind_its_announcements_is_waited_for(
    node: Node, peer: Peers, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = peer()
    await anna.connect()
    await anna.subscribe("positioned:c")
    bus.judge = lambda channel, publication: "lose" if publication.offset == 1 else "deliver"
    read = bus.read
    looks = 0

    async def lagging(channel: str, *, since: int | None, limit: int, reverse: bool = False) -> HistoryResult:
        nonlocal looks
        looks += 1
        result = await read(channel, since=since, limit=limit, reverse=reverse)
        return result if looks > 3 else HistoryResult([], StreamPosition(0, result.position.epoch))

    monkeypatch.setattr(bus, "read", lagging)
    say(node, 2)
    await settle(100)
    assert offsets(anna) == [1, 2]


async def test_a_long_hole_is_read_in_pieces(node: Node, peer: Peers, bus: Bus) -> None:
    anna = peer()
    await anna.connect()
    await anna.subscribe("positioned:c")
    bus.judge = lambda channel, publication: "lose" if publication.offset < 990 else "deliver"
    say(node, 1000)
    await settle(100)
    assert offsets(anna) == list(range(1, 1001))
    assert bus.reads == 2


async def test_those_without_positions_are_not_held_up_for_ever(node: Node, peer: Peers, bus: Bus) -> None:
    """When the last positioned subscriber goes in the middle of a fill, what was held goes out."""
    anna, bert = peer(), peer()
    await anna.connect("anna")
    await bert.connect("bert")
    await anna.subscribe("positioned:c")
    await node.subscribe("bert", "positioned:c")
    await settle()
    bert.told()
    bus.broken = True
    bus.judge = lambda channel, publication: "lose" if publication.offset == 1 else "deliver"
    say(node, 3)
    await settle(3)
    anna.lose()
    await settle()
    assert offsets(bert) == [2, 3]


async def test_publications_outside_the_stream_pass_by_the_position(node: Node, peer: Peers) -> None:
    anna = peer()
    await anna.connect()
    await anna.subscribe("positioned:c")
    node.publish("positioned:c", b'"typing"').result()
    say(node, 1)
    await settle()
    assert [pub["data"] for pub in anna.pubs("positioned:c")] == ["typing", 1]


class BatchedStreams:
    """The bus's streams, whose tops are told together."""

    def __init__(self, bus: Bus) -> None:
        self.read = bus.read
        self.top = bus.top
        self._bus = bus
        self.asked: list[list[str]] = []

    async def tops_of(self, channels: Sequence[str]) -> dict[str, StreamPosition]:
        self.asked.append(list(channels))
        if self._bus.broken:
            raise ConnectionError("the streams cannot be read")
        return {
            name: await MemoryBroker.top(self._bus, name) for name in channels if name != "positioned:gone"
        }


async def test_tops_that_can_be_told_together_are_asked_for_together(bus: Bus, clock: FakeClock) -> None:
    streams = BatchedStreams(bus)
    config = NodeConfig(ping_interval=0, fill_retry_min=0, fill_retry_max=0, client_channel_limit=1000)
    node = with_handlers(Node(config, broker=bus, history=streams, clock=clock))
    await node.start()
    anna = Peer(node)
    await anna.connect()
    names = [f"positioned:{number}" for number in range(600)] + ["positioned:gone"]
    for name in names:
        await anna.subscribe(name)
    bus.judge = lambda channel, publication: "lose"
    for name in names:
        node.publish(name, b"1", history_size=10, history_ttl=60).result()
    node.on_bus(False)
    for broken in (True, False):
        bus.broken = broken
        clock.now += 1
        node.tick()
        await settle()
    assert [len(asked) for asked in streams.asked] == [500, 101, 500, 101]
    assert node.stats().counters.deliveries == 600
    await node.shutdown()


async def test_of_a_bus_that_is_down_in_part_only_that_part_is_followed(
    bus: Bus, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = BatchedStreams(bus)
    monkeypatch.setattr(bus, "reaches", lambda channel: channel == "positioned:well")
    node = with_handlers(Node(QUIET, broker=bus, history=streams, clock=clock))
    await node.start()
    anna = Peer(node)
    await anna.connect()
    for name in ("positioned:well", "positioned:ill"):
        await anna.subscribe(name)
    node.on_bus(False)
    for _ in range(60):
        node.tick()
        await settle()
        clock.now += 1
    both = [len(asked) for asked in streams.asked]
    assert both[0] == 2, "at first all are compared: what is reached now may not have been"
    assert streams.asked[1] == ["positioned:ill"]
    assert both.count(2) == 2, "what is quiet for long is compared as ever"
    assert both.count(1) > 50
    await node.shutdown()
