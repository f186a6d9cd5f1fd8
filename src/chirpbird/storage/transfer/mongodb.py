"""MongoDB as rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import PyMongoError

from chirpbird.chat.entities import Entry, EntryKind, Membership, User
from chirpbird.chat.errors import StoreCannotOpen, StoreNotEmpty, StoreUnavailable
from chirpbird.storage.mongodb.connection import Mongo
from chirpbird.storage.mongodb.diagnosis import first_line
from chirpbird.storage.mongodb.documents import (
    Document,
    channel_document,
    channel_of,
    entry_document,
    entry_of,
    membership_document,
    membership_of,
    search_terms,
    seq_id,
    token_document,
    token_of,
    user_document,
    user_of,
)
from chirpbird.storage.mongodb.opening import connect, open_database
from chirpbird.storage.mongodb.schema import COPY, migrate
from chirpbird.storage.transfer.rows import ChannelRow, Key, Row, Section

__all__ = ["MongoSource", "MongoTarget"]

_FIELDS = {Section.ENTRIES: ("channel", "seq"), Section.MEMBERS: ("channel", "user")}
"""Names of the parts of ``_id`` where it has parts."""


class MongoSource:
    """``Source`` over a MongoDB store."""

    def __init__(self, mongo: Mongo, name: str) -> None:
        self._mongo = mongo
        self.name = name
        self._collections: dict[Section, AsyncCollection[Document]] = {
            Section.USERS: mongo.users,
            Section.CHANNELS: mongo.channels,
            Section.ENTRIES: mongo.entries,
            Section.MEMBERS: mongo.members,
            Section.SIGN_INS: mongo.refresh_tokens,
        }

    @classmethod
    async def open(cls, uri: str) -> MongoSource:
        """Errors: StoreCannotOpen."""
        mongo, deployment = await open_database(uri)
        return cls(mongo, f"mongodb://{deployment}/{deployment.database}")

    async def count(self, section: Section) -> int:
        async with _explained():
            return await self._collections[section].count_documents({})

    async def rows(self, section: Section, *, after: Key | None, limit: int) -> list[Row]:
        wanted: Document = {} if after is None else {"_id": {"$gt": _id(section, after)}}
        async with _explained():
            found = self._collections[section].find(wanted, batch_size=limit + 1).sort("_id", 1).limit(limit)
            return [_row(section, document) async for document in found]

    async def close(self) -> None:
        await self._mongo.close()


class MongoTarget(MongoSource):
    """``Target`` in a MongoDB database that is empty, or that a copy of the same source was begun in."""

    @classmethod
    async def fill(cls, uri: str, source: str) -> MongoTarget:
        """Errors: StoreCannotOpen."""
        mongo, deployment = await connect(uri)
        try:
            await _claim(mongo, source)
        except BaseException:
            await mongo.close()
            raise
        return cls(mongo, f"mongodb://{deployment}/{deployment.database}")

    async def last(self, section: Section) -> Key | None:
        async with _explained():
            async for document in self._collections[section].find({}, {"_id": 1}).sort("_id", -1).limit(1):
                place = document["_id"]
                return tuple(place[field] for field in _FIELDS[section]) if section in _FIELDS else (place,)
        return None

    async def write(self, section: Section, rows: Sequence[Row]) -> None:
        documents = [_document(row) for row in rows]
        async with _explained():
            if section is Section.ENTRIES:
                await self._find_by_edits(rows, documents)
            await self._collections[section].insert_many(documents)

    async def _find_by_edits(self, rows: Sequence[Row], documents: Sequence[Document]) -> None:
        """Messages are found by what their last edit says. Before the edits are written: a copy that was cut off goes on behind
        what is there.
        """
        edited = {
            (row.channel_id, row.target): search_terms(row.sender_id, row.text)
            for row in rows
            if isinstance(row, Entry) and row.kind is EntryKind.EDITED and row.text
        }
        for document in documents:
            place = document["_id"]
            if (terms := edited.pop((place["channel"], place["seq"]), None)) is not None:
                document["terms"] = terms
        if edited:
            await self._mongo.entries.bulk_write(
                [
                    UpdateOne({"_id": seq_id(channel_id, seq)}, {"$set": {"terms": terms}})
                    for (channel_id, seq), terms in edited.items()
                ]
            )

    async def finish(self) -> None:
        async with _explained():
            await self._mongo.meta.delete_one({"_id": COPY})


@asynccontextmanager
async def _explained() -> AsyncIterator[None]:
    try:
        yield
    except PyMongoError as error:
        raise StoreUnavailable(
            f"MongoDB: {first_line(error)}; run the same command again to go on"
        ) from error


async def _claim(mongo: Mongo, source: str) -> None:
    """Mark the database as a copy, before anything else is written."""
    name = mongo.database.name
    async with _explained():
        found = await mongo.meta.find_one({"_id": COPY})
        if found is not None and found["of"] != source:
            raise StoreCannotOpen(
                f"the database {name} has an unfinished copy of {found['of']}; finish that one, or drop the database"
            )
        if found is None:
            for collection in (mongo.users, mongo.channels):
                if await collection.find_one({}, {"_id": 1}) is not None:
                    raise StoreNotEmpty(
                        f"the database {name} is not empty (it has {collection.name}), an empty one is expected; "
                        "drop it, or name another one"
                    )
        await migrate(mongo, copy_of=source)


def _id(section: Section, key: Key) -> Any:
    fields = _FIELDS.get(section)
    return key[0] if fields is None else dict(zip(fields, key, strict=True))


def _row(section: Section, document: Document) -> Row:
    if section is Section.USERS:
        return user_of(document)
    if section is Section.CHANNELS:
        return ChannelRow(channel_of(document), document.get("pair", ""))
    if section is Section.ENTRIES:
        return entry_of(document)
    if section is Section.MEMBERS:
        return membership_of(document)
    return token_of(document)


def _document(row: Row) -> Document:
    if isinstance(row, User):
        return user_document(row)
    if isinstance(row, ChannelRow):
        return channel_document(row.channel, row.pair.split() or None)
    if isinstance(row, Entry):
        return entry_document(row)
    if isinstance(row, Membership):
        return membership_document(row)
    return token_document(row)
