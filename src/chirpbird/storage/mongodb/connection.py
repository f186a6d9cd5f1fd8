"""The connection: how everything is read and written, for how long, and what goes wrong in the chat's words."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pymongo
from bson import Timestamp
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern

from chirpbird.chat.errors import StoreFull, StoreUnavailable
from chirpbird.storage.mongodb.diagnosis import first_line
from chirpbird.storage.mongodb.documents import Document

__all__ = ["SECONDS", "Mongo", "Session", "store_error"]

SECONDS = 4.0
"""How long an operation may take, its retries and the wait for a new primary included. SDKs wait 5 s for a reply."""

_OUT_OF_DISK_SPACE = 14031
_MAJORITY = WriteConcern("majority")

Session = AsyncClientSession
T = TypeVar("T")

logger = logging.getLogger(__name__)


class Mongo:
    """One database. All that is read has reached a majority, so that no failover takes it back; all that is written is
    acknowledged when a majority has it. After a failover a read waits until it covers what this node wrote and read before.
    """

    def __init__(self, client: AsyncMongoClient[Document], name: str) -> None:
        self.client = client
        self.database = client.get_database(
            name,
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("majority"),
            write_concern=_MAJORITY,
        )
        self.entries = self._collection("entries")
        self.channels = self._collection("channels")
        self.members = self._collection("members")
        self.users = self._collection("users")
        self.refresh_tokens = self._collection("refresh_tokens")
        self.meta = self._collection("meta")
        self._seen: Timestamp | None = None
        self._closed = False
        self._failing = False
        """The last operation failed: of many failures in a row the first is logged."""

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """For operations that together take at most ``SECONDS``. Errors: StoreUnavailable, StoreFull."""
        if self._closed:
            raise StoreUnavailable("the server is shutting down")
        try:
            with pymongo.timeout(SECONDS):
                async with self.client.start_session(causal_consistency=True) as session:
                    if self._seen is not None:
                        session.advance_operation_time(self._seen)
                    yield session
                    seen = session.operation_time
                    if seen is not None and (self._seen is None or seen > self._seen):
                        self._seen = seen
        except PyMongoError as error:
            if not self._failing:
                self._failing = True
                logger.warning("MongoDB fails: %s: %s", type(error).__name__, first_line(error))
            raise store_error(error) from error
        if self._failing:
            self._failing = False
            logger.info("MongoDB works again")

    async def transaction(
        self, body: Callable[[Session], Awaitable[T]], *, again_on_duplicate: bool = False
    ) -> T:
        """Run ``body`` in a transaction, again whenever another one got in its way.

        Errors: DuplicateKeyError, unless that too means to run it again; StoreUnavailable, StoreFull.
        """
        async with self.session() as session:
            while True:
                try:
                    return await session.with_transaction(
                        body, read_concern=ReadConcern("snapshot"), write_concern=_MAJORITY
                    )
                except DuplicateKeyError as error:
                    duplicate = error
                    if not again_on_duplicate:
                        break
        raise duplicate

    async def close(self) -> None:
        """Let go of all connections. May be called twice."""
        self._closed = True
        await self.client.close()

    def _collection(self, name: str) -> AsyncCollection[Document]:
        return self.database.get_collection(name)


def store_error(error: PyMongoError) -> StoreUnavailable:
    """MongoDB's failure as the chat knows it."""
    if getattr(error, "code", None) == _OUT_OF_DISK_SPACE:
        return StoreFull("the database's disk is full; messages wait until there is room again")
    return StoreUnavailable("the server's database does not answer; try again later")
