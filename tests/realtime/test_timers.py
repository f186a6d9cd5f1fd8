"""The wheel: never early, at most one slot late, nothing lost over a long sleep."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chirpbird.realtime.timers import TimerWheel

TIMES = st.floats(0, 100, allow_nan=False)


def test_items_come_out_when_due_and_once() -> None:
    wheel: TimerWheel[str] = TimerWheel(10.0)
    wheel.put("b", 12.5)
    wheel.put("a", 11.0)
    assert wheel.due(10.9) == []
    assert wheel.due(11.0) == ["a"]
    assert wheel.due(12.6) == []
    assert wheel.due(13.0) == ["b"]
    assert wheel.due(99.0) == []


def test_a_deadline_that_has_passed_is_due_at_the_next_slot() -> None:
    wheel: TimerWheel[str] = TimerWheel(10.0)
    wheel.put("late", 3.0)
    assert wheel.due(10.5) == []
    assert wheel.due(11.0) == ["late"]


@given(st.lists(TIMES, max_size=30), st.lists(TIMES, max_size=10))
def test_nothing_is_early_and_nothing_is_lost(deadlines: list[float], looks: list[float]) -> None:
    wheel: TimerWheel[float] = TimerWheel(0.0, 0.5)
    for deadline in deadlines:
        wheel.put(deadline, deadline)
    seen = []
    for now in [*sorted(looks), 101.0]:
        due = wheel.due(now)
        assert all(deadline <= now for deadline in due)
        seen += due
        assert all(deadline in seen or deadline > now - 0.5 for deadline in deadlines)
    assert sorted(seen) == sorted(deadlines)
