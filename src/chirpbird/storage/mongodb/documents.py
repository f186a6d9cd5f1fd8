"""Entities as documents and back. docs/schema.md shows the documents.

Large numbers come back as BSON's own kind of int, which is not msgspec's: hence the ``int()``.
An entry's and a member's ``_id`` is a document whose fields stand in the order that the clustered index sorts by.
"""

from __future__ import annotations

from typing import Any

from bson import MaxKey, MinKey

from chirpbird.chat.entities import (
    Channel,
    ChannelKind,
    Entry,
    EntryKind,
    Membership,
    Mute,
    RefreshToken,
    Role,
    User,
)
from chirpbird.chat.search_terms import index_terms

__all__ = [
    "ENTRY_FIELDS",
    "Document",
    "channel_document",
    "channel_of",
    "entry_document",
    "entry_of",
    "member_document",
    "member_id",
    "membership_document",
    "membership_of",
    "pair_of",
    "range_of",
    "search_terms",
    "sender_term",
    "seq_id",
    "token_document",
    "token_of",
    "user_document",
    "user_of",
]

Document = dict[str, Any]

ENTRY_FIELDS = {"terms": False}
"""What is read of an entry: all but what only the index is for."""


def seq_id(channel_id: str, seq: int) -> Document:
    """``_id`` of an entry."""
    return {"channel": channel_id, "seq": seq}


def member_id(channel_id: str, user_id: str) -> Document:
    """``_id`` of a membership."""
    return {"channel": channel_id, "user": user_id}


def range_of(channel_id: str, field: str, *, after: Any = None, before: Any = None) -> Document:
    """The ``_id``s of one channel with ``field`` (seq or user) between two bounds, neither included; None: no bound."""
    low = MinKey() if after is None else after
    high = MaxKey() if before is None else before
    return {"$gt": {"channel": channel_id, field: low}, "$lt": {"channel": channel_id, field: high}}


def entry_document(entry: Entry) -> Document:
    """What is empty is left out: most entries are messages without a key of their own or with no members."""
    document: Document = {
        "_id": seq_id(entry.channel_id, entry.seq),
        "kind": entry.kind.value,
        "sender_id": entry.sender_id,
        "created_at": entry.created_at,
        "message_number": entry.message_number,
    }
    if entry.key:
        document["key"] = entry.key
    if entry.text:
        document["text"] = entry.text
    if entry.kind is EntryKind.MESSAGE and not entry.is_emptied:
        document["terms"] = search_terms(entry.sender_id, entry.text)
    if entry.members:
        document["members"] = list(entry.members)
    if entry.target:
        document["reply_to" if entry.kind is EntryKind.MESSAGE else "target"] = entry.target
    if entry.mentions:
        # Edits are not counted, and so have no place in the index of mentions.
        field = "mentions" if entry.kind is EntryKind.MESSAGE else "mentioned"
        document[field] = list(entry.mentions)
    return document


def search_terms(sender_id: str, text: str) -> list[str]:
    """What a message is found by: its terms, and its sender."""
    return [*index_terms(text), sender_term(sender_id)]


def sender_term(sender_id: str) -> str:
    """No word of a text has an @."""
    return f"@{sender_id}"


def entry_of(document: Document) -> Entry:
    return Entry(
        channel_id=document["_id"]["channel"],
        seq=int(document["_id"]["seq"]),
        kind=EntryKind(document["kind"]),
        sender_id=document["sender_id"],
        key=document.get("key", ""),
        text=document.get("text", ""),
        members=tuple(document.get("members", ())),
        created_at=int(document["created_at"]),
        message_number=int(document["message_number"]),
        target=int(document.get("target") or document.get("reply_to", 0)),
        mentions=tuple(document.get("mentions") or document.get("mentioned", ())),
    )


def member_document(channel_id: str, user_id: str, *, since: int, role: Role) -> Document:
    """Somebody who came in with entry ``since``, and has read up to it."""
    return membership_document(
        Membership(channel_id=channel_id, user_id=user_id, role=role, since=since, read_seq=since)
    )


def membership_document(membership: Membership) -> Document:
    document: Document = {
        "_id": member_id(membership.channel_id, membership.user_id),
        "role": membership.role.value,
        "since": membership.since,
        "read_seq": membership.read_seq,
    }
    if membership.mute is not Mute.NONE:
        document["mute"] = membership.mute.value
    if membership.muted_until:
        document["muted_until"] = membership.muted_until
    return document


def membership_of(document: Document) -> Membership:
    return Membership(
        channel_id=document["_id"]["channel"],
        user_id=document["_id"]["user"],
        role=Role(document.get("role", "member")),
        since=int(document.get("since", 0)),
        read_seq=int(document.get("read_seq", 0)),
        mute=Mute(document.get("mute", "none")),
        muted_until=int(document.get("muted_until", 0)),
    )


def pair_of(first_id: str, second_id: str) -> list[str]:
    """Two people in order, whoever is named first."""
    return sorted((first_id, second_id))


def channel_document(channel: Channel, pair: list[str] | None) -> Document:
    document: Document = {
        "_id": channel.id,
        "kind": channel.kind.value,
        "name": channel.name,
        "name_key": channel.name.casefold(),
        "creator_id": channel.creator_id,
        "epoch": channel.epoch,
        "created_at": channel.created_at,
        "updated_at": channel.updated_at,
        "member_count": channel.member_count,
    }
    if channel.topic:
        document["topic"] = channel.topic
    if pair is not None:
        document["pair"] = " ".join(pair)
    return document


def channel_of(document: Document) -> Channel:
    return Channel(
        id=document["_id"],
        kind=ChannelKind(document["kind"]),
        name=document["name"],
        creator_id=document["creator_id"],
        epoch=document["epoch"],
        created_at=int(document["created_at"]),
        updated_at=int(document["updated_at"]),
        member_count=int(document["member_count"]),
        topic=document.get("topic", ""),
    )


def user_document(user: User) -> Document:
    """``words``: what a search for people may begin with: the username, and the name from each of its words on."""
    key = user.username.casefold()
    parts = user.name.casefold().split()
    document: Document = {
        "_id": user.id,
        "username": user.username,
        "username_key": key,
        "name": user.name,
        "words": sorted({key, *(" ".join(parts[start:]) for start in range(len(parts)))}),
        "password_hash": user.password_hash,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }
    if user.last_seen:
        document["last_seen"] = user.last_seen
    return document


def user_of(document: Document) -> User:
    return User(
        id=document["_id"],
        username=document["username"],
        name=document["name"],
        password_hash=document["password_hash"],
        created_at=int(document["created_at"]),
        updated_at=int(document["updated_at"]),
        last_seen=int(document.get("last_seen", 0)),
    )


def token_document(token: RefreshToken) -> Document:
    return {
        "_id": token.digest,
        "family": token.family,
        "user_id": token.user_id,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "used_at": token.used_at,
    }


def token_of(document: Document) -> RefreshToken:
    return RefreshToken(
        digest=bytes(document["_id"]),
        family=document["family"],
        user_id=document["user_id"],
        created_at=int(document["created_at"]),
        expires_at=int(document["expires_at"]),
        used_at=None if document["used_at"] is None else int(document["used_at"]),
    )
