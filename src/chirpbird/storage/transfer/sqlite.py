"""SQLite as rows."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from chirpbird.chat.entities import Channel, ChannelKind, Entry, EntryKind, Membership, RefreshToken, User
from chirpbird.chat.errors import StoreCannotOpen, StoreNotEmpty, StoreUnavailable
from chirpbird.storage.sqlite import SqliteStore
from chirpbird.storage.sqlite.connections import reading, writing
from chirpbird.storage.sqlite.log import ENTRY_COLUMNS, entry_of
from chirpbird.storage.sqlite.reading import MEMBERSHIP_COLUMNS, membership_of
from chirpbird.storage.sqlite.schema import migrate
from chirpbird.storage.sqlite.search_index import index_entry
from chirpbird.storage.sqlite.store import DATABASE, LOCK
from chirpbird.storage.sqlite.users import words_of
from chirpbird.storage.transfer.rows import ChannelRow, Key, Row, Section

__all__ = ["TABLES", "SqliteSource", "SqliteTarget"]

UNFINISHED = f"{DATABASE}.copy"
"""The file's name until the copy is finished."""

TABLES = {
    Section.USERS: ("users", "user_words"),
    Section.CHANNELS: ("channels",),
    Section.ENTRIES: ("entries", "mentions"),
    Section.MEMBERS: ("members",),
    Section.SIGN_INS: ("refresh_tokens",),
}
"""The tables of each section, the one with a row for each of its own first."""

_USERS = "SELECT id, username, name, password_hash, created_at, updated_at, last_seen FROM users"
_CHANNELS = """
    SELECT id, kind, name, creator_id, epoch, created_at, updated_at, member_count, topic, coalesce(pair, '') FROM channels
"""
_ENTRIES = f"SELECT c.id, {ENTRY_COLUMNS} FROM channels c JOIN entries e ON e.channel = c.number"  # noqa: S608
_MEMBERS = f"SELECT {MEMBERSHIP_COLUMNS} FROM channels c JOIN members m ON m.channel = c.number"  # noqa: S608
_TOKENS = "SELECT digest, family, user_id, created_at, expires_at, used_at FROM refresh_tokens"

T = TypeVar("T")


