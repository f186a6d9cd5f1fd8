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
