"""Channels and their members in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from chirpbird.chat.entities import Channel, ChannelKind, Draft, Entry, Membership, Position
from chirpbird.chat.errors import AlreadyExists
from chirpbird.storage.sqlite.log import ENTRY_COLUMNS, SqliteLog, entry_of
from chirpbird.storage.sqlite.readers import Readers
from chirpbird.storage.sqlite.reading import MEMBERSHIP_COLUMNS, membership_of
from chirpbird.storage.sqlite.writer import Transaction, Writer

__all__ = ["SqliteChannels"]

_COLUMNS = "c.id, c.kind, c.name, c.creator_id, c.epoch, c.created_at, c.updated_at, c.member_count, c.topic"
_BY_ID = f"SELECT {_COLUMNS} FROM channels c WHERE id = ?"  # noqa: S608
_PUBLIC_BY_NAME = f"SELECT {_COLUMNS} FROM channels c WHERE name_key = ? AND kind = 'public'"  # noqa: S608
_BY_PAIR = f"SELECT {_COLUMNS} FROM channels c WHERE pair = ?"  # noqa: S608
_OF_USER = f"""
    SELECT {_COLUMNS}, c.number, t.seq, t.message_number
    FROM members m
    JOIN channels c ON c.number = m.channel
    JOIN entries t ON t.channel = c.number AND t.seq = (SELECT max(seq) FROM entries WHERE channel = c.number)
    WHERE m.user_id = ?
    ORDER BY t.created_at DESC, c.id DESC
"""  # noqa: S608
_LAST_MESSAGE = f"""
    SELECT {ENTRY_COLUMNS} FROM entries e WHERE channel = ? AND kind = 'message' ORDER BY seq DESC LIMIT 1
"""  # noqa: S608
_SEARCH = f"""
    SELECT {_COLUMNS} FROM channels c
    WHERE kind = 'public' AND instr(name_key, :text) > 0
    ORDER BY instr(name_key, :text) > 1, member_count DESC, name_key
    LIMIT :limit
"""  # noqa: S608
_IDS_OF_USER = "SELECT c.id FROM members m JOIN channels c ON c.number = m.channel WHERE m.user_id = ?"
_IS_MEMBER = """
    SELECT 1 FROM members m JOIN channels c ON c.number = m.channel WHERE c.id = ? AND m.user_id = ?
"""
_MEMBERSHIP = f"""
    SELECT {MEMBERSHIP_COLUMNS} FROM members m JOIN channels c ON c.number = m.channel WHERE c.id = ? AND m.user_id = ?
"""  # noqa: S608
_SUCCESSOR = """
    SELECT m.user_id FROM members m JOIN channels c ON c.number = m.channel
    WHERE c.id = ? AND m.user_id <> ? ORDER BY m.role <> 'admin', m.since, m.user_id LIMIT 1
"""
_MEMBERS = """
    SELECT user_id FROM members m JOIN channels c ON c.number = m.channel
    WHERE c.id = ? AND user_id > ? ORDER BY user_id LIMIT ?
"""
_PEER = """
    SELECT user_id FROM members m JOIN channels c ON c.number = m.channel
    WHERE c.id = ? AND c.kind = 'direct' AND user_id <> ?
