"""What clients see of the chat: the JSON shapes of docs/API.md, and nothing that is not in it.

``render_entry`` runs once per message on the hot path; all the rest is plain structs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial

import msgspec
from msgspec import UNSET, UnsetType

from chirpbird.chat.entities import (
    CHANGES,
    Channel,
    ChannelKind,
    Entry,
    EntryKind,
    Membership,
    Mute,
    Position,
    Role,
    Unread,
    User,
)
from chirpbird.chat.folding import Message

__all__ = [
    "QUOTE",
    "REACTION_USERS",
    "ChannelRef",
    "ChannelStateView",
    "ChannelView",
    "EntryView",
    "MemberView",
    "MembersView",
    "MessagesView",
    "MuteView",
    "PersonView",
    "PositionView",
    "QuoteView",
    "ReactionView",
    "ReadView",
    "ReadsView",
    "StateView",
    "UserReadView",
    "UserView",
    "VersionView",
    "channel_view",
    "encode",
    "entry_view",
    "member_view",
    "message_view",
    "mute_view",
    "person_view",
    "position_view",
    "quote_view",
    "render_entry",
    "state_view",
    "timestamp",
    "user_view",
]


class PersonView(msgspec.Struct, frozen=True, rename="camel"):
    """A person as an entry names them."""

    id: str
    username: str
    name: str


class UserView(msgspec.Struct, frozen=True, rename="camel"):
    """``User`` of docs/API.md."""

    id: str
    username: str
    name: str
    created_at: str
    updated_at: str


class MemberView(UserView, frozen=True, rename="camel"):
    """``Member`` of docs/API.md."""

    role: str


class ChannelRef(msgspec.Struct, frozen=True, rename="camel"):
    """A channel as an entry names it."""

    id: str
    name: str


class ChannelView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """``Channel`` of docs/API.md. ``participants`` is left out where the page says so."""

    id: str
    kind: str
    name: str
    topic: str
    is_private: bool
    creator_id: str
    created_at: str
    updated_at: str
    member_count: int
    participants: tuple[UserView, ...] | UnsetType = UNSET


class QuoteView(msgspec.Struct, frozen=True, rename="camel"):
    """What a message answers."""

    seq: int
    sender: PersonView
    data: str
    deleted: bool


class ReactionView(msgspec.Struct, frozen=True, rename="camel"):
    """One emoji on a message; ``users`` are the first ones, ``mine`` says whether the one who asks is among all."""

    emoji: str
    count: int
    users: tuple[PersonView, ...]
    mine: bool


class EntryView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """``Entry`` of docs/API.md: which fields there are depends on its type, and on whether it is as said or as it is now."""

    id: str
    seq: int
    type: str
    sender: PersonView
    channel: ChannelRef
    created_at: str
    data: str | UnsetType = UNSET
    key: str | UnsetType = UNSET
    members: tuple[PersonView, ...] | UnsetType = UNSET
    mentions: tuple[str, ...] | UnsetType = UNSET
    reply_to: QuoteView | UnsetType = UNSET
    target: int | UnsetType = UNSET
    emoji: str | UnsetType = UNSET
    topic: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    edited_at: str | UnsetType = UNSET
    deleted: bool | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    reactions: tuple[ReactionView, ...] | UnsetType = UNSET


class PositionView(msgspec.Struct, frozen=True, rename="camel"):
    """The top of a log in Centrifuge's words."""

    offset: int
    epoch: str


class ChannelStateView(msgspec.Struct, frozen=True, rename="camel"):
    """``ChannelState`` of docs/API.md."""

    channel: ChannelView
    position: PositionView
    last_message: EntryView | None
    role: str
    read_seq: int
    unread: int
    mentions: int
    mute: str
    muted_until: str | None


class StateView(msgspec.Struct, frozen=True, rename="camel"):
    """The connect reply's ``data``."""

    user: UserView
    channels: list[ChannelStateView]
    time: str


class MessagesView(msgspec.Struct, frozen=True, rename="camel"):
    """A page of a channel's log, ascending; ``has_more`` looks in the direction of paging."""

    messages: list[EntryView]
    position: PositionView
    has_more: bool
    has_before: bool
    has_after: bool


class MembersView(msgspec.Struct, frozen=True, rename="camel"):
    """A page of a channel's members, by ascending id."""

    members: list[MemberView]
    has_more: bool


QUOTE = 200
"""Characters of a message that its answers show."""
REACTION_USERS = 20
"""People named for each emoji."""


class VersionView(msgspec.Struct, frozen=True, rename="camel"):
    """A text that a message had, and since when."""

    data: str
    created_at: str


class ReadView(msgspec.Struct, frozen=True, rename="camel"):
    """How far somebody has read, and what is behind that."""

    read_seq: int
    unread: int
    mentions: int


class UserReadView(msgspec.Struct, frozen=True, rename="camel"):
    """How far somebody else has read."""

    user_id: str
    seq: int


class ReadsView(msgspec.Struct, frozen=True, rename="camel"):
    """How far the members of a channel have read."""

    reads: list[UserReadView]


class MuteView(msgspec.Struct, frozen=True, rename="camel"):
    """What is muted, and until when."""

    mute: str
    muted_until: str | None


_ENCODER = msgspec.json.Encoder()

encode = _ENCODER.encode
"""Any of these views, or lists and dicts of them, as JSON bytes."""


