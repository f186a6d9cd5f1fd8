"""Entries that change more than the log, each in a transaction together with what it changes: members and their roles, a
channel's name and topic, texts that a deletion empties; and edits, which a deletion must not miss.
"""

from __future__ import annotations

from pymongo import UpdateMany

from chirpbird.chat.entities import CHANGES, ChannelKind, Draft, Entry, EntryKind, Role
from chirpbird.chat.errors import NotFound
from chirpbird.chat.folding import Change, admit
from chirpbird.storage.mongodb.connection import Mongo, Session
from chirpbird.storage.mongodb.documents import (
    Document,
    member_document,
    member_id,
    range_of,
    search_terms,
    seq_id,
)

__all__ = ["changing", "is_admitted", "project"]


async def changing(mongo: Mongo, session: Session, draft: Draft) -> tuple[str, ...] | None:
    """The members of the entry that the draft becomes; None when it would change nothing.

    Errors: NotFound, InvalidInput; DuplicateKeyError of a public name that is taken comes when it is written.
    """
    if draft.kind in CHANGES:
        return () if await is_admitted(mongo, session, draft) else None
    if draft.kind in (EntryKind.TOPIC, EntryKind.RENAMED):
        channel = await mongo.channels.find_one({"_id": draft.channel_id}, session=session)
        if channel is None:
            raise NotFound("no such channel")
        field = "topic" if draft.kind is EntryKind.TOPIC else "name"
        return () if channel.get(field, "") != draft.text else None
    wanted = list(dict.fromkeys(draft.members))
    ids = [member_id(draft.channel_id, user_id) for user_id in wanted]
    roles = {
        document["_id"]["user"]: document.get("role", Role.MEMBER.value)
        async for document in mongo.members.find({"_id": {"$in": ids}}, session=session)
    }
    if draft.kind is EntryKind.ROLE:
        return tuple(user for user in wanted if user in roles and roles[user] != draft.text) or None
    leaving = draft.kind is EntryKind.LEFT
    return tuple(user for user in wanted if (user in roles) is leaving) or None


async def is_admitted(mongo: Mongo, session: Session, draft: Draft) -> bool:
    """Whether a change of a message would change anything. Errors: NotFound, InvalidInput."""
    target = await mongo.entries.find_one(
        {"_id": seq_id(draft.channel_id, draft.target)}, {"kind": 1}, session=session
    )
    if target is None or target["kind"] != EntryKind.MESSAGE.value:
        raise NotFound("no such message")
    found = mongo.entries.find(
        {"_id.channel": draft.channel_id, "target": draft.target},
        {"kind": 1, "sender_id": 1, "text": 1},
        session=session,
    )
    changes = [
        Change(EntryKind(document["kind"]), document["sender_id"], document.get("text", ""))
        async for document in found.sort("_id.seq", 1)
    ]
    return admit(changes, draft.kind, draft.sender_id, draft.text)


async def project(mongo: Mongo, session: Session, entry: Entry) -> None:
    """Have the records say what the entry says."""
    if entry.kind is EntryKind.DELETED:
        await _empty(mongo, session, entry)
    elif entry.kind is EntryKind.EDITED:
        await _find_by(mongo, session, entry)
    elif entry.kind is EntryKind.ROLE:
        await _give_role(mongo, session, entry)
    elif entry.kind is EntryKind.TOPIC:
        await _set(mongo, session, entry, {"topic": entry.text})
    elif entry.kind is EntryKind.RENAMED:
        await _set(mongo, session, entry, {"name": entry.text, "name_key": entry.text.casefold()})
    elif entry.kind in (EntryKind.JOINED, EntryKind.LEFT):
        await _move(mongo, session, entry)


async def _set(mongo: Mongo, session: Session, entry: Entry, fields: Document) -> None:
    fields = fields | {"updated_at": entry.created_at}
    await mongo.channels.update_one({"_id": entry.channel_id}, {"$set": fields}, session=session)


async def _move(mongo: Mongo, session: Session, entry: Entry) -> None:
    channel_id = entry.channel_id
    if entry.kind is EntryKind.LEFT:
        ids = [member_id(channel_id, user_id) for user_id in entry.members]
        await mongo.members.delete_many({"_id": {"$in": ids}}, session=session)
        change = -len(ids)
    else:
        channel = await mongo.channels.find_one({"_id": channel_id}, session=session)
        # Who comes into a group that nobody was left in owns it.
        alone = channel is not None and channel["member_count"] == 0
        alone = alone and channel is not None and channel["kind"] != ChannelKind.DIRECT.value
        rows = [
            member_document(
                channel_id, user_id, since=entry.seq, role=Role.OWNER if alone and not number else Role.MEMBER
            )
            for number, user_id in enumerate(entry.members)
        ]
        await mongo.members.insert_many(rows, session=session)
        change = len(rows)
    await mongo.channels.update_one(
        {"_id": channel_id},
        {"$inc": {"member_count": change}, "$set": {"updated_at": entry.created_at}},
        session=session,
    )


async def _give_role(mongo: Mongo, session: Session, entry: Entry) -> None:
    ids = [member_id(entry.channel_id, user_id) for user_id in entry.members]
    given = UpdateMany({"_id": {"$in": ids}}, {"$set": {"role": entry.text}})
    if entry.text != Role.OWNER.value:
        await mongo.members.bulk_write([given], session=session)
        return
    # Found first: role has no index, and a channel's members are one range of the clustered one.
    owners = mongo.members.find(
        {"_id": range_of(entry.channel_id, "user"), "role": Role.OWNER.value}, session=session
    )
    former = [document["_id"] async for document in owners]
    demoted = UpdateMany({"_id": {"$in": former}}, {"$set": {"role": Role.ADMIN.value}})
    await mongo.members.bulk_write([demoted, given], session=session)


async def _find_by(mongo: Mongo, session: Session, entry: Entry) -> None:
    """A message is found by what it says now."""
    said = seq_id(entry.channel_id, entry.target)
    # Only the sender edits.
    terms = search_terms(entry.sender_id, entry.text)
    await mongo.entries.update_one({"_id": said}, {"$set": {"terms": terms}}, session=session)


async def _empty(mongo: Mongo, session: Session, entry: Entry) -> None:
    """A message and its earlier versions: nothing of what they said is left."""
    edits = {"_id.channel": entry.channel_id, "target": entry.target, "kind": EntryKind.EDITED.value}
    emptied = {"$unset": {"text": "", "mentions": "", "terms": ""}}
    await mongo.entries.update_one({"_id": seq_id(entry.channel_id, entry.target)}, emptied, session=session)
    await mongo.entries.update_many(edits, emptied, session=session)
