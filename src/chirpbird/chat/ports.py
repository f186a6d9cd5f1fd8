"""What the chat needs from others: a store, a password hasher, and somebody to tell of changes of membership.

``storage/`` implements the store; ``tests/storage/contract`` holds every store to what is said here. Promises
that hold for all methods: a write that returned is durable (it survives ``kill -9`` and power loss); a write
that raised left nothing behind; reads that start after a write returned see it. One exception: when a store on
other machines raises StoreUnavailable because the answer was lost, the write may have been done, as a whole;
the same write with the same key is safe. Failures are ``ChatError``s: ``StoreUnavailable`` (temporary) or the
specific one named at the method.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from chirpbird.chat.entities import (
    Channel,
    Draft,
    Entry,
    Membership,
    Mute,
    Position,
    ReadMark,
    RefreshToken,
    Unread,
    User,
)

__all__ = [
    "Audience",
    "Channels",
    "CommitListener",
    "EntryId",
    "Log",
    "PasswordHasher",
    "Place",
    "Reading",
    "Search",
    "SignIns",
    "Store",
    "Users",
    "Wanted",
]

EntryId = tuple[str, int]
"""Which entry: channel id and seq."""

CommitListener = Callable[[Sequence[Entry]], None]
"""Called on the event loop with what one group commit made durable, each channel's entries in log order."""


class Log(Protocol):
    """The channels' append-only logs."""

    def append(self, draft: Draft) -> Future[Entry]:
        """Put an entry at the top of its channel's log.

        Synchronous on purpose: drafts get their seq in the order of these calls, and the hot path needs no task.
        The future completes when the entry is durable, after the commit listeners have run. With a ``key`` that this
        sender already used in this channel it completes with the first entry, and nothing is appended or announced.
        An entry that would change nothing is not appended, and the future completes with the channel's top entry: JOINED of
        someone who is a member, LEFT of someone who is none and ROLE of someone who has it drop that person, and are nothing
        when nobody remains; TOPIC and RENAMED to what is so already; what ``folding.admit`` says of a change. (A store that many
        nodes share may append a reaction or a pin twice if two nodes do it at once: folding makes one of them.)
        In the same transaction as the entry: who is a member, since when and with which role; the channel's name and topic; with
        DELETED, texts and mentions of the target and its EDITED entries are emptied.

        Errors (in the future): NotFound when the channel does not exist, or no MESSAGE is at the ``target`` of a change;
        InvalidInput, see ``folding.admit``; AlreadyExists when a public channel has the name of RENAMED; StoreFull;
        StoreUnavailable.
        """
        ...

    def add_commit_listener(self, listener: CommitListener) -> None:
        """Have ``listener`` told of every commit, in order. It must not raise, and must not block."""
        ...

    async def read(self, channel_id: str, *, after: int, limit: int) -> tuple[list[Entry], Position]:
        """Entries with seq > ``after``, ascending, at most ``limit`` of them, and the top at the same instant.

        Errors: NotFound when the channel does not exist.
        """
        ...

    async def read_before(self, channel_id: str, *, before: int, limit: int) -> tuple[list[Entry], Position]:
        """The last ``limit`` entries with seq < ``before``, in ascending order, and the top.

        Errors: NotFound when the channel does not exist.
        """
        ...

    async def top(self, channel_id: str) -> Position:
        """The last seq and the epoch. Errors: NotFound."""
        ...

    async def rows(self, channel_id: str, *, after: int, limit: int) -> tuple[list[Entry], Position]:
        """As ``read``, without the entries that are CHANGES."""
        ...

    async def rows_before(self, channel_id: str, *, before: int, limit: int) -> tuple[list[Entry], Position]:
        """As ``read_before``, without the entries that are CHANGES."""
        ...

    async def messages(self, places: Iterable[EntryId]) -> dict[EntryId, Entry]:
        """The MESSAGE entries at those of ``places`` where there is one."""
        ...

    async def changes(self, places: Iterable[EntryId]) -> dict[EntryId, list[Entry]]:
        """For each message that has any, the CHANGES that are about it, in log order."""
        ...

    async def ever_pinned(self, channel_id: str, *, limit: int) -> list[int]:
        """Messages that a PINNED entry is about, whether or not they are pinned still; the newest ones first."""
        ...

    async def tops(self, channel_ids: Sequence[str]) -> dict[str, Position]:
        """The same of many at little more than the price of one; those that do not exist are left out."""
        ...


