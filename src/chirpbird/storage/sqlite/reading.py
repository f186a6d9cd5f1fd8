"""Who has read what, in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from chirpbird.chat.entities import EVERYBODY, Membership, Mute, ReadMark, Role, Unread
from chirpbird.chat.errors import NotFound
from chirpbird.storage.sqlite.readers import Readers
from chirpbird.storage.sqlite.writer import Transaction, Writer

__all__ = ["MEMBERSHIP_COLUMNS", "SqliteReading", "membership_of"]

MEMBERSHIP_COLUMNS = "c.id, m.user_id, m.role, m.since, m.read_seq, m.mute, m.muted_until"
_OF_USER = (
    f"SELECT {MEMBERSHIP_COLUMNS} FROM members m JOIN channels c ON c.number = m.channel WHERE m.user_id = ?"  # noqa: S608
)
_POSITIONS = """
    SELECT m.user_id, m.read_seq FROM members m JOIN channels c ON c.number = m.channel WHERE c.id = ?
"""
_MARK = """
    UPDATE members SET read_seq = CASE WHEN :back THEN :seq ELSE max(read_seq, :seq) END
    WHERE channel = (SELECT number FROM channels WHERE id = :channel_id) AND user_id = :user_id
"""
_MUTE = """
    UPDATE members SET mute = ?, muted_until = ?
    WHERE channel = (SELECT number FROM channels WHERE id = ?) AND user_id = ?
"""
_MESSAGES_BEHIND = """
    SELECT
        (SELECT message_number FROM entries WHERE channel = :number ORDER BY seq DESC LIMIT 1)
        - coalesce((SELECT message_number FROM entries WHERE channel = :number AND seq <= :seq ORDER BY seq DESC LIMIT 1), 0)
"""
_DELETED_BEHIND = """
    SELECT count(*) FROM entries WHERE channel = :number AND target > :seq AND kind = 'deleted'
"""
_MENTIONS_BEHIND = """
    SELECT count(DISTINCT seq) FROM mentions WHERE user_id IN (:user_id, :everybody) AND channel = :number AND seq > :seq
"""


class SqliteReading:
    """``chat.ports.Reading``."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer = writer
        self._readers = readers

    async def of_user(self, user_id: str) -> dict[str, Membership]:
        found = await self._readers.read(
            lambda connection: list(map(membership_of, connection.execute(_OF_USER, (user_id,))))
        )
        return {membership.channel_id: membership for membership in found}

    async def mark(self, marks: Sequence[ReadMark]) -> None:
        rows = [
            {"channel_id": mark.channel_id, "user_id": mark.user_id, "seq": mark.seq, "back": mark.back}
            for mark in marks
        ]

        def change(transaction: Transaction) -> None:
            transaction.connection.executemany(_MARK, rows)

        await self._writer.submit(change)

    async def unread(self, marks: Sequence[ReadMark]) -> list[Unread]:
        return await self._readers.read(lambda connection: [_unread(connection, mark) for mark in marks])

    async def positions(self, channel_id: str) -> dict[str, int]:
        return await self._readers.read(
            lambda connection: dict(connection.execute(_POSITIONS, (channel_id,)).fetchall())
        )

    async def set_mute(self, channel_id: str, user_id: str, mute: Mute, until: int) -> None:
        def change(transaction: Transaction) -> None:
            changed = transaction.execute(_MUTE, (mute.value, until, channel_id, user_id))
            if changed.rowcount == 0:
                raise NotFound("no such member")

        await self._writer.submit(change)


def membership_of(row: Sequence[Any]) -> Membership:
    """A membership from its ``MEMBERSHIP_COLUMNS``."""
    channel_id, user_id, role, since, read_seq, mute, muted_until = row
    return Membership(
        channel_id=channel_id,
        user_id=user_id,
        role=Role(role),
        since=since,
        read_seq=read_seq,
        mute=Mute(mute),
        muted_until=muted_until,
    )


def _unread(connection: sqlite3.Connection, mark: ReadMark) -> Unread:
    found = connection.execute("SELECT number FROM channels WHERE id = ?", (mark.channel_id,)).fetchone()
    if found is None:
        return Unread(0, 0)
    given = {"number": found[0], "seq": mark.seq, "user_id": mark.user_id, "everybody": EVERYBODY}
    (messages,) = connection.execute(_MESSAGES_BEHIND, given).fetchone()
    if not messages:
        return Unread(0, 0)
    (deleted,) = connection.execute(_DELETED_BEHIND, given).fetchone()
    (mentions,) = connection.execute(_MENTIONS_BEHIND, given).fetchone()
    return Unread(messages - deleted, mentions)
