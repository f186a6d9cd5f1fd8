"""Who has read what, in MongoDB."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import UpdateOne

from chirpbird.chat.entities import EVERYBODY, EntryKind, Membership, Mute, ReadMark, Unread
from chirpbird.chat.errors import NotFound
from chirpbird.storage.mongodb.channels import last_entries
from chirpbird.storage.mongodb.connection import Mongo, Session
from chirpbird.storage.mongodb.documents import Document, member_id, membership_of, range_of, seq_id

__all__ = ["MongoReading"]

_AT_ONCE = 200
"""Positions whose counts are asked for in one command."""


class MongoReading:
    """``chat.ports.Reading``."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def of_user(self, user_id: str) -> dict[str, Membership]:
        async with self._mongo.session() as session:
            found = self._mongo.members.find({"_id.user": user_id}, session=session)
            return {document["_id"]["channel"]: membership_of(document) async for document in found}

    async def mark(self, marks: Sequence[ReadMark]) -> None:
        if not marks:
            return
        updates = [
            UpdateOne(
                {"_id": member_id(mark.channel_id, mark.user_id)},
                {"$set" if mark.back else "$max": {"read_seq": mark.seq}},
            )
            for mark in marks
        ]
        async with self._mongo.session() as session:
            await self._mongo.members.bulk_write(updates, session=session)

    async def unread(self, marks: Sequence[ReadMark]) -> list[Unread]:
        counted: list[Unread] = []
        async with self._mongo.session() as session:
            for start in range(0, len(marks), _AT_ONCE):
                counted += await self._count(session, marks[start : start + _AT_ONCE])
        return counted

    async def positions(self, channel_id: str) -> dict[str, int]:
        async with self._mongo.session() as session:
            found = self._mongo.members.find({"_id": range_of(channel_id, "user")}, session=session)
            return {document["_id"]["user"]: membership_of(document).read_seq async for document in found}

    async def set_mute(self, channel_id: str, user_id: str, mute: Mute, until: int) -> None:
        async with self._mongo.session() as session:
            changed = await self._mongo.members.update_one(
                {"_id": member_id(channel_id, user_id)},
                {"$set": {"mute": mute.value, "muted_until": until}},
                session=session,
            )
        if changed.matched_count == 0:
            raise NotFound("no such member")

    async def _count(self, session: Session, marks: Sequence[ReadMark]) -> list[Unread]:
        """Messages by subtraction; what is to be counted, only where there are any."""
        tops = await last_entries(self._mongo, session, list({mark.channel_id for mark in marks}))
        behind = [self._behind(mark, tops[mark.channel_id].seq) for mark in marks if mark.channel_id in tops]
        ids = [seq_id(*place) for place in {*behind} if place[1] > 0]
        found = self._mongo.entries.find({"_id": {"$in": ids}}, {"message_number": 1}, session=session)
        read = {
            (document["_id"]["channel"], int(document["_id"]["seq"])): int(document["message_number"])
            async for document in found
        }
        messages = []
        for mark in marks:
            top = tops.get(mark.channel_id)
            place = self._behind(mark, 0 if top is None else top.seq)
            messages.append(0 if top is None else top.message_number - read.get(place, 0))
        wanted = [(number, mark) for number, mark in enumerate(marks) if messages[number]]
        deleted = await self._sum(session, [(number, _deleted(mark)) for number, mark in wanted])
        mentions = await self._sum(session, [(number, _mentions(mark)) for number, mark in wanted])
        return [
            Unread(messages[number] - deleted.get(number, 0), mentions.get(number, 0))
            for number in range(len(marks))
        ]

    def _behind(self, mark: ReadMark, top: int) -> tuple[str, int]:
        return mark.channel_id, min(mark.seq, top)

    async def _sum(self, session: Session, wanted: Sequence[tuple[int, Document]]) -> dict[int, int]:
        """How many entries each of these finds, by its number: many in one command."""
        if not wanted:
            return {}
        first, *others = [_count_of(number, match) for number, match in wanted]
        unions: list[Document] = [{"$unionWith": {"coll": "entries", "pipeline": other}} for other in others]
        found = await self._mongo.entries.aggregate([*first, *unions], session=session)
        return {int(document["number"]): int(document["count"]) async for document in found}


def _count_of(number: int, match: Document) -> list[Document]:
    return [{"$match": match}, {"$count": "count"}, {"$addFields": {"number": number}}]


def _deleted(mark: ReadMark) -> Document:
    return {"_id.channel": mark.channel_id, "kind": EntryKind.DELETED.value, "target": {"$gt": mark.seq}}


def _mentions(mark: ReadMark) -> Document:
    # A document is counted once, by whichever of the two it is found.
    return {
        "mentions": {"$in": [mark.user_id, EVERYBODY]},
        "_id.channel": mark.channel_id,
        "_id.seq": {"$gt": mark.seq},
    }
