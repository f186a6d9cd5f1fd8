"""One drill from beginning to end: people come, parts break and are mended, all is read again, and judged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from random import Random

import msgspec

from chirpbird.lab.drills.catalogue import Drill
from chirpbird.lab.drills.checker import Verdict, judge
from chirpbird.lab.drills.nemesis import Control, Nemesis
from chirpbird.lab.drills.people import Reader, Writer, make_channel, read_log, register
from chirpbird.lab.drills.record import Reading, Record
from chirpbird.lab.errors import LabError

__all__ = ["Cast", "Outcome", "rehearse"]

_CALM = 3.0
"""Seconds of peace before the first blow and after each."""
_LOOK_AGAIN = 0.1


class Cast(msgspec.Struct, frozen=True):
    """Who takes part. Every writer writes into one channel, in turn; every reader reads all of them."""

    writers: int = 6
    readers: int = 4
    channels: int = 3
    pause: float = 0.1
    """Seconds between a writer's messages."""
    catch_up: float = 45.0
    """Seconds that readers get at the end."""


class Outcome(msgspec.Struct, frozen=True):
    """A drill, what happened, and what the checker says of it."""

    drill: Drill
    record: Record
    verdict: Verdict


async def rehearse(
    drill: Drill, *, url: str, control: Control, cast: Cast, seed: int, say: Callable[[str], None]
) -> Outcome:
    """Errors: LabError when the drill itself cannot go on, which says nothing of the promises."""
    began = time.monotonic()

    def clock() -> float:
        return time.monotonic() - began

    def say_when(line: str) -> None:
        say(f"{clock():7.1f} s  {line}")

    nemesis = Nemesis(control, Random(seed), clock, say_when)  # noqa: S311 - a seed must give the same drill again
    await nemesis.settle()
    name = f"{drill.name}{time.time_ns() // 1_000_000 % 10**9}"
    accounts = await register(url, [f"{name}-{number}" for number in range(cast.writers + cast.readers)])
    channels = [await make_channel(url, f"{name} {number}", accounts) for number in range(cast.channels)]
    record = Record(drill.name, seed)
    readers = [Reader(account, channels, clock) for account in accounts[cast.writers :]]
    writers = [
        Writer(account, channels[number % cast.channels], record.sends, clock, cast.pause)
        for number, account in enumerate(accounts[: cast.writers])
    ]
    for reader in readers:
        await reader.start()
    try:
        async with asyncio.TaskGroup() as group:
            for writer in writers:
                group.create_task(writer.run())
            group.create_task(_play(drill, nemesis, record, writers))
        record.logs = {channel: await read_log(accounts[-1], channel) for channel in channels}
        record.readings = [reading for reader in readers for reading in reader.readings]
        await _catch_up(record, cast.catch_up, say_when)
    except* LabError as errors:
        raise LabError("; ".join(str(error) for error in errors.exceptions)) from errors
    finally:
        for reader in readers:
            await reader.stop()
    record.seconds = clock()
    return Outcome(drill, record, judge(record))


async def _play(drill: Drill, nemesis: Nemesis, record: Record, writers: list[Writer]) -> None:
    await asyncio.sleep(_CALM)
    for blow in drill.blows:
        record.faults.append(await nemesis.strike(blow))
        await asyncio.sleep(_CALM)
    for writer in writers:
        writer.finish()


async def _catch_up(record: Record, seconds: float, say: Callable[[str], None]) -> None:
    """Give readers the time that a client may take to find out about a dead connection. What is missing then stays missing."""

    def behind(reading: Reading) -> bool:
        log = record.logs[reading.channel]
        last = reading.deliveries[-1].seq if reading.deliveries else reading.after
        return bool(log) and last < log[-1].seq

    try:
        async with asyncio.timeout(seconds):
            while True:
                if not any(behind(reading) for reading in record.readings):
                    return
                await asyncio.sleep(_LOOK_AGAIN)
    except TimeoutError:
        late = sorted({reading.reader for reading in record.readings if behind(reading)})
        say(f"after {seconds:g} s still behind: {', '.join(late)}")
