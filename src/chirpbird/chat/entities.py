"""The things a chat is made of, as the domain and the stores pass them around.

Identifiers are ULIDs in text (26 characters, sortable by creation). Times are whole milliseconds since the
Unix epoch, UTC. ``seq`` is an entry's position in its channel's log: 1, 2, 3, ... without holes, and equal to
the Centrifuge ``offset`` of its publication. How these look to clients is decided in ``chat/views.py``.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = [
    "CHANGES",
    "EVERYBODY",
    "Channel",
    "ChannelKind",
    "Draft",
    "Entry",
    "EntryKind",
    "Membership",
    "Mute",
    "Position",
    "ReadMark",
    "RefreshToken",
    "Role",
    "Unread",
    "User",
]

EVERYBODY = "*"
"""Among an entry's mentions: all members of the channel."""


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
    TOPIC = "topic"
    """``text`` is what the channel is about from now on; empty: nothing in particular."""
    RENAMED = "renamed"
    """``text`` is the group's name from now on."""
    ROLE = "role"
    """``members`` have the role ``text`` from now on; of OWNER there is one, and the one before becomes an ADMIN."""

    EDITED = "edited"
    """The message ``target`` has this ``text`` and these ``mentions`` now."""
    DELETED = "deleted"
    """The message ``target`` is gone: with this entry its text, and those of its edits, are emptied."""
    REACTED = "reacted"
    """``sender_id`` reacted to the message ``target`` with the emoji ``text``."""
    UNREACTED = "unreacted"
    """... and took it back."""
    PINNED = "pinned"
    UNPINNED = "unpinned"


CHANGES = frozenset(
    {
        EntryKind.EDITED,
        EntryKind.DELETED,
        EntryKind.REACTED,
        EntryKind.UNREACTED,
        EntryKind.PINNED,
        EntryKind.UNPINNED,
    }
)
"""Kinds of entries that say how an earlier message looks now; all others are rows of the channel's history."""


class Role(StrEnum):
    """What somebody may do in a group. In a direct channel both are MEMBER."""

    OWNER = "owner"
    """One in each group: its creator, or whom it was handed to."""
    ADMIN = "admin"
    MEMBER = "member"


class Mute(StrEnum):
    """What somebody does not want to be told of a channel."""

    NONE = "none"
    ALL = "all"
    MENTIONS = "mentions"
    """All but mentions."""


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
    last_seen: int = 0
    """When their last device went; 0: it was never seen to. What directories remember of it is old."""


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
    topic: str = ""


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
    """Users that a CREATED, JOINED, LEFT or ROLE entry is about."""
    target: int = 0
    """The message (its seq) that a change is about, or that a message replies to; 0: none."""
    mentions: tuple[str, ...] = ()
    """User ids that the text mentions; EVERYBODY stands for all."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a channel's log, as appended. Never changes, but that a deletion empties texts and mentions."""

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
    target: int = 0
    mentions: tuple[str, ...] = ()

    @property
    def is_emptied(self) -> bool:
        """A message or an edit of it whose text went with the message: nothing that is said is empty."""
        return not self.text and self.kind in (EntryKind.MESSAGE, EntryKind.EDITED)


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in a channel, and what is kept of it for them."""

    channel_id: str
    user_id: str
    role: Role = Role.MEMBER
    since: int = 0
    """Seq of the entry that brought them in; 0: from before this was kept."""
    read_seq: int = 0
    """How far they have read."""
    mute: Mute = Mute.NONE
    muted_until: int = 0
    """When ``mute`` ends by itself, in milliseconds; 0: it does not."""


class ReadMark(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody has read up to ``seq``."""

    channel_id: str
    user_id: str
    seq: int
    back: bool = False
    """True: even if they had read further."""


class Unread(msgspec.Struct, frozen=True):
    """What came behind a read position."""

    messages: int
    """Those that were not deleted since."""
    mentions: int
    """How many of them mention the reader or everybody."""


class RefreshToken(msgspec.Struct, frozen=True, kw_only=True):
    """One refresh token of a sign-in. A sign-in is a ``family`` of tokens, each used once (RFC 9700, 4.14)."""

    digest: bytes
    """SHA-256 of the token: the token itself is never stored."""
    family: str
    user_id: str
    created_at: int
    expires_at: int
    used_at: int | None = None
