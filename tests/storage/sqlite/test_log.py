"""What is asked of the log for each page is a range of an index, however long the log is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from chirpbird.storage.sqlite import SqliteStore, log, projecting
from chirpbird.storage.sqlite.store import DATABASE


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (log._CHANGES, "entry_changes (channel=? AND target=?)"),
        (log._EVER_PINNED, "entry_pins (channel=?)"),
        (log._ROWS_BEFORE, "PRIMARY KEY (channel=? AND seq<?)"),
        (log._ROWS_AFTER, "PRIMARY KEY (channel=? AND seq>?)"),
        (projecting._CHANGES_OF, "entry_changes (channel=? AND target=?)"),
        (projecting._EMPTY_EDITS, "entry_changes (channel=? AND target=?)"),
    ],
)
async def test_what_is_looked_up_is_a_range(tmp_path: Path, statement: str, index: str) -> None:
    await (await SqliteStore.open(tmp_path)).close()
    connection = sqlite3.connect(tmp_path / DATABASE)
    given = (1,) * statement.count("?")
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", given)]
    connection.close()
    assert len(plan) == 1
    assert plan[0].endswith(index)
