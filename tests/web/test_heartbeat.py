from __future__ import annotations

import asyncio

from chirpbird.web.heartbeat import Heartbeat
from tests.support.chat_fakes import FakeClock


def beating(clock: FakeClock, heartbeat: Heartbeat, seconds: float) -> None:
    """Time passes, and the loop keeps up."""
    for _ in range(round(seconds / 0.25)):
        clock.forward(0.25)
        heartbeat.beat()


def test_a_loop_that_keeps_up_is_no_reason() -> None:
    clock = FakeClock()
    heartbeat = Heartbeat(2.0, clock.monotonic)
    beating(clock, heartbeat, 30)
    clock.forward(1.9)
    heartbeat.beat()
    assert heartbeat.reasons() == ()


def test_a_stall_is_remembered_for_a_while_and_then_forgiven() -> None:
    clock = FakeClock()
    heartbeat = Heartbeat(2.0, clock.monotonic)
    beating(clock, heartbeat, 1)
    clock.forward(3.25)
    heartbeat.beat()
    [reason] = heartbeat.reasons()
    assert reason == "the event loop stood still for 3.0 s within the last 5 s, less than 2 s is expected"
    beating(clock, heartbeat, 4.75)
    assert heartbeat.reasons()
    beating(clock, heartbeat, 0.25)
    assert heartbeat.reasons() == ()


def test_a_beat_that_is_still_overdue_counts() -> None:
    clock = FakeClock()
    heartbeat = Heartbeat(2.0, clock.monotonic)
    clock.forward(2.5)
    assert heartbeat.lag == 2.5
    assert heartbeat.reasons()


async def test_it_beats_by_itself_until_it_is_stopped() -> None:
    beats = asyncio.Event()

    class Watched(Heartbeat):
        def beat(self) -> None:
            super().beat()
            beats.set()

    heartbeat = Watched(2.0)
    heartbeat.start()
    await beats.wait()
    heartbeat.stop()
    heartbeat.stop()
