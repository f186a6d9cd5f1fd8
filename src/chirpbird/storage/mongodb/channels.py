"""Channels and their members in MongoDB."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chirpbird.chat.entities import Channel, ChannelKind, Draft, Entry, EntryKind, Membership, Position
from chirpbird.storage.mongodb.appender import Appender
from chirpbird.storage.mongodb.connection import Mongo, Session
from chirpbird.storage.mongodb.documents import (
    ENTRY_FIELDS,
    Document,
    channel_of,
    entry_of,
    member_id,
    membership_of,
    pair_of,
    range_of,
)
from chirpbird.storage.mongodb.membership import create_channel

__all__ = ["MongoChannels", "last_entries"]

_AT_ONCE = 200
"""Channels whose last entries are asked for in one command."""


class MongoChannels:
    """``chat.ports.Channels``."""

    def __init__(self, mongo: Mongo, appender: Appender) -> None:
        self._mongo = mongo
        self._appender = appender

    async def create(self, channel: Channel, created: Draft) -> tuple[Channel, Entry]:
        stored, entry = await create_channel(self._mongo, channel, created, self._appender.now_ms)
        self._appender.committed([entry])
        return stored, entry

    async def by_id(self, channel_id: str) -> Channel | None:
        return await self._one({"_id": channel_id})

    async def public_by_name(self, name: str) -> Channel | None:
        return await self._one({"name_key": name.casefold(), "kind": ChannelKind.PUBLIC.value})

    async def direct_between(self, first_id: str, second_id: str) -> Channel | None:
        return await self._one({"pair": " ".join(pair_of(first_id, second_id))})

    async def of_user(self, user_id: str) -> list[tuple[Channel, Position, Entry | None]]:
        async with self._mongo.session() as session:
            memberships = self._mongo.members.find({"_id.user": user_id}, session=session)
            ids = [document["_id"]["channel"] async for document in memberships]
            found = self._mongo.channels.find({"_id": {"$in": ids}}, session=session)
            channels = [channel_of(document) async for document in found]
            tops = await last_entries(self._mongo, session, ids)
            # The last entry is nearly always a message; only where it is not, and there is one, look for it.
            quiet = [
                top.channel_id
                for top in tops.values()
                if top.kind is not EntryKind.MESSAGE and top.message_number
            ]
            said = await last_entries(self._mongo, session, quiet, {"kind": EntryKind.MESSAGE.value})
        rows = []
        for channel in channels:
            top = tops[channel.id]
            last = top if top.kind is EntryKind.MESSAGE else said.get(channel.id)
            rows.append((top.created_at, channel.id, (channel, Position(top.seq, channel.epoch), last)))
        rows.sort(key=lambda row: row[:2], reverse=True)
        return [row for _, _, row in rows]

    async def search_public(self, text: str, *, limit: int) -> list[Channel]:
        at = {"$indexOfBytes": ["$name_key", {"$literal": text.casefold()}]}
        pipeline: list[Document] = [
            {"$match": {"kind": ChannelKind.PUBLIC.value, "name_key": {"$gte": ""}}},
            {"$addFields": {"at": at}},
            {"$match": {"at": {"$gte": 0}}},
            {"$addFields": {"later": {"$gt": ["$at", 0]}}},
            {"$sort": {"later": 1, "member_count": -1, "name_key": 1}},
            {"$limit": limit},
        ]
        async with self._mongo.session() as session:
            found = await self._mongo.channels.aggregate(pipeline, session=session)
            return [channel_of(document) async for document in found]

    async def ids_of_user(self, user_id: str) -> list[str]:
        async with self._mongo.session() as session:
            memberships = self._mongo.members.find({"_id.user": user_id}, session=session)
            return [document["_id"]["channel"] async for document in memberships]

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        async with self._mongo.session() as session:
            found = await self._mongo.members.find_one(
                {"_id": member_id(channel_id, user_id)}, session=session
            )
        return found is not None

    async def memberships(self, channel_id: str, user_ids: Iterable[str]) -> dict[str, Membership]:
        ids = [member_id(channel_id, user_id) for user_id in user_ids]
        if not ids:
            return {}
        async with self._mongo.session() as session:
            found = self._mongo.members.find({"_id": {"$in": ids}}, session=session)
            return {document["_id"]["user"]: membership_of(document) async for document in found}

    async def successor(self, channel_id: str, leaving: str) -> str | None:
        pipeline: list[Document] = [
            {"$match": {"_id": range_of(channel_id, "user"), "_id.user": {"$ne": leaving}}},
            {"$addFields": {"later": {"$ne": ["$role", "admin"]}, "user": "$_id.user"}},
            {"$sort": {"later": 1, "since": 1, "user": 1}},
            {"$limit": 1},
        ]
        async with self._mongo.session() as session:
            found = await self._mongo.members.aggregate(pipeline, session=session)
            async for document in found:
                return str(document["user"])
        return None

    async def members(self, channel_id: str, *, limit: int, after: str = "") -> list[str]:
        async with self._mongo.session() as session:
            ids = range_of(channel_id, "user", after=after)
            found = self._mongo.members.find({"_id": ids}, session=session).sort("_id", 1).limit(limit)
            return [document["_id"]["user"] async for document in found]

    async def peers(self, channel_ids: Iterable[str], user_id: str) -> dict[str, str]:
        wanted = {"_id": {"$in": list(channel_ids)}, "pair": {"$exists": True}}
        async with self._mongo.session() as session:
            found = self._mongo.channels.find(wanted, {"pair": 1}, session=session)
            pairs = {document["_id"]: document["pair"].split() async for document in found}
        return {
            channel_id: next((one for one in pair if one != user_id), user_id)
            for channel_id, pair in pairs.items()
        }

    async def _one(self, wanted: Document) -> Channel | None:
        async with self._mongo.session() as session:
            found = await self._mongo.channels.find_one(wanted, session=session)
        return None if found is None else channel_of(found)


async def last_entries(
    mongo: Mongo, session: Session, channel_ids: Sequence[str], wanted: Document | None = None
) -> dict[str, Entry]:
    """The last entry of each channel's log (of those that are ``wanted``): each a look at the end of one range of the
    clustered index, many in one command.
    """
    last: dict[str, Entry] = {}
    for start in range(0, len(channel_ids), _AT_ONCE):
        first, *others = (
            _last_of(channel_id, wanted or {}) for channel_id in channel_ids[start : start + _AT_ONCE]
        )
        unions = [{"$unionWith": {"coll": "entries", "pipeline": other}} for other in others]
        found = await mongo.entries.aggregate([*first, *unions], session=session)
        async for document in found:
            last[document["_id"]["channel"]] = entry_of(document)
    return last


def _last_of(channel_id: str, wanted: Document) -> list[Document]:
    return [
        {"$match": {"_id": range_of(channel_id, "seq"), **wanted}},
        {"$sort": {"_id": -1}},
        {"$limit": 1},
        {"$project": ENTRY_FIELDS},
    ]
