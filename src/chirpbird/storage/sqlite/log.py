"""The channels' logs in SQLite."""

from __future__ import annotations

import json
import sqlite3
import time
from asyncio import Future
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from chirpbird.chat.entities import Draft, Entry, EntryKind, Position
from chirpbird.chat.errors import NotFound
from chirpbird.chat.ports import CommitListener, EntryId
from chirpbird.storage.sqlite.projecting import changing, project
from chirpbird.storage.sqlite.readers import Readers
from chirpbird.storage.sqlite.writer import Transaction, Writer

__all__ = ["ENTRY_COLUMNS", "SqliteLog", "entry_of"]

MAX_TOPS = 10_000
"""Channels whose top is kept in memory."""

ENTRY_COLUMNS = "e.seq, e.kind, e.sender_id, e.key, e.text, e.members, e.created_at, e.message_number, e.target, e.mentions"
_INSERT = "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_BY_KEY = (
    f"SELECT {ENTRY_COLUMNS} FROM entries e WHERE channel = ? AND sender_id = ? AND key = ? AND key <> ''"  # noqa: S608
)
_BY_SEQ = f"SELECT {ENTRY_COLUMNS} FROM entries e WHERE channel = ? AND seq = ?"  # noqa: S608
_AFTER = f"SELECT {ENTRY_COLUMNS} FROM entries e WHERE channel = ? AND seq > ? ORDER BY seq LIMIT ?"  # noqa: S608
_BEFORE = f"SELECT {ENTRY_COLUMNS} FROM entries e WHERE channel = ? AND seq < ? ORDER BY seq DESC LIMIT ?"  # noqa: S608
_ROW = "kind NOT IN ('edited', 'deleted', 'reacted', 'unreacted', 'pinned', 'unpinned')"
_ROWS_AFTER = _AFTER.replace("ORDER", f"AND {_ROW} ORDER")
_ROWS_BEFORE = _BEFORE.replace("ORDER", f"AND {_ROW} ORDER")
# INDEXED BY: as the log is sorted by seq, SQLite would walk all of it instead.
_CHANGES = f"""
    SELECT {ENTRY_COLUMNS} FROM entries e INDEXED BY entry_changes
    WHERE channel = ? AND target = ? AND target <> 0 AND kind <> 'message' ORDER BY seq
"""  # noqa: S608
_EVER_PINNED = """
    SELECT DISTINCT target FROM entries WHERE channel = ? AND kind = 'pinned' ORDER BY target DESC LIMIT ?
"""
_NUMBER = "SELECT number FROM channels WHERE id = ?"
_TOP = """
    SELECT c.number, c.epoch, coalesce(e.seq, 0), coalesce(e.message_number, 0), coalesce(e.created_at, 0)
    FROM channels c
    LEFT JOIN entries e ON e.channel = c.number AND e.seq = (SELECT max(seq) FROM entries WHERE channel = c.number)
    WHERE c.id = ?
"""
_TOPS = """
    SELECT c.id, c.epoch, (SELECT max(seq) FROM entries WHERE channel = c.number)
    FROM json_each(?) asked JOIN channels c ON c.id = asked.value
"""


class _Top:
    """The last entry of a log, as far as the next one needs it."""

    __slots__ = ("created_at", "messages", "number", "seq")

    def __init__(self, number: int, seq: int, messages: int, created_at: int) -> None:
        self.number = number
        self.seq = seq
        self.messages = messages
        self.created_at = created_at