class SqliteSource:
    """``Source`` over a SQLite store that no server has open."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        """Held in threads: who waits for a query may be gone while it runs, and the connection must not be closed under it."""
        self.name = name
        self._store: SqliteStore | None = None

    @classmethod
    async def open(cls, directory: Path) -> SqliteSource:
        """Errors: StoreCannotOpen."""
        path = directory / DATABASE
        if not path.exists():
            raise StoreCannotOpen(f"{path} does not exist, the data directory of a server is expected")
        # Opened as a server does it: so no server can, and the schema is up to date.
        store = await SqliteStore.open(directory)
        source = cls(reading(path), _name(directory))
        source._store = store
        return source

    async def count(self, section: Section) -> int:
        statement = f"SELECT count(*) FROM {TABLES[section][0]}"  # noqa: S608
        return await self._run(lambda connection: int(connection.execute(statement).fetchone()[0]))

    async def rows(self, section: Section, *, after: Key | None, limit: int) -> list[Row]:
        return await self._run(lambda connection: _rows(connection, section, after, limit))

    async def close(self) -> None:
        await self._run(lambda connection: connection.close())
        if self._store is not None:
            await self._store.close()

    async def _run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        def locked() -> T:
            with self._lock:
                return query(self._connection)

        try:
            return await asyncio.to_thread(locked)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"SQLite: {error}; run the same command again to go on") from error


class SqliteTarget(SqliteSource):
    """``Target`` in a file of its own beside where the database will be."""

    def __init__(self, connection: sqlite3.Connection, directory: Path, lock: int) -> None:
        super().__init__(connection, _name(directory))
        self._directory = directory
        self._file_lock: int | None = lock

    @classmethod
    async def fill(cls, directory: Path, source: str) -> SqliteTarget:
        """Errors: StoreCannotOpen."""
        return await asyncio.to_thread(cls._fill, directory, source)

    @classmethod
    def _fill(cls, directory: Path, source: str) -> SqliteTarget:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreCannotOpen(f"cannot use the directory {directory}: {error.strerror}") from error
        try:
            return cls(_claim(directory, source, lock), directory, lock)
        except BaseException:
            os.close(lock)
            raise

    async def last(self, section: Section) -> Key | None:
        return await self._run(lambda connection: _last(connection, section))

    async def write(self, section: Section, rows: Sequence[Row]) -> None:
        await self._run(lambda connection: _write(connection, rows))

    async def finish(self) -> None:
        def finish(connection: sqlite3.Connection) -> None:
            connection.execute("DROP TABLE copy_of")
            # One file without a log beside it, so that it can be renamed.
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
            connection.close()
            path = self._directory / UNFINISHED
            path.chmod(0o600)
            path.rename(self._directory / DATABASE)
            descriptor = os.open(self._directory, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

        await self._run(finish)

    async def close(self) -> None:
        await super().close()
        if self._file_lock is not None:
            os.close(self._file_lock)
            self._file_lock = None


def _claim(directory: Path, source: str, lock: int) -> sqlite3.Connection:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StoreCannotOpen(f"the directory {directory} is used by another chirpbird") from error
    if (directory / DATABASE).exists():
        raise StoreNotEmpty(f"{directory / DATABASE} exists; choose an empty directory, or move it away")
    path = directory / UNFINISHED
    connection = writing(path)
    try:
        migrate(connection, str(path))
        connection.execute("CREATE TABLE IF NOT EXISTS copy_of (source TEXT NOT NULL)")
        connection.execute("INSERT INTO copy_of SELECT ? WHERE NOT EXISTS (SELECT * FROM copy_of)", (source,))
        [(found,)] = connection.execute("SELECT source FROM copy_of").fetchall()
    except sqlite3.Error as error:
        connection.close()
        raise StoreCannotOpen(f"cannot write {path}: {error}") from error
    except BaseException:
        connection.close()
        raise
    if found != source:
        connection.close()
        raise StoreCannotOpen(f"{path} is an unfinished copy of {found}; finish that one, or delete the file")
    return connection


def _name(directory: Path) -> str:
    return f"sqlite:{directory.resolve()}"


def _rows(connection: sqlite3.Connection, section: Section, after: Key | None, limit: int) -> list[Row]:
    if section is Section.USERS:
        return [_user(row) for row in _simple(connection, _USERS, "id", after, limit)]
    if section is Section.CHANNELS:
        return [_channel(row) for row in _simple(connection, _CHANNELS, "id", after, limit)]
    if section is Section.ENTRIES:
        return [
            entry_of(row[0], row[1:]) for row in _of_channels(connection, _ENTRIES, "e.seq", after, limit)
        ]
    if section is Section.MEMBERS:
        return [membership_of(row) for row in _of_channels(connection, _MEMBERS, "m.user_id", after, limit)]
    return [_token(row) for row in _simple(connection, _TOKENS, "digest", after, limit)]


def _simple(
    connection: sqlite3.Connection, select: str, column: str, after: Key | None, limit: int
) -> Iterable[Sequence[Any]]:
    if after is None:
        return connection.execute(f"{select} ORDER BY {column} LIMIT ?", (limit,))
    return connection.execute(f"{select} WHERE {column} > ? ORDER BY {column} LIMIT ?", (*after, limit))


def _of_channels(
    connection: sqlite3.Connection, select: str, column: str, after: Key | None, limit: int
) -> list[Sequence[Any]]:
    """First the rest of the channel that the key is in, then the channels behind it: each a range of an index."""
    found: list[Sequence[Any]] = []
    channel_id: object = ""
    if after is not None:
        channel_id = after[0]
        rest = f"{select} WHERE c.id = ? AND {column} > ? ORDER BY {column} LIMIT ?"
        found = connection.execute(rest, (*after, limit)).fetchall()
    others = f"{select} WHERE c.id > ? ORDER BY c.id, {column} LIMIT ?"
    return found + connection.execute(others, (channel_id, limit - len(found))).fetchall()


def _last(connection: sqlite3.Connection, section: Section) -> Key | None:
    if section in (Section.ENTRIES, Section.MEMBERS):
        table, column = ("entries", "seq") if section is Section.ENTRIES else ("members", "user_id")
        statement = (
            f"SELECT c.id, max(r.{column}) FROM channels c JOIN {table} r ON r.channel = c.number"  # noqa: S608
            f" WHERE c.id = (SELECT max(id) FROM channels WHERE EXISTS (SELECT * FROM {table} WHERE channel = number))"
            " GROUP BY c.id"
        )
    else:
        column = "digest" if section is Section.SIGN_INS else "id"
        statement = f"SELECT {column} FROM {TABLES[section][0]} ORDER BY {column} DESC LIMIT 1"  # noqa: S608
    row = connection.execute(statement).fetchone()
    return None if row is None else tuple(row)


def _write(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for row in rows:
            _insert(connection, row)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, row: Row) -> None:
    of_channel = "(SELECT number FROM channels WHERE id = ?)"
    if isinstance(row, User):
        key = row.username.casefold()
        given = (row.id, row.username, key, row.name, row.password_hash, row.created_at, row.updated_at)
        connection.execute("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*given, row.last_seen))
        words = [(word, row.id) for word in words_of(key, row.name)]
        connection.executemany("INSERT INTO user_words VALUES (?, ?)", words)
    elif isinstance(row, ChannelRow):
        _insert_channel(connection, row)
    elif isinstance(row, Entry):
        members = " ".join(row.members)
        connection.execute(
            f"INSERT INTO entries VALUES ({of_channel}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (
                *(row.channel_id, row.seq, row.kind.value, row.sender_id, row.key),
                *(row.text, members, row.created_at, row.message_number, row.target, " ".join(row.mentions)),
            ),
        )
        [number] = connection.execute(
            "SELECT number FROM channels WHERE id = ?", (row.channel_id,)
        ).fetchone()
        index_entry(connection, number, row)
        if row.mentions and row.kind is EntryKind.MESSAGE:
            statement = f"INSERT INTO mentions VALUES (?, {of_channel}, ?)"  # noqa: S608
            pairs = [(user_id, row.channel_id, row.seq) for user_id in row.mentions]
            connection.executemany(statement, pairs)
    elif isinstance(row, Membership):
        statement = f"INSERT INTO members VALUES ({of_channel}, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        values = (row.channel_id, row.user_id, row.role, row.since, row.read_seq, row.mute, row.muted_until)
        connection.execute(statement, values)
    else:
        token = (row.digest, row.family, row.user_id, row.created_at, row.expires_at, row.used_at)
        connection.execute("INSERT INTO refresh_tokens VALUES (?, ?, ?, ?, ?, ?)", token)


def _insert_channel(connection: sqlite3.Connection, row: ChannelRow) -> None:
    channel = row.channel
    connection.execute(
        "INSERT INTO channels (id, kind, name, name_key, pair, creator_id, epoch, created_at, updated_at, member_count, topic)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(channel.id, channel.kind.value, channel.name, channel.name.casefold(), row.pair or None),
            *(
                channel.creator_id,
                channel.epoch,
                channel.created_at,
                channel.updated_at,
                channel.member_count,
                channel.topic,
            ),
        ),
    )


def _user(row: Sequence[Any]) -> User:
    user_id, username, name, password_hash, created_at, updated_at, last_seen = row
    return User(
        id=user_id,
        username=username,
        name=name,
        password_hash=password_hash,
        created_at=created_at,
        updated_at=updated_at,
        last_seen=last_seen,
    )


def _channel(row: Sequence[Any]) -> ChannelRow:
    channel_id, kind, name, creator_id, epoch, created_at, updated_at, member_count, topic, pair = row
    channel = Channel(
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
    return ChannelRow(channel, pair)


def _token(row: Sequence[Any]) -> RefreshToken:
    digest, family, user_id, created_at, expires_at, used_at = row
    return RefreshToken(
        digest=digest,
        family=family,
        user_id=user_id,
        created_at=created_at,
        expires_at=expires_at,
        used_at=used_at,
    )
