"""The judge of the drills: it says nothing of a good run, and finds every kind of broken promise."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirpbird.lab.drills.checker import Breach, judge
from chirpbird.lab.drills.record import Delivery, Fault, LogEntry, Reading, Record, Send


def good(messages: int = 6, readers: int = 2) -> Record:
    """Two writers in turn; message N is sent at N, acknowledged at N.1, delivered at N.2."""
    sends = [Send(f"w{n % 2}", "c", f"m{n}", float(n), n + 0.1) for n in range(messages)]
    log = [LogEntry(1, None), *(LogEntry(n + 2, f"m{n}") for n in range(messages))]
    readings = [
        Reading(f"r{r}", "c", 1, [Delivery(n + 2, f"m{n}", n + 0.2) for n in range(messages)])
        for r in range(readers)
    ]
    return Record("calm", 1, messages + 1.0, sends, readings, {"c": log})


def test_a_good_run_holds() -> None:
    verdict = judge(good())
    assert verdict.holds
    assert verdict.violations == []
    assert (verdict.sent, verdict.acknowledged, verdict.delivered) == (6, 6, 12)
    assert verdict.sending == pytest.approx(0.1)
    assert verdict.receiving == pytest.approx(0.1)


def lose(record: Record) -> None:
    record.logs["c"].pop()
    for reading in record.readings:
        reading.deliveries.pop()


def repeat_in_the_log(record: Record) -> None:
    record.logs["c"].append(LogEntry(8, "m0"))
    for reading in record.readings:
        reading.deliveries.append(Delivery(8, "m0", 6.5))


def give_twice(record: Record) -> None:
    record.readings[0].deliveries.append(record.readings[0].deliveries[-1])


def swap_deliveries(record: Record) -> None:
    deliveries = record.readings[1].deliveries
    deliveries[2], deliveries[3] = deliveries[3], deliveries[2]


def swap_a_writers_messages(record: Record) -> None:
    record.logs["c"] = [
        LogEntry(seq, {"m1": "m3", "m3": "m1"}.get(text or "", text)) for seq, text in record.logs["c"]
    ]
    for reading in record.readings:
        reading.deliveries = [
            Delivery(seq, {"m1": "m3", "m3": "m1"}.get(text or "", text), at)
            for seq, text, at in reading.deliveries
        ]


def miss_one(record: Record) -> None:
    del record.readings[0].deliveries[3]


def miss_the_last(record: Record) -> None:
    record.readings[0].deliveries.pop()


def invent(record: Record) -> None:
    record.readings[0].deliveries.append(Delivery(99, "nobody's", 6.9))


def deliver_another_text(record: Record) -> None:
    record.readings[0].deliveries[0] = Delivery(2, "not m0", 0.2)


def leave_a_hole(record: Record) -> None:
    record.sends.pop(2)
    del record.logs["c"][3]
    for reading in record.readings:
        del reading.deliveries[2]


@pytest.mark.parametrize(
    ("break_it", "breach"),
    [
        (lose, Breach.LOST),
        (repeat_in_the_log, Breach.DUPLICATED),
        (give_twice, Breach.DUPLICATED),
        (swap_deliveries, Breach.REORDERED),
        (swap_a_writers_messages, Breach.REORDERED),
        (miss_one, Breach.MISSED),
        (miss_the_last, Breach.MISSED),
        (invent, Breach.INVENTED),
        (deliver_another_text, Breach.INVENTED),
        (leave_a_hole, Breach.HOLE),
    ],
)
def test_each_broken_promise_is_found(break_it: Callable[[Record], None], breach: Breach) -> None:
    record = good()
    break_it(record)
    verdict = judge(record)
    assert not verdict.holds
    assert {one for one, count in verdict.counts.items() if count} == {breach}


def test_what_was_never_acknowledged_may_be_in_the_log_or_not() -> None:
    record = good()
    record.sends[-1].acknowledged = None
    assert judge(record).holds
    lose(record)
    assert judge(record).holds


def test_what_stood_before_the_reader_came_is_not_due() -> None:
    record = good()
    late = Reading("late", "c", 4, [one for one in record.readings[0].deliveries if one.seq > 4])
    record.readings.append(late)
    assert judge(record).holds


def test_waits_are_told_by_the_fault_that_they_fell_into() -> None:
    record = good()
    record.faults = [Fault("kill redis1", 1.5, 2.0), Fault("kill mongo1", 3.5, 4.0)]
    record.sends[4].acknowledged = 4.8
    record.readings[0].deliveries[2] = Delivery(4, "m2", 2.9)
    first, second = judge(record).outages
    assert (first.fault, second.fault) == ("kill redis1", "kill mongo1")
    assert first.sending == pytest.approx(0.1)
    assert first.receiving == pytest.approx(0.8)
    assert second.sending == pytest.approx(0.8)
    assert second.receiving == pytest.approx(0.1)


def test_a_message_that_never_came_counts_to_the_end() -> None:
    record = good()
    miss_the_last(record)
    assert judge(record).receiving == pytest.approx(7.0 - 5.1)


@given(chance=st.randoms(use_true_random=False), messages=st.integers(1, 40))
def test_any_change_of_what_a_reader_saw_is_found(chance: random.Random, messages: int) -> None:
    """Drop, repeat or move any one delivery of any run: the verdict is never that all promises hold."""
    record = good(messages)
    deliveries = record.readings[0].deliveries
    before = list(deliveries)
    victim = deliveries.pop(chance.randrange(len(deliveries)))
    for _ in range(chance.randrange(3)):
        deliveries.insert(chance.randrange(len(deliveries) + 1), victim)
    assert judge(record).holds == (deliveries == before)


def test_a_record_survives_its_file() -> None:
    record = good()
    assert msgspec.json.decode(msgspec.json.encode(record), type=Record) == record
