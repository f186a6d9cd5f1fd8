"""Majority appends and history pages of the MongoDB store, beside the design's budgets.

python benchmarks/store_mongodb.py [URI of a replica set; without one, three members are started here]
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from chirpbird.chat.entities import Channel, ChannelKind, Draft, EntryKind
from chirpbird.storage.mongodb import MongoStore
from chirpbird.storage.mongodb.connection import Mongo
from chirpbird.storage.mongodb.documents import entry_document
from chirpbird.storage.mongodb.opening import connect

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.support.mongod import ReplicaSet, mongod_binary

SENDERS = 256
SECONDS = 5.0
LONG = 1_000_000
MANY = 200
TEXT = "x" * 128


async def add_channel(store: MongoStore, name: str, user: str = "u") -> str:
    """A private channel of one member."""
    channel = Channel(
        id=name, kind=ChannelKind.PRIVATE, name=name, creator_id=user, epoch="e", created_at=0, updated_at=0
    )
    await store.channels.create(
        channel, Draft(channel_id=name, kind=EntryKind.CREATED, sender_id=user, members=(user,))
    )
    return channel.id


def message(channel_id: str, sender: int, number: int) -> Draft:
    """What a client sends."""
    return Draft(
        channel_id=channel_id,
        kind=EntryKind.MESSAGE,
        sender_id=f"user {sender}",
        text=TEXT,
        key=f"{sender} {number}",
    )


async def appends(stores: list[MongoStore], channel_ids: list[str]) -> tuple[float, list[float]]:
    """Each sender waits for its acknowledgement before it sends again; (messages a second, seconds to each ack)."""
    times: list[float] = []
    ends = time.perf_counter() + SECONDS
    first = time.time_ns()

    async def send(sender: int) -> None:
        number = first
        store = stores[sender % len(stores)]
        while (began := time.perf_counter()) < ends:
            await store.log.append(message(channel_ids[sender % len(channel_ids)], sender, number))
            times.append(time.perf_counter() - began)
            number += 1

    await asyncio.gather(*(send(sender) for sender in range(SENDERS)))
    return len(times) / SECONDS, sorted(times)


async def pages(store: MongoStore, mongo: Mongo) -> list[float]:
    """Seconds for a page of 50 at 200 random places of a channel of a million messages."""
    channel_id = await add_channel(store, "long")
    created = (await store.log.read(channel_id, after=0, limit=1))[0][0]
    document = entry_document(created) | {"kind": "message", "text": TEXT}
    del document["members"]
    for start in range(2, LONG, 10_000):
        batch = [
            document | {"_id": {"channel": channel_id, "seq": seq}, "message_number": seq - 1}
            for seq in range(start, start + 10_000)
        ]
        await mongo.entries.insert_many(batch)
    times = []
    for _ in range(200):
        before = random.randrange(51, LONG)
        began = time.perf_counter()
        entries, _ = await store.log.read_before(channel_id, before=before, limit=50)
        times.append(time.perf_counter() - began)
        assert [entry.seq for entry in entries] == list(range(before - 50, before))
    return sorted(times)


async def states(store: MongoStore) -> float:
    """Seconds for what a person who is in 200 channels gets when connecting."""
    for number in range(MANY):
        channel_id = await add_channel(store, f"many {number}", "busy")
        await store.log.append(message(channel_id, 0, number))
    times = []
    for _ in range(20):
        began = time.perf_counter()
        rows = await store.channels.of_user("busy")
        times.append(time.perf_counter() - began)
        assert len(rows) == MANY
    return statistics.median(times)


async def measure(uri: str) -> Table:
    """All figures, in a fresh database."""
    stores = [await MongoStore.open(uri) for _ in range(3)]
    mongo, _ = await connect(uri)
    eight = [await add_channel(stores[0], f"channel {number}") for number in range(8)]
    own = [await add_channel(stores[0], f"own {number}") for number in range(SENDERS)]
    rate, acks = await appends(stores[:1], eight)
    own_rate, own_acks = await appends(stores[:1], own)
    fought_rate, fought_acks = await appends(stores, eight[:1])
    state = await states(stores[0])
    reads = await pages(stores[0], mongo)
    for store in stores:
        await store.close()
    await mongo.close()
    table = Table("MongoDB, three members", "measured", "budget")
    for what, figure, times, budget in (
        ("8 channels", rate, acks, "5,000 /s"),
        (f"{SENDERS} channels", own_rate, own_acks, ""),
        ("1 channel, 3 nodes fight for it", fought_rate, fought_acks, ""),
    ):
        table.add_row(f"majority appends, {SENDERS} senders, {what}", f"{figure:,.0f} /s", budget)
        table.add_row("  acknowledgement, median", f"{statistics.median(times) * 1000:.1f} ms", "")
        table.add_row("  acknowledgement, p99", f"{times[int(len(times) * 0.99)] * 1000:.1f} ms", "")
    table.add_row("page of 50 of 1,000,000, median", f"{statistics.median(reads) * 1000:.2f} ms", "5 ms")
    table.add_row("page of 50 of 1,000,000, slowest of 200", f"{reads[-1] * 1000:.2f} ms", "")
    table.add_row(f"state of a person in {MANY} channels", f"{state * 1000:.1f} ms", "")
    return table


def main() -> None:
    """Print the table."""
    if len(sys.argv) > 1:
        table = uvloop.run(measure(sys.argv[1]))
    else:
        try:
            mongod_binary()
        except FileNotFoundError as error:
            raise SystemExit(f"not measured: {error}, or give the URI of a replica set") from None
        with ReplicaSet(Path(tempfile.mkdtemp()), members=3) as servers:
            table = uvloop.run(measure(servers.uri("benchmark")))
    Console().print(table)


if __name__ == "__main__":
    main()
