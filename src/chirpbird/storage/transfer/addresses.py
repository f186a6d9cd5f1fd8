"""Which store an address means."""

from __future__ import annotations

from pathlib import Path

from chirpbird.chat.errors import StoreCannotOpen
from chirpbird.storage.transfer.mongodb import MongoSource, MongoTarget
from chirpbird.storage.transfer.sqlite import SqliteSource, SqliteTarget

__all__ = ["open_source", "open_target"]

_SQLITE = "sqlite:"
_MONGODB = ("mongodb://", "mongodb+srv://")


async def open_source(address: str) -> MongoSource | SqliteSource:
    """The store at ``sqlite:DIRECTORY`` or ``mongodb://…``. Errors: StoreCannotOpen."""
    if address.startswith(_MONGODB):
        return await MongoSource.open(address)
    return await SqliteSource.open(_directory(address))


async def open_target(address: str, source: str) -> MongoTarget | SqliteTarget:
    """An empty store to copy ``source`` (its name) to, or the unfinished copy of it. Errors: StoreCannotOpen."""
    if address.startswith(_MONGODB):
        return await MongoTarget.fill(address, source)
    return await SqliteTarget.fill(_directory(address), source)


def _directory(address: str) -> Path:
    if not address.startswith(_SQLITE) or address == _SQLITE:
        kind = address.split(":", 1)[0] if ":" in address else address
        raise StoreCannotOpen(
            f"found an address of the kind {kind!r}, sqlite:DIRECTORY or mongodb://… is expected"
        )
    return Path(address.removeprefix(_SQLITE))
