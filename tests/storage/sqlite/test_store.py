"""What only a database on a disk can go through."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from chirpbird.chat.entities import Role
from chirpbird.chat.errors import StoreCannotOpen, StoreFull, StoreUnavailable
from chirpbird.chat.ports import Wanted
from chirpbird.storage.sqlite import SqliteStore
from chirpbird.storage.sqlite.schema import APPLICATION_ID
from chirpbird.storage.sqlite.store import DATABASE
from tests.support.store_things import add_channel, add_user, message

WRITER = """
import asyncio, sys
from pathlib import Path
from chirpbird.storage.sqlite import SqliteStore
from tests.support.store_things import add_channel, message

async def main():
    store = await SqliteStore.open(Path(sys.argv[1]))
    channel = await add_channel(store, "log", ["U-ann"])
    async def send(worker):
        number = 0
        while True:
            entry = await store.log.append(message(channel, f"{worker} {number}", key=f"{worker}-{number}"))
            print(entry.seq, entry.text, flush=True)
            number += 1
    await asyncio.gather(*(send(worker) for worker in range(16)))

asyncio.run(main())
"""


async def test_what_was_acknowledged_before_a_kill_is_there(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WRITER, str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(2000)]
    process.send_signal(signal.SIGKILL)
    lines += (await process.stdout.read()).splitlines(keepends=True)
    assert await process.wait() == -signal.SIGKILL
    acknowledged = dict(line.decode().strip().split(" ", 1) for line in lines if line.endswith(b"\n"))
    assert len(acknowledged) >= 2000

    store = await SqliteStore.open(tmp_path)
    entries, top = await store.log.read("C-log-private", after=0, limit=1_000_000)
    assert [entry.seq for entry in entries] == list(range(1, top.seq + 1))
    kept = {str(entry.seq): entry.text for entry in entries}
    assert acknowledged.items() <= kept.items()
    await store.close()


async def test_a_full_disk_stops_writing_not_reading_and_ends_when_there_is_room(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path)
    channel = await add_channel(store, "full", ["U-ann"])
    connection = store._writer._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    outcomes = await asyncio.gather(
        *(store.log.append(message(channel, "x" * 8000)) for _ in range(20)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert refused
    assert all(isinstance(error, StoreFull) for error in refused)
    with pytest.raises(StoreFull, match="disk is full"):
        await store.log.append(message(channel, "x" * 8000))
    kept, top = await store.log.read(channel.id, after=0, limit=100)
    assert [entry.seq for entry in kept] == list(range(1, top.seq + 1))

    connection.execute("PRAGMA max_page_count = 1000000")
    assert (await store.log.append(message(channel, "room again"))).seq == top.seq + 1
    await store.close()


async def test_one_operation_that_fails_harms_no_other_of_its_group(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path)
    channel = await add_channel(store, "group", ["U-ann"])

    def broken(transaction: object) -> None:
        raise sqlite3.OperationalError("made to fail")

    before = [store.log.append(message(channel, "before")) for _ in range(3)]
    failing = store._writer.submit(broken)
    after = [store.log.append(message(channel, "after")) for _ in range(3)]
    assert [(await future).seq for future in before + after] == [2, 3, 4, 5, 6, 7]
    with pytest.raises(StoreUnavailable):
        await failing
    await store.close()


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path)
    channel = await add_channel(store, "closed", ["U-ann"])
    accepted = store.log.append(message(channel, "accepted"))
    await store.close()
    assert (await accepted).seq == 2
    with pytest.raises(StoreUnavailable, match="shutting down"):
        await store.log.append(message(channel, "late"))
    with pytest.raises(StoreUnavailable, match="shutting down"):
        await store.channels.by_id(channel.id)


async def test_a_reopened_store_goes_on_where_it_was(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path)
    ann = await add_user(store, "ann")
    channel = await add_channel(store, "again", ["U-ann"])
    first = await store.log.append(message(channel, "one", key="k"))
    await store.close()
    store = await SqliteStore.open(tmp_path)
    assert await store.users.by_username("ann") == ann
    assert await store.log.append(message(channel, "one", key="k")) == first
    assert (await store.log.append(message(channel, "two"))).seq == 3
    await store.close()


async def test_a_second_server_is_kept_out(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path)
    with pytest.raises(StoreCannotOpen, match="used by another chirpbird"):
        await SqliteStore.open(tmp_path)
    await store.close()
    await (await SqliteStore.open(tmp_path)).close()


async def test_newer_data_is_left_alone(tmp_path: Path) -> None:
    await (await SqliteStore.open(tmp_path)).close()
    with sqlite3.connect(tmp_path / DATABASE) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StoreCannotOpen, match=r"newer version \(its schema is 999, this program knows 3\)"):
        await SqliteStore.open(tmp_path)


async def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / DATABASE) as connection:
        connection.execute("CREATE TABLE theirs (id)")
    connection.close()
    with pytest.raises(StoreCannotOpen, match="another program"):
        await SqliteStore.open(tmp_path)


async def test_a_damaged_file_is_left_alone(tmp_path: Path) -> None:
    damaged = b"this is no database" * 100
    (tmp_path / DATABASE).write_bytes(damaged)
    with pytest.raises(StoreCannotOpen, match="is not a database, or is damaged"):
        await SqliteStore.open(tmp_path)
    assert (tmp_path / DATABASE).read_bytes() == damaged


async def test_a_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreCannotOpen, match="cannot use the data directory"):
        await SqliteStore.open(tmp_path / "file" / "data")


async def test_what_an_older_version_left_is_read_owned_and_found(tmp_path: Path) -> None:
    """As 0001.sql has it: a group whose creator is in it, one whose creator left, and a pair."""
    script = files("chirpbird.storage.sqlite.schema").joinpath("0001.sql").read_text("utf-8")
    with sqlite3.connect(tmp_path / DATABASE) as connection:
        connection.executescript(
            f"{script}; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;"
        )
        for number, (name, kind) in enumerate([("one", "private"), ("two", "public"), ("three", "direct")]):
            connection.execute(
                "INSERT INTO channels VALUES (?, ?, ?, ?, ?, NULL, 'U-bob', 'e', 1, 1, 2)",
                (number, f"C-{name}", kind, name, name),
            )
            for seq, text in enumerate(["", "hi", "hey"], start=1):
                kind = "message" if text else "created"
                entry = (number, seq, kind, "U-bob", "", text, "", seq, seq - 1)
                connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", entry)
            people = ("U-bob", "U-cid") if name != "two" else ("U-ann", "U-cid")
            connection.executemany("INSERT INTO members VALUES (?, ?)", [(number, one) for one in people])
    connection.close()
    store = await SqliteStore.open(tmp_path)
    for channel_id, owner in (("C-one", "U-bob"), ("C-two", "U-ann"), ("C-three", None)):
        found = await store.channels.memberships(channel_id, ["U-ann", "U-bob", "U-cid"])
        assert [user for user, one in found.items() if one.role is Role.OWNER] == [owner] * (
            owner is not None
        )
        assert {one.read_seq for one in found.values()} == {3}
    entries, _ = await store.log.read("C-one", after=1, limit=5)
    assert [(entry.text, entry.target, entry.mentions) for entry in entries] == [
        ("hi", 0, ()),
        ("hey", 0, ()),
    ]
    wanted = Wanted(channel_ids=("C-one",), terms=("hey",))
    assert await store.search.find(wanted, before=None, limit=5) == [entries[-1]]
    await store.close()
