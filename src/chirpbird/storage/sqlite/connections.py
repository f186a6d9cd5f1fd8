"""Connections to the database, set up alike, and what goes wrong with them in the chat's words."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from chirpbird.chat.errors import StoreFull, StoreUnavailable

__all__ = ["reading", "store_error", "writing"]


def writing(path: Path) -> sqlite3.Connection:
    """The one connection that writes; a commit returns when the disk has it."""
    connection = _connect(path)
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def reading(path: Path) -> sqlite3.Connection:
    """A connection that cannot write."""
    connection = _connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute("PRAGMA cache_size = -16384")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def store_error(error: sqlite3.Error) -> StoreUnavailable:
    """SQLite's failure as the chat knows it."""
    # The low byte of an extended code is the primary one.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreFull("the server's disk is full; nothing can be saved until there is room again")
    return StoreUnavailable("the server's database does not answer; try again later")
