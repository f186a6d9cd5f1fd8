"""Refresh tokens in SQLite."""

from __future__ import annotations

import msgspec

from chirpbird.chat.entities import RefreshToken
from chirpbird.storage.sqlite.readers import Readers
from chirpbird.storage.sqlite.writer import Transaction, Writer

__all__ = ["SqliteSignIns"]


class SqliteSignIns:
    """``chat.ports.SignIns``."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer = writer
        self._readers = readers

    async def add(self, token: RefreshToken) -> None:
        await self._writer.submit(lambda transaction: _insert(transaction, token))

    async def rotate(
        self, digest: bytes, replacement: RefreshToken, *, now: int, grace_ms: int
    ) -> RefreshToken | None:
        def operation(transaction: Transaction) -> RefreshToken | None:
            row = transaction.execute(
                "SELECT family, user_id, expires_at, used_at FROM refresh_tokens WHERE digest = ?", (digest,)
            ).fetchone()
            if row is None:
                return None
            family, user_id, expires_at, used_at = row
            if expires_at <= now:
                return None
            if used_at is not None and now > used_at + grace_ms:
                transaction.execute("DELETE FROM refresh_tokens WHERE family = ?", (family,))
                return None
            if used_at is None:
                transaction.execute("UPDATE refresh_tokens SET used_at = ? WHERE digest = ?", (now, digest))
            stored = msgspec.structs.replace(replacement, family=family, user_id=user_id)
            _insert(transaction, stored)
            return stored

        return await self._writer.submit(operation)

    async def unused(self, digest: bytes, *, now: int) -> RefreshToken | None:
        row = await self._readers.read(
            lambda connection: connection.execute(
                "SELECT family, user_id, created_at, expires_at FROM refresh_tokens"
                " WHERE digest = ? AND expires_at > ? AND used_at IS NULL",
                (digest, now),
            ).fetchone()
        )
        if row is None:
            return None
        family, user_id, created_at, expires_at = row
        return RefreshToken(
            digest=digest, family=family, user_id=user_id, created_at=created_at, expires_at=expires_at
        )

    async def revoke(self, digest: bytes) -> None:
        await self._run(
            "DELETE FROM refresh_tokens WHERE family = (SELECT family FROM refresh_tokens WHERE digest = ?)",
            digest,
        )

    async def revoke_all(self, user_id: str, *, keep_family: str = "") -> None:
        await self._run("DELETE FROM refresh_tokens WHERE user_id = ? AND family <> ?", user_id, keep_family)

    async def purge(self, *, now: int) -> int:
        return await self._run("DELETE FROM refresh_tokens WHERE expires_at <= ?", now)

    async def _run(self, statement: str, *given: object) -> int:
        return await self._writer.submit(lambda transaction: transaction.execute(statement, given).rowcount)


def _insert(transaction: Transaction, token: RefreshToken) -> None:
    transaction.execute(
        "INSERT INTO refresh_tokens VALUES (?, ?, ?, ?, ?, ?)",
        (token.digest, token.family, token.user_id, token.created_at, token.expires_at, token.used_at),
    )
