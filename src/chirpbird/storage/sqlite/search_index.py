"""The index of what was said: written with the entry, in its transaction."""

from __future__ import annotations

import sqlite3

from chirpbird.chat.entities import Entry, EntryKind
from chirpbird.chat.search_terms import index_terms

__all__ = ["SEQ_BITS", "index_entry", "index_log"]

SEQ_BITS = 40
"""Of a row's number; those above are its channel's."""
_INSERT = "INSERT INTO search (rowid, terms, sender) VALUES (?, ?, ?)"
_MESSAGES = "SELECT channel, seq, text, sender_id FROM entries WHERE kind = 'message'"
_DELETE = "INSERT INTO search (search, rowid, terms, sender) VALUES ('delete', ?, ?, ?)"
"""FTS5 keeps no copy of what it indexed, and has to be told it to forget it."""
_MESSAGE = "SELECT text, sender_id FROM entries WHERE channel = ? AND seq = ?"
_LAST_EDIT = """
    SELECT text FROM entries INDEXED BY entry_changes
    WHERE channel = ? AND target = ? AND target <> 0 AND kind <> 'message' AND kind = 'edited' AND seq < ?
    ORDER BY seq DESC LIMIT 1
"""
_AT_ONCE = 10_000


def index_entry(connection: sqlite3.Connection, number: int, entry: Entry) -> None:
    """Have messages of the channel with this number found by what they say once this entry is in the log: a MESSAGE by what it
    says, one that is EDITED by that, one that is DELETED by nothing. To be done before a deletion empties them.
    """
    if entry.kind is EntryKind.MESSAGE:
        if not entry.is_emptied:
            connection.execute(_INSERT, _row(number, entry.seq, entry.text, entry.sender_id))
    elif entry.kind in (EntryKind.EDITED, EntryKind.DELETED):
        text, sender_id = connection.execute(_MESSAGE, (number, entry.target)).fetchone()
        if not text:
            return  # A copy of a log, in which it was deleted.
        edit = connection.execute(_LAST_EDIT, (number, entry.target, entry.seq)).fetchone()
        connection.execute(_DELETE, _row(number, entry.target, edit[0] if edit else text, sender_id))
        if entry.kind is EntryKind.EDITED:
            connection.execute(_INSERT, _row(number, entry.target, entry.text, sender_id))


def index_log(connection: sqlite3.Connection) -> None:
    """All that was said before there was an index."""
    cursor = connection.execute(_MESSAGES)
    while rows := cursor.fetchmany(_AT_ONCE):
        connection.executemany(_INSERT, [_row(*row) for row in rows])


def _row(number: int, seq: int, text: str, sender_id: str) -> tuple[int, str, str]:
    return number << SEQ_BITS | seq, " ".join(index_terms(text)), sender_id