class Place(NamedTuple):
    """Where an entry stands among those of all channels: by its time, then by channel and seq."""

    created_at: int
    channel_id: str
    seq: int


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a MESSAGE entry has to have to be found. At least one of ``terms``, ``prefix`` and ``sender_id`` is given."""

    channel_ids: tuple[str, ...]
    terms: tuple[str, ...] = ()
    """All of these are among the ``index_terms`` of its text."""
    prefix: str = ""
    """One of them begins with this."""
    sender_id: str = ""
    after: int | None = None
    """``created_at`` is this or later."""
    before: int | None = None
    """``created_at`` is earlier than this."""


class Search(Protocol):
    """The index of what was said. An entry is in it from the moment it is in its log."""

    async def find(self, wanted: Wanted, *, before: Place | None, limit: int) -> list[Entry]:
        """The last ``limit`` entries that fit and stand before that place (None: of all), newest first."""
        ...


class Users(Protocol):
    """People with accounts."""

    async def add(self, user: User) -> None:
        """Errors: AlreadyExists when the username is taken, without regard to case."""
        ...

    async def by_ids(self, ids: Iterable[str]) -> dict[str, User]:
        """Those of ``ids`` that exist."""
        ...

    async def by_username(self, username: str) -> User | None:
        """Without regard to case (Unicode case folding)."""
        ...

    async def by_usernames(self, usernames: Iterable[str]) -> list[User]:
        """Those that exist, in any order, without regard to case."""
        ...

    async def seen(self, times: Mapping[str, int]) -> None:
        """When people were last here, by user id. Never goes back; who does not exist is passed over."""
        ...

    async def search(self, text: str, *, limit: int) -> list[User]:
        """People whose username or name begins with, or has a word that begins with, ``text``; exact matches first,
        then by username. No regard to case. Empty text: the first by username."""
        ...

    async def set_password(self, user_id: str, password_hash: str, *, now: int) -> None:
        """Errors: NotFound."""
        ...


class Channels(Protocol):
    """Channels and who is in them."""

    async def create(self, channel: Channel, created: Draft) -> tuple[Channel, Entry]:
        """Add the channel and its first entry (kind CREATED, whose ``members`` become the members), in one transaction. In
        a group the sender among them is the OWNER.

        Commit listeners hear of the entry as of any other.
        Errors: AlreadyExists when a PUBLIC channel of that name exists (case folded), or the pair has its DIRECT channel.
        """
        ...

    async def by_id(self, channel_id: str) -> Channel | None: ...

    async def public_by_name(self, name: str) -> Channel | None:
        """Without regard to case."""
        ...

    async def direct_between(self, first_id: str, second_id: str) -> Channel | None:
        """The direct channel of two people, in whichever order they are named."""
        ...

    async def of_user(self, user_id: str) -> list[tuple[Channel, Position, Entry | None]]:
        """Every channel the user is a member of, with its log's top and its last MESSAGE entry (None: no message yet),
        most recently written first."""
        ...

    async def search_public(self, text: str, *, limit: int) -> list[Channel]:
        """PUBLIC channels whose name contains ``text`` without regard to case; names that begin with it first, then by
        member count (largest first), then by name. Empty text: all, in that order."""
        ...

    async def ids_of_user(self, user_id: str) -> list[str]:
        """The channels the user is a member of, in no order."""
        ...

    async def memberships(self, channel_id: str, user_ids: Iterable[str]) -> dict[str, Membership]:
        """Of those of ``user_ids`` who are members, by user id."""
        ...

    async def successor(self, channel_id: str, leaving: str) -> str | None:
        """Who gets the place of an owner who leaves: the ADMIN who is in it longest, or else the MEMBER."""
        ...

    async def is_member(self, channel_id: str, user_id: str) -> bool: ...

    async def members(self, channel_id: str, *, limit: int, after: str = "") -> list[str]:
        """User ids in ascending order, those greater than ``after``."""
        ...

    async def peers(self, channel_ids: Iterable[str], user_id: str) -> dict[str, str]:
        """For those of ``channel_ids`` that are DIRECT: channel id -> the other person's user id."""
        ...


