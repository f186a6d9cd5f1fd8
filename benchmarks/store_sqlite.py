"""Durable appends and history pages of the SQLite store, beside the design's budgets.

python benchmarks/store_sqlite.py [directory on the disk to measure]
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chirpbird.chat.entities import Channel, ChannelKind, Draft, EntryKind
from chirpbird.storage.sqlite import SqliteStore

SENDERS = 64
SECONDS = 5.0
LONG = 1_000_000
TEXT = "x" * 128


async def add_channel(store: SqliteStore, name: str) -> str:
    """A private channel of one member."""
    channel = Channel(
        id=name, kind=ChannelKind.PRIVATE, name=name, creator_id="u", epoch="e", created_at=0, updated_at=0
    )
    await store.channels.create(
        channel, Draft(channel_id=name, kind=EntryKind.CREATED, sender_id="u", members=("u",))
    )
    return channel.id


async def appends(store: SqliteStore) -> tuple[float, list[float]]:
    """Each sender waits for its acknowledgement before it sends again; (messages a second, seconds to each ack)."""
    channel_ids = [await add_channel(store, f"channel {number}") for number in range(8)]
    times: list[float] = []
    ends = time.perf_counter() + SECONDS

    async def send(sender: int) -> None:
        number = 0
        while (began := time.perf_counter()) < ends:
            await store.log.append(
                Draft(
                    channel_id=channel_ids[sender % 8],
                    kind=EntryKind.MESSAGE,
                    sender_id=f"user {sender}",
                    text=TEXT,
                    key=str(number),
                )
            )
            times.append(time.perf_counter() - began)
            number += 1

    await asyncio.gather(*(send(sender) for sender in range(SENDERS)))
    return len(times) / SECONDS, sorted(times)


async def pages(store: SqliteStore) -> list[float]:
    """Seconds for a page of 50 at 200 random places of a channel of a million messages."""
    channel_id = await add_channel(store, "long")
    for start in range(0, LONG, 10_000):
        drafts = (
            Draft(
                channel_id=channel_id, kind=EntryKind.MESSAGE, sender_id="u", text=f"{TEXT} {start + number}"
            )
            for number in range(10_000)
        )
        await asyncio.gather(*map(store.log.append, drafts))
    times = []
    for _ in range(200):
        before = random.randrange(51, LONG)
        began = time.perf_counter()
        entries, _ = await store.log.read_before(channel_id, before=before, limit=50)
        times.append(time.perf_counter() - began)
        assert [entry.seq for entry in entries] == list(range(before - 50, before))
    return sorted(times)


async def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as root:
        store = await SqliteStore.open(Path(root))
        rate, acks = await appends(store)
        reads = await pages(store)
        await store.close()
    table = Table("SQLite", "measured", "budget")
    table.add_row(f"durable appends, {SENDERS} senders", f"{rate:,.0f} /s", "10,000 /s")
    table.add_row("acknowledgement, median", f"{statistics.median(acks) * 1000:.1f} ms", "")
    table.add_row("acknowledgement, p99", f"{acks[int(len(acks) * 0.99)] * 1000:.1f} ms", "50 ms")
    table.add_row("page of 50 of 1,000,000, median", f"{statistics.median(reads) * 1000:.2f} ms", "5 ms")
    table.add_row("page of 50 of 1,000,000, slowest of 200", f"{reads[-1] * 1000:.2f} ms", "")
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main())