def timestamp(ms: int) -> str:
    """RFC 3339 in UTC with milliseconds: ``2026-01-31T09:30:00.250Z``."""
    second, rest = divmod(ms, 1000)
    return f"{_second(second)}.{rest:03}Z"


@lru_cache(maxsize=64)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def user_view(user: User) -> UserView:
    """What everybody may see of a user."""
    return UserView(user.id, user.username, user.name, timestamp(user.created_at), timestamp(user.updated_at))


def member_view(user: User, membership: Membership | None) -> MemberView:
    """Somebody in a channel."""
    seen = user_view(user)
    role = Role.MEMBER if membership is None else membership.role
    return MemberView(seen.id, seen.username, seen.name, seen.created_at, seen.updated_at, role.value)


def person_view(user: User) -> PersonView:
    """The short form for entries."""
    return PersonView(user.id, user.username, user.name)


def position_view(position: Position) -> PositionView:
    """A log's top."""
    return PositionView(position.seq, position.epoch)


def channel_view(channel: Channel, participants: Iterable[User] | None = None) -> ChannelView:
    """``participants`` None: leave the field out."""
    return ChannelView(
        id=channel.id,
        kind=channel.kind.value,
        name=channel.name,
        topic=channel.topic,
        is_private=channel.kind is not ChannelKind.PUBLIC,
        creator_id=channel.creator_id,
        created_at=timestamp(channel.created_at),
        updated_at=timestamp(channel.updated_at),
        member_count=channel.member_count,
        participants=UNSET if participants is None else tuple(map(user_view, participants)),
    )


def entry_view(
    entry: Entry,
    sender: User,
    channel: Channel,
    members: Sequence[User] = (),
    quote: QuoteView | UnsetType = UNSET,
) -> EntryView:
    """An entry as it was appended. ``members`` are the users that it is about, in its order; ``quote``: what it answers."""
    kind = entry.kind
    if kind is EntryKind.MESSAGE:
        return EntryView(
            id=f"{entry.channel_id}.{entry.seq}",
            seq=entry.seq,
            type=kind.value,
            sender=PersonView(sender.id, sender.username, sender.name),
            channel=ChannelRef(channel.id, channel.name),
            created_at=timestamp(entry.created_at),
            data=entry.text,
            key=entry.key or UNSET,
            mentions=entry.mentions or UNSET,
            reply_to=quote,
            deleted=UNSET if entry.text else True,
        )
    view = partial(
        EntryView,
        id=f"{entry.channel_id}.{entry.seq}",
        seq=entry.seq,
        type=kind.value,
        sender=person_view(sender),
        channel=ChannelRef(channel.id, channel.name),
        created_at=timestamp(entry.created_at),
    )
    if kind in CHANGES:
        edited, reacted = kind is EntryKind.EDITED, kind in (EntryKind.REACTED, EntryKind.UNREACTED)
        return view(
            target=entry.target,
            data=entry.text if edited else UNSET,
            mentions=entry.mentions or UNSET,
            emoji=entry.text if reacted else UNSET,
            deleted=True if entry.is_emptied else UNSET,
        )
    if kind is EntryKind.TOPIC:
        return view(topic=entry.text)
    if kind is EntryKind.RENAMED:
        return view(name=entry.text)
    role = entry.text if kind is EntryKind.ROLE else UNSET
    return view(members=tuple(map(person_view, members)), role=role)


def message_view(said: EntryView, now: Message, people: Mapping[str, User], asker: str) -> EntryView:
    """A message as it is now; ``people`` has those of the first reactions of each emoji, ``asker`` is who will see it."""
    reactions = tuple(
        ReactionView(
            emoji=reaction.emoji,
            count=len(reaction.user_ids),
            users=tuple(person_view(people[user_id]) for user_id in reaction.user_ids[:REACTION_USERS]),
            mine=asker in reaction.user_ids,
        )
        for reaction in now.reactions
    )
    return msgspec.structs.replace(
        said,
        data=now.text,
        mentions=now.mentions or UNSET,
        edited_at=timestamp(now.edited_at) if now.edited_at else UNSET,
        deleted=now.deleted or UNSET,
        pinned=now.pinned or UNSET,
        reactions=reactions or UNSET,
    )


def quote_view(seq: int, sender: User, now: Message) -> QuoteView:
    """A message as its answers quote it."""
    return QuoteView(seq, person_view(sender), now.text[:QUOTE], now.deleted)


def state_view(
    channel: ChannelView,
    position: Position,
    last_message: EntryView | None,
    membership: Membership,
    unread: Unread,
    now_ms: int,
) -> ChannelStateView:
    """A channel as one of its members finds it."""
    mute, muted_until = mute_view(membership, now_ms)
    return ChannelStateView(
        channel,
        position_view(position),
        last_message,
        membership.role.value,
        membership.read_seq,
        unread.messages,
        unread.mentions,
        mute,
        muted_until,
    )


def mute_view(membership: Membership, now_ms: int) -> tuple[str, str | None]:
    """What is muted at this time, and until when."""
    until = membership.muted_until
    if until and until <= now_ms:
        return Mute.NONE.value, None
    return membership.mute.value, timestamp(until) if until else None


def render_entry(entry: Entry, sender: User, channel: Channel, members: Sequence[User] = ()) -> bytes:
    """An entry as every subscriber gets it."""
    return _ENCODER.encode(entry_view(entry, sender, channel, members))
