"""What every broker promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chirpbird.realtime import (
    Broker,
    ClientInfo,
    HistoryResult,
    Publication,
    PublishOptions,
    PublishResult,
    StreamPosition,
)
from chirpbird.realtime.core import settled

if TYPE_CHECKING:
    from tests.realtime.contract.conftest import Drain, Heard, Later

KEPT = PublishOptions(history_size=3, history_ttl=60.0)
ANNA = ClientInfo("anna", "c1")


async def publish(broker: Broker, data: bytes, options: PublishOptions = KEPT) -> PublishResult:
    return await settled(broker.publish("ch", Publication(data=data), options))


def said(result: HistoryResult) -> list[tuple[int, bytes]]:
    return [(publication.offset, publication.data) for publication in result.publications]


async def test_without_history_a_publication_has_no_place(broker: Broker, heard: Heard, drain: Drain) -> None:
    await settled(broker.subscribe("ch"))
    assert await publish(broker, b"1", PublishOptions()) == PublishResult(0, "")
    await drain()
    assert heard.publications == [("ch", Publication(data=b"1"), "")]
    assert (await broker.top("ch")).offset == 0


async def test_offsets_count_from_one_and_are_announced(broker: Broker, heard: Heard, drain: Drain) -> None:
    await settled(broker.subscribe("ch"))
    epoch = (await broker.top("ch")).epoch
    assert epoch
    assert await publish(broker, b"1") == PublishResult(1, epoch)
    assert await publish(broker, b"2") == PublishResult(2, epoch)
    await drain()
    assert [(c, p.offset, p.data, e) for c, p, e in heard.publications] == [
        ("ch", 1, b"1", epoch),
        ("ch", 2, b"2", epoch),
    ]


async def test_all_of_a_publication_is_kept(broker: Broker) -> None:
    publication = Publication(
        data=b"\x00\xff", info=ClientInfo("u", "c", b"1", b"2"), tags={"a": "b"}, time=5
    )
    await settled(broker.publish("ch", publication, KEPT))
    [kept] = (await broker.read("ch", since=None, limit=-1)).publications
    assert (kept.data, kept.info, kept.tags, kept.time) == (
        b"\x00\xff",
        publication.info,
        {"a": "b"},
        5,
    )


async def test_that_deltas_are_wanted_is_told_to_all_nodes(
    broker: Broker, heard: Heard, drain: Drain
) -> None:
    await settled(broker.subscribe("ch"))
    for options in (KEPT, PublishOptions()):
        await settled(broker.publish("ch", Publication(data=b"1", delta=True), options))
        await settled(broker.publish("ch", Publication(data=b"2"), options))
    await drain()
    assert [publication.delta for _, publication, _ in heard.publications] == [True, False, True, False]


async def test_reading_forward(broker: Broker) -> None:
    for number in b"1234":
        await publish(broker, b"%c" % number)
    top = await broker.top("ch")
    everything = await broker.read("ch", since=None, limit=-1)
    assert everything.position == top == StreamPosition(4, top.epoch)
    assert said(everything) == [(2, b"2"), (3, b"3"), (4, b"4")]
    assert said(await broker.read("ch", since=2, limit=1)) == [(3, b"3")]
    assert said(await broker.read("ch", since=0, limit=2)) == [(2, b"2"), (3, b"3")]
    assert said(await broker.read("ch", since=4, limit=-1)) == []
    assert said(await broker.read("ch", since=9, limit=-1)) == []
    assert await broker.read("ch", since=None, limit=0) == HistoryResult([], top)


async def test_reading_backward(broker: Broker) -> None:
    for number in b"1234":
        await publish(broker, b"%c" % number)
    assert said(await broker.read("ch", since=None, limit=2, reverse=True)) == [(4, b"4"), (3, b"3")]
    assert said(await broker.read("ch", since=4, limit=-1, reverse=True)) == [(3, b"3"), (2, b"2")]
    assert said(await broker.read("ch", since=2, limit=-1, reverse=True)) == []
    assert said(await broker.read("ch", since=99, limit=1, reverse=True)) == [(4, b"4")]


async def test_publications_go_after_their_time_and_the_position_stays(broker: Broker, later: Later) -> None:
    await publish(broker, b"1")
    before = await broker.top("ch")
    await later(61)
    gone = await broker.read("ch", since=None, limit=-1)
    assert gone == HistoryResult([], before)
    assert (await publish(broker, b"2")).offset == 2
    assert said(await broker.read("ch", since=None, limit=-1)) == [(2, b"2")]


async def test_each_publication_makes_the_stream_live_on(broker: Broker, later: Later) -> None:
    for _ in range(4):
        await publish(broker, b"x")
        await later(40)
    assert len((await broker.read("ch", since=None, limit=-1)).publications) == 3


async def test_the_position_goes_after_its_time(broker: Broker, later: Later) -> None:
    await publish(broker, b"1", PublishOptions(history_size=3, history_ttl=5, history_meta_ttl=10))
    before = await broker.top("other")
    await later(31 * 24 * 3600)
    await publish(broker, b"1", PublishOptions())
    after = await broker.top("ch")
    assert after.offset == 0
    assert after.epoch != before.epoch


async def test_history_can_be_removed(broker: Broker) -> None:
    await publish(broker, b"1")
    before = await broker.top("ch")
    await broker.remove_history("ch")
    await broker.remove_history("never heard of")
    assert await broker.read("ch", since=None, limit=-1) == HistoryResult([], before)


async def test_the_same_key_publishes_once(broker: Broker, heard: Heard, later: Later, drain: Drain) -> None:
    await settled(broker.subscribe("ch"))
    once = PublishOptions(history_size=3, history_ttl=60, idempotency_key="k", idempotency_ttl=10)
    first = await publish(broker, b"1", once)
    assert await publish(broker, b"2", once) == first
    await drain()
    assert len(heard.publications) == 1
    other = await settled(broker.publish("other", Publication(data=b"x"), once))
    assert other.offset == 1
    await later(11)
    assert (await publish(broker, b"3", once)).offset == 2


async def test_the_same_key_publishes_once_without_history(
    broker: Broker, heard: Heard, drain: Drain
) -> None:
    await settled(broker.subscribe("ch"))
    once = PublishOptions(idempotency_key="k")
    await publish(broker, b"1", once)
    await publish(broker, b"1", once)
    await drain()
    assert len(heard.publications) == 1


async def test_old_versions_are_dropped(broker: Broker, heard: Heard, drain: Drain) -> None:
    await settled(broker.subscribe("ch"))

    def version(number: int, epoch: str = "") -> PublishOptions:
        return PublishOptions(history_size=9, history_ttl=60, version=number, version_epoch=epoch)

    assert (await publish(broker, b"a", version(5))).offset == 1
    assert (await publish(broker, b"b", version(5))).offset == 1
    assert (await publish(broker, b"c", version(4))).offset == 1
    assert (await publish(broker, b"d", version(6))).offset == 2
    assert (await publish(broker, b"e", version(1, "new"))).offset == 3
    assert (await publish(broker, b"f", PublishOptions(history_size=9, history_ttl=60))).offset == 4
    await drain()
    assert [p.data for _, p, _ in heard.publications] == [b"a", b"d", b"e", b"f"]


async def test_an_announcement_is_not_kept(broker: Broker, heard: Heard, drain: Drain) -> None:
    await settled(broker.subscribe("ch"))
    broker.announce("ch", Publication(data=b"1", offset=7), "log")
    await drain()
    assert heard.publications == [("ch", Publication(data=b"1", offset=7), "log")]
    assert (await broker.top("ch")).offset == 0


async def test_people_come_and_go_in_order(broker: Broker, heard: Heard, drain: Drain) -> None:
    await settled(broker.subscribe("ch"))
    for _ in range(3):
        await settled(broker.publish_join("ch", ANNA))
        await settled(broker.publish_leave("ch", ANNA))
    await drain()
    assert heard.people == [("join", "ch", ANNA), ("leave", "ch", ANNA)] * 3
