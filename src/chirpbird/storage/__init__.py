"""Where the log and the records live. Every store passes the suite in ``tests/storage/contract``."""

from __future__ import annotations

from pathlib import Path

from chirpbird.chat.ports import Store

__all__ = ["open_store"]


async def open_store(data: Path, mongodb_uri: str | None = None, *, secret: bytes | None = None) -> Store:
    """The store that the settings name: a cluster's MongoDB if there is a URI, else the embedded one in ``data``.

    ``secret`` signs access tokens: the nodes of a cluster must all have the same, and a store that they share sees to it.

    Errors: StoreCannotOpen, whose words say what is wrong and what to do.
    """
    # Imported here so that one server alone does not load the other's driver.
    if mongodb_uri is not None:
        from chirpbird.storage.mongodb import MongoStore

        return await MongoStore.open(mongodb_uri, secret)
    from chirpbird.storage.sqlite import SqliteStore

    return await SqliteStore.open(data)
