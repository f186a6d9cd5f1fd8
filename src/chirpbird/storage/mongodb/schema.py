"""Collections and indexes, as numbered steps. A step may run twice, and on several nodes at once."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence

from pymongo import IndexModel, ReturnDocument, UpdateOne
from pymongo.errors import CollectionInvalid, OperationFailure

from chirpbird.chat.entities import EntryKind
from chirpbird.chat.errors import StoreCannotOpen
from chirpbird.storage.mongodb.connection import Mongo
from chirpbird.storage.mongodb.documents import Document, member_id, range_of, search_terms

__all__ = ["COPY", "NEWEST", "check_secret", "migrate"]

SCHEMA = "schema"
"""``_id`` of the document in ``meta`` that says whose database this is, and how far its schema got."""
APPLICATION = "chirpbird"
COPY = "copy"
"""``_id`` of the document in ``meta`` that is there while a copy is being written, and whose ``of`` names its source."""

FINGERPRINT = "secret"
"""``_id`` of the document in ``meta`` with the fingerprint of the secret that all nodes share."""

_NAMESPACE_EXISTS = 48


async def migrate(mongo: Mongo, *, copy_of: str = "") -> None:
    """Bring the database to this program's schema. ``copy_of`` names the source that it becomes a copy of.

    Errors: StoreCannotOpen when the database is another program's, an unfinished copy, or was written by a newer version of
    this one; whatever PyMongo raises.
    """
    name = mongo.database.name
    found = await mongo.meta.find_one({"_id": SCHEMA})
    copy = await mongo.meta.find_one({"_id": COPY})
    if copy is not None and not copy_of:
        raise StoreCannotOpen(
            f"the database {name} has an unfinished copy of {copy['of']}; finish it with chirpbird migrate, or drop the database"
        )
    if found is None:
        others = await mongo.database.list_collection_names()
        if others and others != ["meta"]:
            # Of nodes that start at once another may have been here since the first look; it writes this before all else.
            found = await mongo.meta.find_one({"_id": SCHEMA})
        if found is None and others and others != ["meta"]:
            raise StoreCannotOpen(
                f"the database {name} is another program's (it has a collection {min(others)} and no schema of ours); "
                "name another one in the URI: mongodb://host/NAME"
            )
    if copy_of:
        await mongo.meta.update_one({"_id": COPY}, {"$setOnInsert": {"of": copy_of}}, upsert=True)
    if found is None:
        await mongo.meta.update_one(
            {"_id": SCHEMA}, {"$setOnInsert": {"application": APPLICATION, "version": 0}}, upsert=True
        )
        found = {"version": 0}
    version = found["version"]
    if version > NEWEST:
        raise StoreCannotOpen(
            f"the database {name} was written by a newer version (its schema is {version}, this program knows {NEWEST}); "
            "install that version or a later one"
        )
    for number, step in enumerate(_STEPS, start=1):
        if number > version:
            await step(mongo)
            await mongo.meta.update_one(
                {"_id": SCHEMA, "version": {"$lt": number}}, {"$set": {"version": number}}
            )


async def check_secret(mongo: Mongo, secret: bytes) -> None:
    """See that this node signs with the secret of all others; the first one to come sets it.

    Errors: StoreCannotOpen; whatever PyMongo raises.
    """
    fingerprint = hashlib.sha256(b"chirpbird signing secret:" + secret).hexdigest()[:16]
    found = await mongo.meta.find_one_and_update(
        {"_id": FINGERPRINT},
        {"$setOnInsert": {"fingerprint": fingerprint}},
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    if found is None or found["fingerprint"] != fingerprint:
        raise StoreCannotOpen(
            f"CHIRPBIRD_SECRET is not the one that the other nodes of the database {mongo.database.name} use: set the same on "
            f'all; to change it, stop all nodes and run db.meta.deleteOne({{_id: "{FINGERPRINT}"}}) in mongosh'
        )


async def _first(mongo: Mongo) -> None:
    for clustered in ("entries", "members"):
        await _create(mongo, clustered)
    await mongo.entries.create_indexes(
        [
            IndexModel(
                [("_id.channel", 1), ("sender_id", 1), ("key", 1)],
                name="entry_keys",
                unique=True,
                partialFilterExpression={"key": {"$exists": True}},
            )
        ]
    )
    await mongo.members.create_indexes([IndexModel([("_id.user", 1)], name="channels_of_user")])
    await mongo.channels.create_indexes(
        [
            IndexModel(
                [("name_key", 1)],
                name="public_channels",
                unique=True,
                partialFilterExpression={"kind": "public"},
            ),
            IndexModel(
                [("pair", 1)], name="pairs", unique=True, partialFilterExpression={"pair": {"$exists": True}}
            ),
        ]
    )
    await mongo.users.create_indexes(
        [
            IndexModel([("username_key", 1)], name="usernames", unique=True),
            IndexModel([("words", 1)], name="user_words"),
        ]
    )
    await mongo.refresh_tokens.create_indexes(
        [
            IndexModel([("family", 1)], name="refresh_token_families"),
            IndexModel([("user_id", 1)], name="refresh_tokens_of_user"),
            IndexModel([("expires_at", 1)], name="refresh_token_expiries"),
        ]
    )


async def _create(mongo: Mongo, name: str) -> None:
    try:
        await mongo.database.create_collection(name, clusteredIndex={"key": {"_id": 1}, "unique": True})
    except CollectionInvalid:
        return
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:
            raise


async def _search(mongo: Mongo) -> None:
    await mongo.entries.create_indexes(
        [
            IndexModel(
                [("terms", 1), ("_id.channel", 1), ("created_at", -1), ("_id.seq", -1)],
                name="search",
                partialFilterExpression={"terms": {"$exists": True}},
            )
        ]
    )
    updates: list[UpdateOne] = []
    async for document in mongo.entries.find({"kind": EntryKind.MESSAGE.value, "terms": {"$exists": False}}):
        terms = search_terms(document["sender_id"], document.get("text", ""))
        updates.append(UpdateOne({"_id": document["_id"]}, {"$set": {"terms": terms}}))
        if len(updates) == _UPDATES_AT_ONCE:
            await mongo.entries.bulk_write(updates, ordered=False)
            updates = []
    if updates:
        await mongo.entries.bulk_write(updates, ordered=False)


async def _changes_and_reading(mongo: Mongo) -> None:
    """Changes of messages, mentions, roles, read positions."""
    channel, target, seq = ("_id.channel", 1), ("target", 1), ("_id.seq", 1)
    await mongo.entries.create_indexes(
        [
            IndexModel(
                [channel, target, seq],
                name="entry_changes",
                partialFilterExpression={"target": {"$exists": True}},
            ),
            IndexModel(
                [channel, target], name="entry_deletions", partialFilterExpression={"kind": "deleted"}
            ),
            IndexModel([channel, target], name="entry_pins", partialFilterExpression={"kind": "pinned"}),
            IndexModel(
                [("mentions", 1), channel, seq],
                name="entry_mentions",
                partialFilterExpression={"mentions": {"$exists": True}},
            ),
        ]
    )
    async for document in mongo.channels.find({}, {"creator_id": 1, "kind": 1}):
        await _fill_members(mongo, document)


async def _fill_members(mongo: Mongo, channel: Document) -> None:
    """What was there before read positions were kept counts as read; a group belongs to its creator, or, if that one has left,
    to the oldest account.
    """
    members = range_of(channel["_id"], "user")
    newest = mongo.entries.find({"_id": range_of(channel["_id"], "seq")}, {"_id": 1}).sort("_id", -1).limit(1)
    async for top in newest:
        await mongo.members.update_many(
            {"_id": members, "read_seq": {"$exists": False}}, {"$set": {"read_seq": top["_id"]["seq"]}}
        )
    if channel["kind"] == "direct" or await mongo.members.find_one({"_id": members, "role": "owner"}):
        return
    owner = await mongo.members.find_one({"_id": member_id(channel["_id"], channel["creator_id"])})
    owner = owner or await mongo.members.find_one({"_id": members}, sort=[("_id", 1)])
    if owner is not None:
        await mongo.members.update_one({"_id": owner["_id"]}, {"$set": {"role": "owner"}})


_UPDATES_AT_ONCE = 1_000
_STEPS: Sequence[Callable[[Mongo], Awaitable[None]]] = (_first, _search, _changes_and_reading)

NEWEST = len(_STEPS)
"""The schema that this program knows."""