"""


class SqliteChannels:
    """``chat.ports.Channels``."""

    def __init__(self, writer: Writer, readers: Readers, log: SqliteLog) -> None:
        self._writer = writer
        self._readers = readers
        self._log = log

    async def create(self, channel: Channel, created: Draft) -> tuple[Channel, Entry]:
        def operation(transaction: Transaction) -> tuple[Channel, Entry]:
            _insert(transaction, channel, created)
            entry = self._log.append_in(transaction, created)
            return _channel(transaction.execute(_BY_ID, (channel.id,)).fetchone()), entry

        return await self._writer.submit(operation)

    async def by_id(self, channel_id: str) -> Channel | None:
        return await self._one(_BY_ID, channel_id)

    async def public_by_name(self, name: str) -> Channel | None:
        return await self._one(_PUBLIC_BY_NAME, name.casefold())

    async def direct_between(self, first_id: str, second_id: str) -> Channel | None:
        return await self._one(_BY_PAIR, _pair(first_id, second_id))

    async def of_user(self, user_id: str) -> list[tuple[Channel, Position, Entry | None]]:
        def query(connection: sqlite3.Connection) -> list[tuple[Channel, Position, Entry | None]]:
            found = []
            for *columns, number, seq, messages in connection.execute(_OF_USER, (user_id,)).fetchall():
                channel = _channel(columns)
                last = connection.execute(_LAST_MESSAGE, (number,)).fetchone() if messages else None
                entry = None if last is None else entry_of(channel.id, last)
                found.append((channel, Position(seq, channel.epoch), entry))
            return found

        return await self._readers.read(query)

    async def search_public(self, text: str, *, limit: int) -> list[Channel]:
        given = {"text": text.casefold(), "limit": limit}
        return await self._readers.read(
            lambda connection: [_channel(row) for row in connection.execute(_SEARCH, given)]
        )

    async def ids_of_user(self, user_id: str) -> list[str]:
        rows = await self._readers.read(
            lambda connection: connection.execute(_IDS_OF_USER, (user_id,)).fetchall()
        )
        return [channel_id for (channel_id,) in rows]

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        given = (channel_id, user_id)
        return await self._readers.read(
            lambda connection: connection.execute(_IS_MEMBER, given).fetchone() is not None
        )

    async def memberships(self, channel_id: str, user_ids: Iterable[str]) -> dict[str, Membership]:
        wanted = list(user_ids)

        def query(connection: sqlite3.Connection) -> dict[str, Membership]:
            rows = (connection.execute(_MEMBERSHIP, (channel_id, user_id)).fetchone() for user_id in wanted)
            found = (membership_of(row) for row in rows if row is not None)
            return {membership.user_id: membership for membership in found}

        return await self._readers.read(query)

    async def successor(self, channel_id: str, leaving: str) -> str | None:
        given = (channel_id, leaving)
        row = await self._readers.read(lambda connection: connection.execute(_SUCCESSOR, given).fetchone())
        return None if row is None else str(row[0])

    async def members(self, channel_id: str, *, limit: int, after: str = "") -> list[str]:
        given = (channel_id, after, limit)
        return await self._readers.read(
            lambda connection: [user_id for (user_id,) in connection.execute(_MEMBERS, given)]
        )

    async def peers(self, channel_ids: Iterable[str], user_id: str) -> dict[str, str]:
        wanted = list(channel_ids)

        def query(connection: sqlite3.Connection) -> dict[str, str]:
            rows = ((one, connection.execute(_PEER, (one, user_id)).fetchone()) for one in wanted)
            return {channel_id: row[0] for channel_id, row in rows if row is not None}

        return await self._readers.read(query)

    async def _one(self, statement: str, given: str) -> Channel | None:
        row = await self._readers.read(lambda connection: connection.execute(statement, (given,)).fetchone())
        return None if row is None else _channel(row)


def _insert(transaction: Transaction, channel: Channel, created: Draft) -> None:
    key = channel.name.casefold()
    pair = _pair(*created.members) if channel.kind is ChannelKind.DIRECT else None
    if channel.kind is ChannelKind.PUBLIC and transaction.execute(_PUBLIC_BY_NAME, (key,)).fetchone():
        raise AlreadyExists(f"a public channel named {channel.name} exists", field="name")
    if pair is not None and transaction.execute(_BY_PAIR, (pair,)).fetchone():
        raise AlreadyExists("these two people have their channel already")
    transaction.execute(
        "INSERT INTO channels (id, kind, name, name_key, pair, creator_id, epoch, created_at, updated_at, member_count)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        (
            channel.id,
            channel.kind.value,
            channel.name,
            key,
            pair,
            channel.creator_id,
            channel.epoch,
            channel.created_at,
            channel.updated_at,
        ),
    )


def _pair(first_id: str, second_id: str) -> str:
    return " ".join(sorted((first_id, second_id)))


def _channel(row: Sequence[Any]) -> Channel:
    channel_id, kind, name, creator_id, epoch, created_at, updated_at, member_count, topic = row
    return Channel(
        id=channel_id,
        kind=ChannelKind(kind),
        name=name,
        creator_id=creator_id,
        epoch=epoch,
        created_at=created_at,
        updated_at=updated_at,
        member_count=member_count,
        topic=topic,
    )
