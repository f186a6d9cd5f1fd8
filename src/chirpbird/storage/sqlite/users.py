"""People in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chirpbird.chat.entities import User
from chirpbird.chat.errors import AlreadyExists, NotFound
from chirpbird.storage.sqlite.readers import Readers
from chirpbird.storage.sqlite.writer import Transaction, Writer

__all__ = ["SqliteUsers", "words_of"]

_COLUMNS = "u.id, u.username, u.name, u.password_hash, u.created_at, u.updated_at, u.last_seen"
_BY_KEY = f"SELECT {_COLUMNS} FROM users u WHERE username_key = ?"  # noqa: S608
_SEARCH = f"""
    SELECT {_COLUMNS} FROM users u
    WHERE u.id IN (SELECT user_id FROM user_words WHERE word >= :text AND word < :beyond)
    ORDER BY u.username_key <> :text AND NOT EXISTS (SELECT 1 FROM user_words WHERE word = :text AND user_id = u.id),
        u.username_key
    LIMIT :limit
"""  # noqa: S608
_FIRST = f"SELECT {_COLUMNS} FROM users u ORDER BY u.username_key LIMIT ?"  # noqa: S608
_BEYOND = "\U0010ffff"


class SqliteUsers:
    """``chat.ports.Users``."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer = writer
        self._readers = readers

    async def add(self, user: User) -> None:
        await self._writer.submit(lambda transaction: _add(transaction, user))

    async def by_ids(self, ids: Iterable[str]) -> dict[str, User]:
        wanted = list(dict.fromkeys(ids))
        statement = f"SELECT {_COLUMNS} FROM users u WHERE id = ?"  # noqa: S608

        def query(connection: sqlite3.Connection) -> dict[str, User]:
            rows = (connection.execute(statement, (user_id,)).fetchone() for user_id in wanted)
            return {row[0]: _user(row) for row in rows if row is not None}

        return await self._readers.read(query)

    async def by_username(self, username: str) -> User | None:
        key = username.casefold()
        row = await self._readers.read(lambda connection: connection.execute(_BY_KEY, (key,)).fetchone())
        return None if row is None else _user(row)

    async def by_usernames(self, usernames: Iterable[str]) -> list[User]:
        keys = list(dict.fromkeys(username.casefold() for username in usernames))

        def query(connection: sqlite3.Connection) -> list[User]:
            rows = (connection.execute(_BY_KEY, (key,)).fetchone() for key in keys)
            return [_user(row) for row in rows if row is not None]

        return await self._readers.read(query)

    async def seen(self, times: Mapping[str, int]) -> None:
        rows = [(at, user_id) for user_id, at in times.items()]

        def change(transaction: Transaction) -> None:
            later = "UPDATE users SET last_seen = max(last_seen, ?) WHERE id = ?"
            transaction.connection.executemany(later, rows)

        await self._writer.submit(change)

    async def search(self, text: str, *, limit: int) -> list[User]:
        text = text.casefold()
        given = {"text": text, "beyond": text + _BEYOND, "limit": limit}

        def query(connection: sqlite3.Connection) -> list[User]:
            found = connection.execute(_SEARCH, given) if text else connection.execute(_FIRST, (limit,))
            return [_user(row) for row in found]

        return await self._readers.read(query)

    async def set_password(self, user_id: str, password_hash: str, *, now: int) -> None:
        def change(transaction: Transaction) -> None:
            changed = transaction.execute(
                "UPDATE users SET password_hash = ?, updated_at = ? WHERE id = ?",
                (password_hash, now, user_id),
            )
            if changed.rowcount == 0:
                raise NotFound("no such user")

        await self._writer.submit(change)


def _add(transaction: Transaction, user: User) -> None:
    key = user.username.casefold()
    if transaction.execute("SELECT 1 FROM users WHERE username_key = ?", (key,)).fetchone() is not None:
        raise AlreadyExists(f"the username {user.username} is taken", field="username")
    transaction.execute(
        "INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(user.id, user.username, key, user.name, user.password_hash),
            *(user.created_at, user.updated_at, user.last_seen),
        ),
    )
    transaction.connection.executemany(
        "INSERT INTO user_words VALUES (?, ?)", [(word, user.id) for word in words_of(key, user.name)]
    )


def words_of(username_key: str, name: str) -> set[str]:
    """What a search for this person may begin with."""
    parts = name.casefold().split()
    return {username_key, *(" ".join(parts[start:]) for start in range(len(parts)))}


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
