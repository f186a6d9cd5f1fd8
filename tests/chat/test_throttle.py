from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirpbird.chat.errors import TooMany
from chirpbird.chat.throttle import Throttle
from tests.support.chat_fakes import FakeClock


def throttle(clock: FakeClock, *, burst: int = 3, per_second: float = 0.5, capacity: int = 100) -> Throttle:
    return Throttle("tries", burst=burst, per_second=per_second, now=clock.monotonic, capacity=capacity)


def passes(subject: Throttle, key: str) -> bool:
    try:
        subject.check(key)
    except TooMany:
        return False
    return True


def test_a_burst_passes_and_then_the_rate_holds(clock: FakeClock) -> None:
    subject = throttle(clock)
    assert [passes(subject, "ann") for _ in range(4)] == [True, True, True, False]
    clock.forward(1.9)
    assert not passes(subject, "ann")
    clock.forward(0.1)
    assert [passes(subject, "ann") for _ in range(2)] == [True, False]


def test_the_refusal_says_when_to_come_back(clock: FakeClock) -> None:
    subject = throttle(clock, burst=1)
    subject.check("ann")
    clock.forward(0.5)
    with pytest.raises(TooMany, match=r"^too many tries, try again in 2 s$") as caught:
        subject.check("ann")
    assert caught.value.retry_after == pytest.approx(1.5)
    clock.forward(caught.value.retry_after)
    subject.check("ann")


def test_keys_do_not_share(clock: FakeClock) -> None:
    subject = throttle(clock, burst=1)
    assert passes(subject, "ann")
    assert passes(subject, "bob")
    assert not passes(subject, "ann")


def test_forgiven_keys_begin_afresh(clock: FakeClock) -> None:
    subject = throttle(clock, burst=1)
    subject.check("ann")
    subject.forgive("ann")
    subject.forgive("never seen")
    subject.check("ann")


def test_memory_is_bounded_and_the_quietest_go_first(clock: FakeClock) -> None:
    subject = throttle(clock, burst=1, capacity=10)
    for number in range(100):
        subject.check(str(number))
    assert len(subject) == 10
    assert not passes(subject, "99")
    assert passes(subject, "0")


def test_full_buckets_are_forgotten(clock: FakeClock) -> None:
    subject = throttle(clock)
    for number in range(50):
        subject.check(str(number))
    clock.forward(10)
    subject.check("new")
    assert len(subject) == 1


@pytest.mark.parametrize("wrong", [{"burst": 0}, {"per_second": 0}, {"capacity": 0}])
def test_limits_that_make_no_sense_are_refused(clock: FakeClock, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected to be positive"):
        throttle(clock, **wrong)


@given(st.lists(st.floats(min_value=0, max_value=5), max_size=60))
def test_never_more_than_burst_and_rate_allow(waits: list[float]) -> None:
    clock = FakeClock()
    subject = throttle(clock)
    start = clock.monotonic()
    passed = 0
    for wait in waits:
        clock.forward(wait)
        passed += passes(subject, "ann")
        assert passed <= 3 + (clock.monotonic() - start) * 0.5 + 1e-6
