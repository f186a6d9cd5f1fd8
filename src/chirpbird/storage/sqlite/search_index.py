"""The index of what was said: written with the entry, in its transaction."""

from __future__ import annotations

import sqlite3

from chirpbird.chat.entities import Entry
from chirpbird.chat.search_terms import index_terms

__all__ = ["SEQ_BITS", "index_entry", "index_log"]

SEQ_BITS = 40
"""Of a row's number; those above are its channel's."""
_INSERT = "INSERT INTO search (rowid, terms, sender) VALUES (?, ?, ?)"
_MESSAGES = "SELECT channel, seq, text, sender_id FROM entries WHERE kind = 'message'"
_AT_ONCE = 10_000


def index_entry(connection: sqlite3.Connection, number: int, entry: Entry) -> None:
    """Make a MESSAGE entry of the channel with this number one that can be found."""
    connection.execute(_INSERT, _row(number, entry.seq, entry.text, entry.sender_id))


def index_log(connection: sqlite3.Connection) -> None:
    """All that was said before there was an index."""
    cursor = connection.execute(_MESSAGES)
    while rows := cursor.fetchmany(_AT_ONCE):
        connection.executemany(_INSERT, [_row(*row) for row in rows])


def _row(number: int, seq: int, text: str, sender_id: str) -> tuple[int, str, str]:
    return number << SEQ_BITS | seq, " ".join(index_terms(text)), sender_id