class Reading(Protocol):
    """What people have read. Somebody who comes into a channel has read it up to the entry that brought them in."""

    async def of_user(self, user_id: str) -> dict[str, Membership]:
        """All memberships of a user, by channel id."""
        ...

    async def mark(self, marks: Sequence[ReadMark]) -> None:
        """Move positions forward, or where told so back; who is no member is passed over. All of it at once, or several times."""
        ...

    async def unread(self, marks: Sequence[ReadMark]) -> list[Unread]:
        """What is behind each of these positions, in their order. Nothing in channels that do not exist."""
        ...

    async def positions(self, channel_id: str) -> dict[str, int]:
        """How far each member of a channel has read."""
        ...

    async def set_mute(self, channel_id: str, user_id: str, mute: Mute, until: int) -> None:
        """Errors: NotFound when the user is no member."""
        ...


class SignIns(Protocol):
    """Refresh tokens of signed-in devices."""

    async def add(self, token: RefreshToken) -> None: ...

    async def rotate(
        self, digest: bytes, replacement: RefreshToken, *, now: int, grace_ms: int
    ) -> RefreshToken | None:
        """Use up the token with ``digest`` and add ``replacement``, whose family and user_id are taken from it, atomically.

        Returns the new token as stored. A token may be used again within ``grace_ms`` of its first use: two tabs that refresh
        at once, or an answer that got lost. Used again later: someone stole it, and the whole family is deleted.
        None: unknown, expired, or just revoked so.
        """
        ...

    async def unused(self, digest: bytes, *, now: int) -> RefreshToken | None:
        """The token, if it is good and was never used. Writes nothing."""
        ...

    async def revoke(self, digest: bytes) -> None:
        """Delete the family of this token; unknown digests are no error."""
        ...

    async def revoke_all(self, user_id: str, *, keep_family: str = "") -> None:
        """Sign a user out everywhere (but for ``keep_family``)."""
        ...

    async def purge(self, *, now: int) -> int:
        """Delete what has expired; how many went."""
        ...


class Store(Protocol):
    """A whole store. Opened by its own class method; closed once, after which nothing may be called."""

    @property
    def log(self) -> Log: ...
    @property
    def users(self) -> Users: ...
    @property
    def channels(self) -> Channels: ...
    @property
    def sign_ins(self) -> SignIns: ...
    @property
    def search(self) -> Search: ...
    @property
    def reading(self) -> Reading: ...

    async def check_writable(self) -> None:
        """Do a real durable write and undo it. Errors: StoreUnavailable, StoreFull."""
        ...

    async def close(self) -> None:
        """Finish what was accepted, then let go of all files and connections. May be called twice."""
        ...


class PasswordHasher(Protocol):
    """Turns passwords into what may be stored. Slow on purpose, and never on the event loop."""

    @property
    def decoy(self) -> str:
        """A well-formed hash that no password fits and that takes as long to verify as any other."""
        ...

    async def hash(self, password: str) -> str:
        """A new salted hash, in PHC form."""
        ...

    async def verify(self, password_hash: str, password: str) -> bool:
        """Whether they belong together; False also for a hash that cannot be read."""
        ...

    def is_outdated(self, password_hash: str) -> bool:
        """Whether new hashes are made with other costs than this one was."""
        ...


class Audience(Protocol):
    """Who tells live clients that they came into a channel or went out of it.

    Called after the commit, before the caller is answered. May be called again for what is already known.
    Must not raise: by then the change is a fact, and a client that was not told learns of it when it connects.
    """

    async def channel_gained(self, user_ids: Sequence[str], channel_id: str) -> None:
        """These people are members now."""
        ...

    async def channel_lost(self, user_ids: Sequence[str], channel_id: str) -> None:
        """These people are members no longer: their subscriptions must end before this returns."""
        ...

    async def channel_changed(self, channel_id: str) -> None:
        """Its name or its topic is another one: what was remembered of it is old."""
        ...

    async def read_moved(self, user_id: str, channel_id: str, seq: int, unread: Unread) -> None:
        """A user's read position is here now, with so much behind it."""
        ...

    async def read_by(self, channel_id: str, reads: Mapping[str, int], members: Sequence[str]) -> None:
        """These people (user id -> seq) have read so far; tell the members of it."""
        ...

    async def muted(self, membership: Membership) -> None:
        """A user's setting for a channel is another one."""
        ...

    async def typing(self, user: User, channel_id: str, members: Sequence[str]) -> None:
        """Somebody is writing; tell the members of it."""
        ...
