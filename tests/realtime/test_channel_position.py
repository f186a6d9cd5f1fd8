"""The logic of positions, against every kind of bus."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from chirpbird.realtime import HistoryResult, Publication, StreamPosition
from chirpbird.realtime.channel_position import ChannelPosition


def pub(offset: int) -> Publication:
    return Publication(data=b"%d" % offset, offset=offset)


def offsets(publications: Sequence[Publication] | None) -> list[int]:
    assert publications is not None
    return [publication.offset for publication in publications]


def at(offset: int) -> ChannelPosition:
    position = ChannelPosition()
    position.open(StreamPosition(offset, "e"))
    return position


def stream(first: int, top: int) -> HistoryResult:
    return HistoryResult([pub(offset) for offset in range(first, top + 1)], StreamPosition(top, "e"))


def test_what_is_next_in_line_goes_through() -> None:
    position = at(5)
    assert offsets(position.announced(pub(6), "e")) == [6]
    assert position.offset == 6
    assert not position.behind


def test_what_was_there_already_is_dropped() -> None:
    position = at(5)
    assert offsets(position.announced(pub(5), "e")) == []
    assert offsets(position.announced(pub(1), "e")) == []
    assert not position.behind
    assert offsets(position.let_go()) == []


def test_a_hole_is_filled_from_the_stream_and_what_was_held_follows() -> None:
    position = at(5)
    assert offsets(position.announced(pub(8), "e")) == []
    assert position.behind
    assert offsets(position.filled(stream(6, 7), since=5)) == [6, 7, 8]
    assert not position.behind


def test_a_hole_closes_by_itself_when_the_bus_only_reordered() -> None:
    position = at(5)
    assert offsets(position.announced(pub(7), "e")) == []
    assert offsets(position.announced(pub(6), "e")) == [6, 7]
    assert not position.behind
    assert offsets(position.filled(stream(6, 7), since=5)) == []


def test_everything_is_held_until_the_position_is_known() -> None:
    position = ChannelPosition()
    assert offsets(position.announced(pub(4), "e")) == []
    assert offsets(position.announced(pub(5), "e")) == []
    assert not position.behind
    assert offsets(position.open(StreamPosition(4, "e"))) == [5]


def test_another_epoch_is_another_stream() -> None:
    assert at(5).announced(pub(6), "other") is None
    assert at(5).filled(HistoryResult([pub(6)], StreamPosition(6, "other")), since=5) is None
    assert not at(5).checked(StreamPosition(5, "other"), since=5)


def test_entries_that_are_gone_cannot_be_made_up() -> None:
    assert at(5).filled(stream(8, 9), since=5) is None
    assert at(5).filled(HistoryResult([], StreamPosition(9, "e")), since=5) is None


def test_a_stream_that_went_back_is_not_the_same_stream() -> None:
    assert at(5).filled(HistoryResult([], StreamPosition(3, "e")), since=5) is None
    assert not at(5).checked(StreamPosition(4, "e"), since=5)


def test_a_check_finds_a_lost_tail() -> None:
    position = at(5)
    assert position.checked(StreamPosition(7, "e"), since=5)
    assert position.behind


def test_a_top_read_before_the_last_delivery_means_nothing() -> None:
    position = at(5)
    assert offsets(position.announced(pub(6), "e")) == [6]
    assert position.checked(StreamPosition(5, "e"), since=5)
    assert not position.behind


def test_more_than_can_be_held_is_read_from_the_stream() -> None:
    position = at(0)
    for offset in range(2, 1000):
        assert offsets(position.announced(pub(offset), "e")) == []
    delivered = offsets(position.filled(stream(1, 500), since=0))
    assert delivered == list(range(1, position.offset + 1))
    while position.behind:
        since = position.offset
        read = HistoryResult(
            [pub(offset) for offset in range(since + 1, min(since + 500, 999) + 1)], StreamPosition(999, "e")
        )
        delivered += offsets(position.filled(read, since=since))
    assert delivered == list(range(1, 1000))


def test_what_is_let_go_comes_in_order() -> None:
    position = at(0)
    position.announced(pub(5), "e")
    position.announced(pub(3), "e")
    assert offsets(position.let_go()) == [3, 5]
    assert offsets(position.let_go()) == []


@given(st.data())
def test_any_bus_and_any_moment_of_reading_give_the_stream_itself(data: st.DataObject) -> None:
    """Announcements lost, repeated and in any order; readings that are late; the end is always 1, 2, 3, ..."""
    top = data.draw(st.integers(1, 12))
    start = data.draw(st.integers(0, top))
    announcements = data.draw(st.lists(st.integers(1, top), max_size=30))
    position = ChannelPosition()
    delivered: list[int] = []
    opened = data.draw(st.integers(0, len(announcements)))
    pending: tuple[int, HistoryResult] | None = None
    for number, offset in enumerate(announcements):
        if number == opened:
            delivered += offsets(position.open(StreamPosition(start, "e")))
        delivered += offsets(position.announced(pub(offset), "e"))
        if pending is not None and data.draw(st.booleans()):
            delivered += offsets(position.filled(pending[1], since=pending[0]))
            pending = None
        if pending is None and position.behind:
            seen = data.draw(st.integers(max(position.wanted, position.offset), top))
            pending = (position.offset, stream(position.offset + 1, seen))
    if opened == len(announcements):
        delivered += offsets(position.open(StreamPosition(start, "e")))
    assert position.checked(StreamPosition(top, "e"), since=position.offset)
    while position.behind:
        delivered += offsets(position.filled(stream(position.offset + 1, top), since=position.offset))
    assert delivered == list(range(start + 1, top + 1))
