"""A few threads that read, each with a connection of its own."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from chirpbird.chat.errors import StoreUnavailable
from chirpbird.storage.sqlite.connections import reading, store_error

__all__ = ["Readers"]

THREADS = 3

T = TypeVar("T")


class Readers:
    """Runs queries off the event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(THREADS, "sqlite-reader")
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._closed = False

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """What ``query`` returns; all that it reads is of one instant. Errors: ChatError."""
        if self._closed:
            raise StoreUnavailable("the server is shutting down")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, query)

    async def close(self) -> None:
        """Finish what was asked, then close the connections."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._pool.shutdown)
        for connection in self._connections:
            connection.close()

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        try:
            connection = self._connection()
            connection.execute("BEGIN")
            try:
                return query(connection)
            finally:
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise store_error(error) from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = reading(self._path)
            self._connections.append(connection)
        return connection
