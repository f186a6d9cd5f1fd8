"""Finding what was said in SQLite, by FTS5: one walk down the matches of each channel, newest first."""

from __future__ import annotations

import heapq
import json
import sqlite3

from chirpbird.chat.entities import Entry
from chirpbird.chat.ports import Place, Wanted
from chirpbird.storage.sqlite.log import ENTRY_COLUMNS, entry_of
from chirpbird.storage.sqlite.readers import Readers
from chirpbird.storage.sqlite.search_index import SEQ_BITS

__all__ = ["SqliteSearch"]

_NUMBERS = "SELECT c.id, c.number FROM json_each(?) asked JOIN channels c ON c.id = asked.value"
_FIND = f"""
    SELECT {ENTRY_COLUMNS}
    FROM search s JOIN entries e ON e.channel = :number AND e.seq = s.rowid - :first
    WHERE s.search MATCH :match AND s.rowid BETWEEN :first AND :last
      AND (e.created_at, :channel, e.seq) < (:created_at, :before_channel, :before_seq)
      AND e.created_at >= :after AND e.created_at < :before
    ORDER BY s.rowid DESC LIMIT :limit
"""  # noqa: S608
_LATEST = Place(2**62, "", 0)
_EVER = 2**62


class SqliteSearch:
    """``chat.ports.Search``."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def find(self, wanted: Wanted, *, before: Place | None, limit: int) -> list[Entry]:
        return await self._readers.read(
            lambda connection: _find(connection, wanted, before or _LATEST, limit)
        )


def _find(connection: sqlite3.Connection, wanted: Wanted, place: Place, limit: int) -> list[Entry]:
    asked = json.dumps(wanted.channel_ids)
    found: list[Entry] = []
    for channel_id, number in connection.execute(_NUMBERS, (asked,)).fetchall():
        bounds = {
            "number": number,
            "first": number << SEQ_BITS,
            "last": ((number + 1) << SEQ_BITS) - 1,
            "match": _match(wanted),
            "channel": channel_id,
            "created_at": place.created_at,
            "before_channel": place.channel_id,
            "before_seq": place.seq,
            "after": -_EVER if wanted.after is None else wanted.after,
            "before": _EVER if wanted.before is None else wanted.before,
            "limit": limit,
        }
        found += [entry_of(channel_id, row) for row in connection.execute(_FIND, bounds)]
    return heapq.nlargest(limit, found, key=lambda entry: (entry.created_at, entry.channel_id, entry.seq))


def _match(wanted: Wanted) -> str:
    """In FTS5's language. Terms are letters and digits, ids too: nothing in them ends a string."""
    conditions = [f'terms : "{term}"' for term in wanted.terms]
    if wanted.prefix:
        conditions.append(f'terms : "{wanted.prefix}" *')
    if wanted.sender_id:
        conditions.append(f'sender : "{wanted.sender_id}"')
    return " AND ".join(conditions)
