from __future__ import annotations

import sqlite3
from pathlib import Path

from chirpbird.chat.ports import Wanted
from chirpbird.storage.sqlite import SqliteStore
from tests.support.store_things import add_channel, message


async def test_what_was_said_before_there_was_an_index_is_found(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path)
    channel = await add_channel(store, "old", ["U-ann"])
    entry = await store.log.append(message(channel, "birds of old"))
    await store.close()
    with sqlite3.connect(tmp_path / "chirpbird.db") as connection:
        connection.executescript("DROP TABLE search; PRAGMA user_version = 1")
    connection.close()
    store = await SqliteStore.open(tmp_path)
    try:
        wanted = Wanted(channel_ids=(channel.id,), terms=("birds",))
        assert await store.search.find(wanted, before=None, limit=5) == [entry]
    finally:
        await store.close()