class SqliteLog:
    """``chat.ports.Log``. Of its state only ``_tops`` belongs to the writer's thread."""

    def __init__(self, readers: Readers, now_ms: Callable[[], int] | None = None) -> None:
        self._readers = readers
        self._now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)
        self._tops: OrderedDict[str, _Top] = OrderedDict()
        self._writer: Writer

    def write_with(self, writer: Writer) -> None:
        """The writer tells the log of rollbacks and the log submits to the writer: so one of them comes second."""
        self._writer = writer

    def forget_tops(self) -> None:
        """A transaction was rolled back: what was remembered of it is wrong. In the writer's thread."""
        self._tops.clear()

    # chat.ports.Log

    def append(self, draft: Draft) -> Future[Entry]:
        return self._writer.submit(lambda transaction: self.append_in(transaction, draft))

    def add_commit_listener(self, listener: CommitListener) -> None:
        self._writer.add_listener(listener)

    async def read(self, channel_id: str, *, after: int, limit: int) -> tuple[list[Entry], Position]:
        return await self._readers.read(
            lambda connection: _page(connection, _AFTER, channel_id, after, limit)
        )

    async def read_before(self, channel_id: str, *, before: int, limit: int) -> tuple[list[Entry], Position]:
        entries, top = await self._readers.read(
            lambda connection: _page(connection, _BEFORE, channel_id, before, limit)
        )
        entries.reverse()
        return entries, top

    async def top(self, channel_id: str) -> Position:
        _, position = await self._readers.read(lambda connection: _find_top(connection, channel_id))
        return position

    async def rows(self, channel_id: str, *, after: int, limit: int) -> tuple[list[Entry], Position]:
        return await self._readers.read(
            lambda connection: _page(connection, _ROWS_AFTER, channel_id, after, limit)
        )

    async def rows_before(self, channel_id: str, *, before: int, limit: int) -> tuple[list[Entry], Position]:
        entries, top = await self._readers.read(
            lambda connection: _page(connection, _ROWS_BEFORE, channel_id, before, limit)
        )
        entries.reverse()
        return entries, top

    async def messages(self, places: Iterable[EntryId]) -> dict[EntryId, Entry]:
        wanted = _by_channel(places)

        def query(connection: sqlite3.Connection) -> dict[EntryId, Entry]:
            found: dict[EntryId, Entry] = {}
            for channel_id, seqs in wanted.items():
                number = _number(connection, channel_id)
                for seq in seqs:
                    row = connection.execute(_BY_SEQ, (number, seq)).fetchone()
                    if row is not None and row[1] == EntryKind.MESSAGE:
                        found[channel_id, seq] = entry_of(channel_id, row)
            return found

        return await self._readers.read(query)

    async def changes(self, places: Iterable[EntryId]) -> dict[EntryId, list[Entry]]:
        wanted = _by_channel(places)

        def query(connection: sqlite3.Connection) -> dict[EntryId, list[Entry]]:
            found: dict[EntryId, list[Entry]] = {}
            for channel_id, targets in wanted.items():
                number = _number(connection, channel_id)
                for target in targets:
                    rows = connection.execute(_CHANGES, (number, target)).fetchall()
                    if rows:
                        found[channel_id, target] = [entry_of(channel_id, row) for row in rows]
            return found

        return await self._readers.read(query)

    async def ever_pinned(self, channel_id: str, *, limit: int) -> list[int]:
        def query(connection: sqlite3.Connection) -> list[int]:
            number = _number(connection, channel_id)
            return [target for (target,) in connection.execute(_EVER_PINNED, (number, limit))]

        return await self._readers.read(query)

    async def tops(self, channel_ids: Sequence[str]) -> dict[str, Position]:
        asked = json.dumps(list(channel_ids))
        rows = await self._readers.read(lambda connection: connection.execute(_TOPS, (asked,)).fetchall())
        return {channel_id: Position(seq or 0, epoch) for channel_id, epoch, seq in rows}

    # In the writer's thread

    def append_in(self, transaction: Transaction, draft: Draft) -> Entry:
        """``append`` as part of a transaction. Errors: as in the future of ``append``."""
        top = self._top(transaction, draft.channel_id)
        if draft.key:
            row = transaction.execute(_BY_KEY, (top.number, draft.sender_id, draft.key)).fetchone()
            if row is not None:
                return entry_of(draft.channel_id, row)
        members = changing(transaction, top.number, draft)
        if members is None:
            return entry_of(draft.channel_id, transaction.execute(_BY_SEQ, (top.number, top.seq)).fetchone())
        entry = Entry(
            channel_id=draft.channel_id,
            seq=top.seq + 1,
            kind=draft.kind,
            sender_id=draft.sender_id,
            key=draft.key,
            text=draft.text,
            members=members,
            created_at=max(self._now_ms(), top.created_at),
            message_number=top.messages + (draft.kind is EntryKind.MESSAGE),
            target=draft.target,
            mentions=draft.mentions,
        )
        transaction.execute(_INSERT, (top.number, *_row_of(entry)))
        project(transaction, top.number, entry)
        top.seq, top.messages, top.created_at = entry.seq, entry.message_number, entry.created_at
        transaction.entries.append(entry)
        return entry

    def _top(self, transaction: Transaction, channel_id: str) -> _Top:
        top = self._tops.get(channel_id)
        if top is not None:
            self._tops.move_to_end(channel_id)
            return top
        row = transaction.execute(_TOP, (channel_id,)).fetchone()
        if row is None:
            raise NotFound("no such channel")
        number, _, seq, messages, created_at = row
        top = self._tops[channel_id] = _Top(number, seq, messages, created_at)
        if len(self._tops) > MAX_TOPS:
            self._tops.popitem(last=False)
        return top


def entry_of(channel_id: str, row: Sequence[Any]) -> Entry:
    """An entry from its ``ENTRY_COLUMNS``."""
    seq, kind, sender_id, key, text, members, created_at, message_number, target, mentions = row
    return Entry(
        channel_id=channel_id,
        seq=seq,
        kind=EntryKind(kind),
        sender_id=sender_id,
        key=key,
        text=text,
        members=tuple(members.split()),
        created_at=created_at,
        message_number=message_number,
        target=target,
        mentions=tuple(mentions.split()),
    )


def _row_of(entry: Entry) -> tuple[Any, ...]:
    return (
        entry.seq,
        entry.kind.value,
        entry.sender_id,
        entry.key,
        entry.text,
        " ".join(entry.members),
        entry.created_at,
        entry.message_number,
        entry.target,
        " ".join(entry.mentions),
    )


def _by_channel(places: Iterable[EntryId]) -> dict[str, list[int]]:
    by_channel: dict[str, list[int]] = {}
    for channel_id, seq in places:
        by_channel.setdefault(channel_id, []).append(seq)
    return by_channel


def _number(connection: sqlite3.Connection, channel_id: str) -> int:
    row = connection.execute(_NUMBER, (channel_id,)).fetchone()
    return -1 if row is None else int(row[0])


def _find_top(connection: sqlite3.Connection, channel_id: str) -> tuple[int, Position]:
    row = connection.execute(_TOP, (channel_id,)).fetchone()
    if row is None:
        raise NotFound("no such channel")
    number, epoch, seq, _, _ = row
    return number, Position(seq, epoch)


def _page(
    connection: sqlite3.Connection, statement: str, channel_id: str, bound: int, limit: int
) -> tuple[list[Entry], Position]:
    number, top = _find_top(connection, channel_id)
    rows = connection.execute(statement, (number, bound, limit))
    return [entry_of(channel_id, row) for row in rows], top
