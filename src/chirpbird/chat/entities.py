"""The things a chat is made of, as the domain and the stores pass them around.

Identifiers are ULIDs in text (26 characters, sortable by creation). Times are whole milliseconds since the
Unix epoch, UTC. ``seq`` is an entry's position in its channel's log: 1, 2, 3, ... without holes, and equal to
the Centrifuge ``offset`` of its publication. How these look to clients is decided in ``chat/views.py``.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = [
    "Channel",
    "ChannelKind",
    "Draft",
    "Entry",
    "EntryKind",
    "Position",
    "RefreshToken",
    "User",
]


class ChannelKind(StrEnum):
    """Who may find and enter a channel."""

    PUBLIC = "public"
    """Anybody signed in may find and join it; its name is unique without regard to case."""
    PRIVATE = "private"
    """Only members see it; members add others."""
    DIRECT = "direct"
    """Exactly two people, no name, one per pair."""


class EntryKind(StrEnum):
    """What an entry of a channel's log says happened."""

    CREATED = "created"
    """Always seq 1. ``members`` are the first members."""
    MESSAGE = "message"
    JOINED = "joined"
    """``members`` came in: by themselves, or added by ``sender_id``."""
    LEFT = "left"
    """``members`` went: by themselves, or removed by ``sender_id``."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person with an account. ``username`` keeps its case; it is unique without regard to it."""

    id: str
    username: str
    name: str
    """What others see; free text, may change."""
    password_hash: str
    """Argon2id in PHC form. Never leaves the chat package."""
    created_at: int
    updated_at: int


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A public group, a private group, or a direct pair; and the identity of its log."""

    id: str
    kind: ChannelKind
    name: str
    """Empty for a direct pair."""
    creator_id: str
    epoch: str
    """Identity of the log: changes only if the log was replaced (restored from an older backup, say)."""
    created_at: int
    updated_at: int
    member_count: int = 0


class Position(msgspec.Struct, frozen=True):
    """The top of a log: its last ``seq`` (0 when empty), and the ``epoch`` that it belongs to."""

    seq: int
    epoch: str


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An entry on its way into a log: all but what the log itself decides (seq, time, running number)."""

    channel_id: str
    kind: EntryKind
    sender_id: str
    key: str = ""
    """The client's own key of this send, unique per (channel, sender). Empty: not idempotent."""
    text: str = ""
    members: tuple[str, ...] = ()
    """Users that a CREATED, JOINED or LEFT entry is about."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a channel's log, as appended. Never changes."""

    channel_id: str
    seq: int
    kind: EntryKind
    sender_id: str
    key: str
    text: str
    members: tuple[str, ...]
    created_at: int
    message_number: int
    """How many MESSAGE entries the log holds up to and including this one: unread counts subtract two of these."""


class RefreshToken(msgspec.Struct, frozen=True, kw_only=True):
    """One refresh token of a sign-in. A sign-in is a ``family`` of tokens, each used once (RFC 9700, 4.14)."""

    digest: bytes
    """SHA-256 of the token: the token itself is never stored."""
    family: str
    user_id: str
    created_at: int
    expires_at: int
    used_at: int | None = None
