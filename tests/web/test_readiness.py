from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chirpbird.web.readiness import Readiness
from tests.support.chat_fakes import FakeClock


async def test_many_who_ask_at_once_cost_one_check(clock: FakeClock) -> None:
    checks = 0

    async def check_store() -> None:
        nonlocal checks
        checks += 1
        await asyncio.sleep(0)  # let the others ask meanwhile

    async def healthy() -> Sequence[str]:
        return ()

    readiness = Readiness(check_store, healthy, clock)
    assert await asyncio.gather(*(readiness.reasons() for _ in range(5))) == [()] * 5
    assert checks == 1
    clock.forward(1)
    await readiness.reasons()
    assert checks == 2


async def test_a_node_that_begins_to_stop_says_so_at_once(clock: FakeClock) -> None:
    reasons: list[str] = []

    async def check_store() -> None:
        return

    async def node_health() -> Sequence[str]:
        return reasons

    readiness = Readiness(check_store, node_health, clock)
    assert await readiness.reasons() == ()
    reasons.append("this node is shutting down")
    assert await readiness.reasons() == ("this node is shutting down",)


async def test_a_store_that_hangs_is_not_waited_for(clock: FakeClock) -> None:
    async def check_store() -> None:
        await asyncio.Event().wait()

    async def node_health() -> Sequence[str]:
        return ()

    readiness = Readiness(check_store, node_health, clock, patience=0)
    assert await readiness.reasons() == ("the store did not finish a write within 0 s",)
