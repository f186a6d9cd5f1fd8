"""Entries that change more than the log: each in a transaction together with what it changes."""

from __future__ import annotations

from collections.abc import Callable

from pymongo.errors import DuplicateKeyError

from chirpbird.chat.entities import Channel, ChannelKind, Draft, Entry, EntryKind, Role
from chirpbird.chat.errors import AlreadyExists, NotFound
from chirpbird.storage.mongodb.connection import Mongo, Session
from chirpbird.storage.mongodb.documents import (
    ENTRY_FIELDS,
    channel_document,
    channel_of,
    entry_document,
    entry_of,
    member_document,
    pair_of,
    seq_id,
)
from chirpbird.storage.mongodb.projecting import changing, project
from chirpbird.storage.mongodb.tops import find_top

__all__ = ["create_channel", "is_move", "move"]

_MOVES = frozenset(
    {
        EntryKind.CREATED,
        EntryKind.JOINED,
        EntryKind.LEFT,
        EntryKind.TOPIC,
        EntryKind.RENAMED,
        EntryKind.ROLE,
        EntryKind.EDITED,
        EntryKind.DELETED,
    }
)


def is_move(draft: Draft) -> bool:
    """Whether the entry changes more than the log."""
    return draft.kind in _MOVES


async def create_channel(
    mongo: Mongo, channel: Channel, created: Draft, now_ms: Callable[[], int]
) -> tuple[Channel, Entry]:
    """The channel, its first entry and its members. Errors: AlreadyExists, StoreUnavailable."""
    members = tuple(dict.fromkeys(created.members))
    pair = pair_of(*members) if channel.kind is ChannelKind.DIRECT else None

    async def body(session: Session) -> tuple[Channel, Entry]:
        entry = Entry(
            channel_id=channel.id,
            seq=1,
            kind=created.kind,
            sender_id=created.sender_id,
            key=created.key,
            text=created.text,
            members=members,
            created_at=now_ms(),
            message_number=0,
        )
        document = channel_document(channel, pair)
        document |= {"member_count": len(members), "updated_at": entry.created_at}
        await mongo.channels.insert_one(document, session=session)
        await mongo.entries.insert_one(entry_document(entry), session=session)
        if members:
            rows = [
                member_document(channel.id, user_id, since=1, role=_first_role(channel, created, user_id))
                for user_id in members
            ]
            await mongo.members.insert_many(rows, session=session)
        return channel_of(document), entry

    try:
        return await mongo.transaction(body)
    except DuplicateKeyError as error:
        if pair is not None:
            raise AlreadyExists("these two people have their channel already") from error
        raise AlreadyExists(f"a public channel named {channel.name} exists", field="name") from error


async def move(mongo: Mongo, draft: Draft, now_ms: Callable[[], int]) -> tuple[Entry, bool]:
    """Append such an entry; the entry (or the top if it would change nothing), and whether it is new.

    Errors: NotFound, InvalidInput, AlreadyExists, StoreUnavailable.
    """

    async def body(session: Session) -> tuple[Entry, bool]:
        top = await find_top(mongo, session, draft.channel_id)
        if top is None:
            raise NotFound("no such channel")
        if draft.key:
            keyed = {"_id.channel": draft.channel_id, "sender_id": draft.sender_id, "key": draft.key}
            found = await mongo.entries.find_one(keyed, ENTRY_FIELDS, session=session)
            if found is not None:
                return entry_of(found), False
        members = await changing(mongo, session, draft)
        if members is None:
            found = await mongo.entries.find_one(
                {"_id": seq_id(draft.channel_id, top.seq)}, ENTRY_FIELDS, session=session
            )
            if found is None:
                raise NotFound("no such channel")
            return entry_of(found), False
        entry = Entry(
            channel_id=draft.channel_id,
            seq=top.seq + 1,
            kind=draft.kind,
            sender_id=draft.sender_id,
            key=draft.key,
            text=draft.text,
            members=members,
            created_at=max(now_ms(), top.created_at),
            message_number=top.messages,
            target=draft.target,
            mentions=draft.mentions,
        )
        await mongo.entries.insert_one(entry_document(entry), session=session)
        try:
            await project(mongo, session, entry)
        except DuplicateKeyError as error:
            if entry.kind is not EntryKind.RENAMED:
                raise
            raise AlreadyExists(f"a public channel named {draft.text} exists", field="name") from error
        return entry, True

    # Somebody else's entry may take the seq after our snapshot: the next snapshot has it.
    return await mongo.transaction(body, again_on_duplicate=True)


def _first_role(channel: Channel, created: Draft, user_id: str) -> Role:
    owns = channel.kind is not ChannelKind.DIRECT and user_id == created.sender_id
    return Role.OWNER if owns else Role.MEMBER
