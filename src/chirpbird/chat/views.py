"""What clients see of the chat: the JSON shapes of docs/API.md, and nothing that is not in it.

``render_entry`` runs once per message on the hot path; all the rest is plain structs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache

import msgspec
from msgspec import UNSET, UnsetType

from chirpbird.chat.entities import Channel, ChannelKind, Entry, EntryKind, Position, User

__all__ = [
    "ChannelRef",
    "ChannelStateView",
    "ChannelView",
    "EntryView",
    "FoundView",
    "FragmentView",
    "MembersView",
    "MessagesView",
    "PersonView",
    "PositionView",
    "SearchView",
    "StateView",
    "UserView",
    "channel_view",
    "encode",
    "entry_view",
    "person_view",
    "position_view",
    "render_entry",
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


class ChannelRef(msgspec.Struct, frozen=True, rename="camel"):
    """A channel as an entry names it."""

    id: str
    name: str


class ChannelView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """``Channel`` of docs/API.md. ``participants`` is left out where the page says so."""

    id: str
    kind: str
    name: str
    is_private: bool
    creator_id: str
    created_at: str
    updated_at: str
    member_count: int
    participants: tuple[UserView, ...] | UnsetType = UNSET


class EntryView(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """``Entry`` of docs/API.md: ``data`` and ``key`` of messages only, ``members`` of the other types."""

    id: str
    seq: int
    type: str
    sender: PersonView
    channel: ChannelRef
    created_at: str
    data: str | UnsetType = UNSET
    key: str | UnsetType = UNSET
    members: tuple[PersonView, ...] | UnsetType = UNSET


class PositionView(msgspec.Struct, frozen=True, rename="camel"):
    """The top of a log in Centrifuge's words."""

    offset: int
    epoch: str


class ChannelStateView(msgspec.Struct, frozen=True, rename="camel"):
    """``ChannelState`` of docs/API.md."""

    channel: ChannelView
    position: PositionView
    last_message: EntryView | None


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


class FragmentView(msgspec.Struct, frozen=True):
    """A piece of a text that was found; ``match``: it is what was looked for."""

    text: str
    match: bool


class FoundView(msgspec.Struct, frozen=True):
    """A message that was found; its text is the fragments one after the other."""

    message: EntryView
    fragments: list[FragmentView]


class SearchView(msgspec.Struct, frozen=True):
    """A page of what was found, newest first; ``cursor`` None: that was all."""

    found: list[FoundView]
    cursor: str | None


class MembersView(msgspec.Struct, frozen=True, rename="camel"):
    """A page of a channel's members, by ascending id."""

    members: list[UserView]
    has_more: bool


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
        is_private=channel.kind is not ChannelKind.PUBLIC,
        creator_id=channel.creator_id,
        created_at=timestamp(channel.created_at),
        updated_at=timestamp(channel.updated_at),
        member_count=channel.member_count,
        participants=UNSET if participants is None else tuple(map(user_view, participants)),
    )


def entry_view(entry: Entry, sender: User, channel: Channel, members: Sequence[User] = ()) -> EntryView:
    """``members`` are the users that the entry is about, in its order."""
    is_message = entry.kind is EntryKind.MESSAGE
    return EntryView(
        id=f"{entry.channel_id}.{entry.seq}",
        seq=entry.seq,
        type=entry.kind.value,
        sender=PersonView(sender.id, sender.username, sender.name),
        channel=ChannelRef(channel.id, channel.name),
        created_at=timestamp(entry.created_at),
        data=entry.text if is_message else UNSET,
        key=entry.key if is_message and entry.key else UNSET,
        members=UNSET if is_message else tuple(map(person_view, members)),
    )


def render_entry(entry: Entry, sender: User, channel: Channel, members: Sequence[User] = ()) -> bytes:
    """An entry as every subscriber gets it."""
    return _ENCODER.encode(entry_view(entry, sender, channel, members))
