"""The tables, as numbered scripts, each applied once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

from chirpbird.chat.errors import StoreCannotOpen
from chirpbird.storage.sqlite.search_index import index_log

__all__ = ["APPLICATION_ID", "migrate"]

_FILLS: Mapping[int, Sequence[Callable[[sqlite3.Connection], None]]] = {2: (index_log,)}
"""What a step does that SQL cannot."""
APPLICATION_ID = 0x43485250
"""Marks a file as ours ("CHRP"), see PRAGMA application_id."""


def migrate(connection: sqlite3.Connection, name: str) -> None:
    """Bring the database to this program's schema, each step in a transaction of its own.

    Errors: StoreCannotOpen when the file ``name`` is another program's, or was written by a newer version of this one.
    """
    scripts = sorted(entry.name for entry in files(__name__).iterdir() if entry.name.endswith(".sql"))
    newest = int(scripts[-1].removesuffix(".sql"))
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (tables or version):
        raise StoreCannotOpen(f"{name} is the database of another program; choose another data directory")
    if version > newest:
        raise StoreCannotOpen(
            f"{name} was written by a newer version (its schema is {version}, this program knows {newest}); "
            "install that version or a later one"
        )
    for script in scripts:
        number = int(script.removesuffix(".sql"))
        if number > version:
            sql = files(__name__).joinpath(script).read_text("utf-8")
            connection.executescript(f"BEGIN IMMEDIATE; {sql};")
            try:
                for fill in _FILLS.get(number, ()):
                    fill(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
