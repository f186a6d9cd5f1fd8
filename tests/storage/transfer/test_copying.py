"""Copies between the stores, whole and cut short."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pymongo import MongoClient

from chirpbird.chat.entities import ChannelKind, Draft, EntryKind, Mute, ReadMark, RefreshToken, Unread
from chirpbird.chat.errors import ChatError, CopyFailed, StoreCannotOpen
from chirpbird.chat.ports import Store, Wanted
from chirpbird.storage import open_store
from chirpbird.storage.transfer import Section, copy, copying, open_source, open_target
from chirpbird.storage.transfer.rows import Key, Row, Source, Target
from chirpbird.storage.transfer.sqlite import TABLES
from tests.support.store_things import add_channel, add_user, message, moving


class _Nobody:
    """Watches nothing."""

    def begin(self, what: str, done: int, total: int) -> None:
        assert 0 <= done <= total

    def advance(self, rows: int) -> None:
        assert rows > 0


class _Dying:
    """A target that dies after some writes, in the midst of the last one."""

    def __init__(self, target: Target, writes: int) -> None:
        self._target = target
        self._writes = writes

    async def count(self, section: Section) -> int:
        return await self._target.count(section)

    async def rows(self, section: Section, *, after: Key | None, limit: int) -> list[Row]:
        return await self._target.rows(section, after=after, limit=limit)

    async def last(self, section: Section) -> Key | None:
        return await self._target.last(section)

    async def write(self, section: Section, rows: Sequence[Row]) -> None:
        self._writes -= 1
        if self._writes < 0:
            await self._target.write(section, rows[: len(rows) // 2])
            raise ConnectionError("died")
        await self._target.write(section, rows)

    async def finish(self) -> None:
        if self._writes == 0:
            raise ConnectionError("died")
        await self._target.finish()

    async def close(self) -> None:
        await self._target.close()


async def _fill(store: Store) -> None:
    for name in ("ann", "Bob", "cid"):
        await add_user(store, name, f"{name} of the Birds 🐦")
    await store.users.set_password("U-cid", "other", now=9)
    for kind in ChannelKind:
        channel = await add_channel(store, f"a {kind}", ["U-ann", "U-Bob"], kind)
        for number in range(7):
            await store.log.append(
                message(channel, f"said {number} \u0000 'ß'", key=f"{number}" * (number % 2))
            )
        if kind is not ChannelKind.DIRECT:
            await store.log.append(moving(channel, EntryKind.JOINED, "U-cid"))
            await store.log.append(moving(channel, EntryKind.LEFT, "U-Bob"))
            await store.log.append(
                Draft(channel_id=channel.id, kind=EntryKind.TOPIC, sender_id="U-ann", text="birds")
            )
        said = Draft(
            channel_id=channel.id,
            kind=EntryKind.MESSAGE,
            sender_id="U-ann",
            text="@Bob",
            target=2,
            mentions=("U-Bob", "*"),
        )
        await store.log.append(said)
        for changing, text in ((EntryKind.REACTED, "👋"), (EntryKind.EDITED, "heard")):
            await store.log.append(replace(said, kind=changing, text=text, mentions=("U-ann",)))
        await store.log.append(replace(said, kind=EntryKind.DELETED, text="", target=5, mentions=()))
        await store.reading.mark([ReadMark(channel_id=channel.id, user_id="U-ann", seq=4)])
        await store.reading.set_mute(channel.id, "U-ann", Mute.MENTIONS, 77)
    await store.users.seen({"U-ann": 5})
    for number in range(3):
        token = RefreshToken(
            digest=bytes([number]) * 32, family="F", user_id="U-ann", created_at=1, expires_at=10**15
        )
        await store.sign_ins.add(token)
    await store.sign_ins.rotate(bytes(32), token_like(b"r"), now=5, grace_ms=10)


def token_like(byte: bytes) -> RefreshToken:
    return RefreshToken(digest=byte * 32, family="?", user_id="?", created_at=2, expires_at=10**15)


async def _everything(address: str) -> dict[Section, list[Row]]:
    source = await open_source(address)
    rows = {section: await source.rows(section, after=None, limit=1000) for section in Section}
    await source.close()
    return rows


async def _copy(source: str, target: str) -> dict[Section, int]:
    origin: Source = await open_source(source)
    try:
        destination = await open_target(target, "a source")
        try:
            return await copy(origin, destination, _Nobody())
        finally:
            await destination.close()
    finally:
        await origin.close()


@pytest.fixture
async def sqlite_address(tmp_path: Path) -> str:
    store = await open_store(tmp_path / "data")
    await _fill(store)
    await store.close()
    return f"sqlite:{tmp_path / 'data'}"


async def test_there_and_back_again_it_is_the_same_store(
    sqlite_address: str, mongo_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH", 3)
    counts = await _copy(sqlite_address, mongo_uri)
    back = f"sqlite:{tmp_path / 'back'}"
    assert await _copy(mongo_uri, back) == counts
    first = await _everything(sqlite_address)
    assert {section: len(rows) for section, rows in first.items()} == counts
    assert all(first.values())
    assert await _everything(mongo_uri) == first
    assert await _everything(back) == first


@pytest.mark.parametrize("kind", ["sqlite", "mongodb"])
async def test_the_copy_goes_on_like_its_source(
    kind: str, sqlite_address: str, mongo_uri: str, tmp_path: Path
) -> None:
    await _copy(sqlite_address, mongo_uri)
    if kind == "sqlite":
        await _copy(mongo_uri, f"sqlite:{tmp_path / 'back'}")
    store = await open_store(tmp_path / "back", mongo_uri if kind == "mongodb" else None)
    [found] = await store.users.search("birds", limit=1)
    assert found.username == "ann"
    channel = await store.channels.public_by_name("A PUBLIC")
    assert channel is not None
    assert await store.channels.members(channel.id, limit=10) == ["U-ann", "U-cid"]
    top = await store.log.top(channel.id)
    [unread] = await store.reading.unread([ReadMark(channel_id=channel.id, user_id="U-ann", seq=4)])
    assert unread == Unread(4, 1)
    for term, seqs in {"heard": [2], "3": [], "4": [6]}.items():  # 2 was edited, 5 deleted
        found_by = Wanted(channel_ids=(channel.id,), terms=(term,))
        assert [one.seq for one in await store.search.find(found_by, before=None, limit=9)] == seqs
    first = await store.log.append(message(channel, "again", key="1"))
    assert (first.seq, first.text) == (3, "said 1 \u0000 'ß'")
    assert (await store.log.append(message(channel, "new"))).seq == top.seq + 1
    assert await store.channels.direct_between("U-Bob", "U-ann") is not None
    assert await store.sign_ins.rotate(b"r" * 32, token_like(b"s"), now=6, grace_ms=1) is not None
    await store.close()


@pytest.mark.parametrize("kind", ["sqlite", "mongodb"])
async def test_a_copy_that_died_anywhere_goes_on(
    kind: str, sqlite_address: str, mongo_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH", 4)
    target = mongo_uri if kind == "mongodb" else f"sqlite:{tmp_path / 'copy'}"
    deaths = 0
    for writes in (0, 1, 0, 2, 3, 1, 2, 100):
        origin = await open_source(sqlite_address)
        destination = await open_target(target, origin.name)
        try:
            await copy(origin, _Dying(destination, writes), _Nobody())
        except ConnectionError:
            deaths += 1
            await destination.close()
            await _must_not_serve(kind, mongo_uri, tmp_path)
        else:
            break
        finally:
            await origin.close()
    await destination.close()
    assert deaths == 7
    assert await _everything(target) == await _everything(sqlite_address)


async def _must_not_serve(kind: str, mongo_uri: str, tmp_path: Path) -> None:
    if kind == "mongodb":
        with pytest.raises(
            StoreCannotOpen, match=r"unfinished copy of sqlite:.*finish it with chirpbird migrate"
        ):
            await open_store(tmp_path, mongo_uri)
    else:
        assert not (tmp_path / "copy" / "chirpbird.db").exists()


async def test_what_is_not_empty_is_left_alone(sqlite_address: str, mongo_uri: str, tmp_path: Path) -> None:
    store = await open_store(tmp_path, mongo_uri)
    await store.close()
    await _copy(sqlite_address, mongo_uri)
    with pytest.raises(StoreCannotOpen, match=r"is not empty \(it has users\)"):
        await _copy(sqlite_address, mongo_uri)
    with pytest.raises(StoreCannotOpen, match=r"chirpbird.db exists; choose an empty directory"):
        await _copy(mongo_uri, sqlite_address)


@pytest.mark.parametrize("kind", ["sqlite", "mongodb"])
async def test_the_copy_of_another_source_is_left_alone(kind: str, mongo_uri: str, tmp_path: Path) -> None:
    target = mongo_uri if kind == "mongodb" else f"sqlite:{tmp_path / 'copy'}"
    await (await open_target(target, "one")).close()
    await (await open_target(target, "one")).close()
    with pytest.raises(StoreCannotOpen, match="unfinished copy of one; finish that one, or"):
        await open_target(target, "two")


async def test_a_source_that_changes_meanwhile_is_noticed(sqlite_address: str, mongo_uri: str) -> None:
    class Changing(_Nobody):
        def begin(self, what: str, done: int, total: int) -> None:
            if what == "compare users":
                with MongoClient[dict[str, Any]](mongo_uri) as client:
                    client.get_default_database().entries.update_one(
                        {"text": {"$exists": True}}, {"$set": {"text": "another"}}
                    )

    origin = await open_source(sqlite_address)
    target = await open_target(mongo_uri, origin.name)
    with pytest.raises(CopyFailed, match=r"entries differ: the source has .* rows with hash"):
        await copy(origin, target, Changing())
    await origin.close()
    await target.close()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("data", "sqlite:DIRECTORY or mongodb://… is expected"),
        ("sqlite:", "sqlite:DIRECTORY or mongodb://… is expected"),
        ("postgres://ann:secret@host/", "found an address of the kind 'postgres'"),
        ("sqlite:/nowhere/at/all", "does not exist"),
    ],
)
async def test_an_address_that_is_none(address: str, words: str) -> None:
    with pytest.raises(ChatError) as caught:
        await open_source(address)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_every_table_is_copied(sqlite_address: str) -> None:
    """Who adds a table says here that it is copied, or that it need not be."""
    with sqlite3.connect(Path(sqlite_address.removeprefix("sqlite:")) / "chirpbird.db") as connection:
        tables = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        }
    connection.close()
    index = {
        name for name in tables if name == "search" or name.startswith("search_")
    }  # made anew from the entries
    assert tables - {"probes"} - index == {table for named in TABLES.values() for table in named}
