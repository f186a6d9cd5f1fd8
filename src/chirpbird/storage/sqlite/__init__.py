"""The embedded store: one SQLite database in one directory, nothing else to install."""

from __future__ import annotations

from chirpbird.storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
