"""Opening and closing the embedded store."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from pathlib import Path

from chirpbird.chat.errors import StoreCannotOpen, StoreFull
from chirpbird.storage.sqlite.channels import SqliteChannels
from chirpbird.storage.sqlite.connections import store_error, writing
from chirpbird.storage.sqlite.log import SqliteLog
from chirpbird.storage.sqlite.readers import Readers
from chirpbird.storage.sqlite.reading import SqliteReading
from chirpbird.storage.sqlite.schema import migrate
from chirpbird.storage.sqlite.search import SqliteSearch
from chirpbird.storage.sqlite.sign_ins import SqliteSignIns
from chirpbird.storage.sqlite.users import SqliteUsers
from chirpbird.storage.sqlite.writer import Transaction, Writer

__all__ = ["SqliteStore"]

DATABASE = "chirpbird.db"
LOCK = "chirpbird.lock"


class SqliteStore:
    """``chat.ports.Store`` in one directory, for one process at a time."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: int) -> None:
        self._lock: int | None = lock
        self._readers = Readers(path)
        self.log = SqliteLog(self._readers)
        self._writer = Writer(connection, on_rollback=self.log.forget_tops)
        self.log.write_with(self._writer)
        self.users = SqliteUsers(self._writer, self._readers)
        self.channels = SqliteChannels(self._writer, self._readers, self.log)
        self.sign_ins = SqliteSignIns(self._writer, self._readers)
        self.search = SqliteSearch(self._readers)
        self.reading = SqliteReading(self._writer, self._readers)

    @classmethod
    async def open(cls, directory: Path) -> SqliteStore:
        """Open the store in ``directory``; make it if it is not there.

        Errors: StoreCannotOpen, whose words say what is wrong and what to do.
        """
        path, connection, lock = await asyncio.to_thread(_open, directory)
        return cls(path, connection, lock)

    async def check_writable(self) -> None:
        def probe(transaction: Transaction) -> None:
            transaction.execute("INSERT INTO probes DEFAULT VALUES")

        def undo(transaction: Transaction) -> None:
            transaction.execute("DELETE FROM probes")

        await self._writer.submit(probe)
        await self._writer.submit(undo)

    async def close(self) -> None:
        await self._writer.close()
        await self._readers.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _open(directory: Path) -> tuple[Path, sqlite3.Connection, int]:
    path = directory / DATABASE
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except (FileExistsError, NotADirectoryError) as error:
        raise StoreCannotOpen(
            f"cannot use the data directory {directory}: a file is in its place, a directory is expected"
        ) from error
    except OSError as error:
        raise StoreCannotOpen(
            f"cannot use the data directory {directory}: {error.strerror} (this user must be able to write there)"
        ) from error
    try:
        return path, _open_locked(path, lock), lock
    except BaseException:
        os.close(lock)
        raise


def _open_locked(path: Path, lock: int) -> sqlite3.Connection:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StoreCannotOpen(f"the data directory {path.parent} is used by another chirpbird") from error
    try:
        connection = writing(path)
        try:
            migrate(connection, str(path))
        except BaseException:
            connection.close()
            raise
        path.chmod(0o600)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise StoreCannotOpen(
                f"{path} is not a database, or is damaged; it was left as it is: restore a backup, "
                "or choose another data directory"
            ) from error
        if isinstance(store_error(error), StoreFull):
            raise StoreCannotOpen(
                f"cannot open {path}: the disk is full; make room there, or choose another data directory"
            ) from error
        raise StoreCannotOpen(f"cannot open {path}: {error}") from error
    return connection
