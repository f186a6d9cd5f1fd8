"""A store in a few dicts, for tests of what is built on one: chat/ports.py kept but for durability."""

from __future__ import annotations

import asyncio
import dataclasses
from asyncio import Future
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from chirpbird.chat.entities import (
    CHANGES,
    EVERYBODY,
    Channel,
    ChannelKind,
    Draft,
    Entry,
    EntryKind,
    Membership,
    Mute,
    Position,
    ReadMark,
    RefreshToken,
    Role,
    Unread,
    User,
)
from chirpbird.chat.errors import AlreadyExists, ChatError, NotFound
from chirpbird.chat.folding import Change, admit, fold
from chirpbird.chat.ports import CommitListener, EntryId, Place, Wanted
from chirpbird.chat.search_terms import index_terms

__all__ = ["MemoryStore"]


@dataclass
class _Data:
    """Everything there is. ``now_ms`` moves by one with each entry."""

    users: dict[str, User] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    logs: dict[str, list[Entry]] = field(default_factory=dict)
    members: dict[str, dict[str, Membership]] = field(default_factory=dict)
    keys: dict[tuple[str, str, str], int] = field(default_factory=dict)
    tokens: dict[bytes, RefreshToken] = field(default_factory=dict)
    listeners: list[CommitListener] = field(default_factory=list)
    now_ms: int = 1_700_000_000_000
    failure: ChatError | None = None

    def fail_if_told(self) -> None:
        if self.failure is not None:
            raise self.failure

    def append(self, draft: Draft) -> tuple[Entry, bool]:
        """The entry, and whether it is new."""
        if draft.channel_id not in self.channels:
            raise NotFound("no such channel")
        log = self.logs[draft.channel_id]
        key = (draft.channel_id, draft.sender_id, draft.key)
        if draft.key and key in self.keys:
            return log[self.keys[key] - 1], False
        moving = self._changing(draft)
        if moving is None:
            return log[-1], False
        self.now_ms += 1
        entry = Entry(
            channel_id=draft.channel_id,
            seq=len(log) + 1,
            kind=draft.kind,
            sender_id=draft.sender_id,
            key=draft.key,
            text=draft.text,
            members=moving,
            created_at=self.now_ms,
            message_number=(log[-1].message_number if log else 0) + (draft.kind is EntryKind.MESSAGE),
            target=draft.target,
            mentions=draft.mentions,
        )
        log.append(entry)
        if draft.key:
            self.keys[key] = entry.seq
        self._project(entry)
        return entry, True

    def _changing(self, draft: Draft) -> tuple[str, ...] | None:
        """The members of the entry; None: it would change nothing."""
        members = self.members[draft.channel_id]
        channel = self.channels[draft.channel_id]
        moving = tuple(dict.fromkeys(draft.members))
        match draft.kind:
            case EntryKind.JOINED:
                return tuple(member for member in moving if member not in members) or None
            case EntryKind.LEFT:
                return tuple(member for member in moving if member in members) or None
            case EntryKind.ROLE:
                return (
                    tuple(one for one in moving if one in members and members[one].role != draft.text) or None
                )
            case EntryKind.TOPIC:
                return None if channel.topic == draft.text else ()
            case EntryKind.RENAMED:
                return None if channel.name == draft.text else self._free_name(channel, draft.text)
        if draft.kind not in CHANGES:
            return moving
        log = self.logs[draft.channel_id]
        if not 0 < draft.target <= len(log) or log[draft.target - 1].kind is not EntryKind.MESSAGE:
            raise NotFound("no such message")
        changes = [
            Change(one.kind, one.sender_id, one.text)
            for one in log
            if one.kind in CHANGES and one.target == draft.target
        ]
        return () if admit(changes, draft.kind, draft.sender_id, draft.text) else None

    def _free_name(self, channel: Channel, name: str) -> tuple[str, ...]:
        for other in self.channels.values():
            both = other.kind is ChannelKind.PUBLIC and channel.kind is ChannelKind.PUBLIC
            if both and other.id != channel.id and other.name.casefold() == name.casefold():
                raise AlreadyExists("the name is taken", field="name")
        return ()

    def _project(self, entry: Entry) -> None:
        members = self.members[entry.channel_id]
        channel = self.channels[entry.channel_id]
        direct = channel.kind is ChannelKind.DIRECT
        match entry.kind:
            case EntryKind.LEFT:
                for user_id in entry.members:
                    del members[user_id]
            case EntryKind.CREATED | EntryKind.JOINED:
                owner = entry.sender_id if entry.kind is EntryKind.CREATED else ""
                if entry.kind is EntryKind.JOINED and not members:
                    owner = entry.members[0]
                for user_id in entry.members:
                    members[user_id] = Membership(
                        channel_id=entry.channel_id,
                        user_id=user_id,
                        role=Role.OWNER if user_id == owner and not direct else Role.MEMBER,
                        since=entry.seq,
                        read_seq=entry.seq,
                    )
            case EntryKind.ROLE:
                for user_id, member in list(members.items()):
                    if user_id in entry.members:
                        members[user_id] = msgspec.structs.replace(member, role=Role(entry.text))
                    elif entry.text == Role.OWNER and member.role is Role.OWNER:
                        members[user_id] = msgspec.structs.replace(member, role=Role.ADMIN)
            case EntryKind.TOPIC:
                self.channels[channel.id] = msgspec.structs.replace(channel, topic=entry.text)
            case EntryKind.RENAMED:
                self.channels[channel.id] = msgspec.structs.replace(channel, name=entry.text)
            case EntryKind.DELETED:
                log = self.logs[channel.id]
                for place, one in enumerate(log):
                    is_edit = one.kind is EntryKind.EDITED and one.target == entry.target
                    if one.seq == entry.target or is_edit:
                        log[place] = msgspec.structs.replace(one, text="", mentions=())

    def channel(self, channel_id: str) -> Channel:
        channel = self.channels[channel_id]
        return msgspec.structs.replace(
            channel,
            member_count=len(self.members[channel_id]),
            updated_at=self.logs[channel_id][-1].created_at,
        )

    def position(self, channel_id: str) -> Position:
        if channel_id not in self.channels:
            raise NotFound("no such channel")
        return Position(len(self.logs[channel_id]), self.channels[channel_id].epoch)

    def announce(self, entry: Entry) -> None:
        for listener in self.listeners:
            listener([entry])


class MemoryLog:
    def __init__(self, data: _Data) -> None:
        self._data = data

    def append(self, draft: Draft) -> Future[Entry]:
        loop = asyncio.get_running_loop()
        future: Future[Entry] = loop.create_future()
        try:
            self._data.fail_if_told()
            entry, is_new = self._data.append(draft)
        except ChatError as error:
            future.set_exception(error)
        else:
            loop.call_soon(self._commit, future, entry, is_new)
        return future

    def add_commit_listener(self, listener: CommitListener) -> None:
        self._data.listeners.append(listener)

    async def read(self, channel_id: str, *, after: int, limit: int) -> tuple[list[Entry], Position]:
        top = self._data.position(channel_id)
        return self._data.logs[channel_id][after : after + limit], top

    async def read_before(self, channel_id: str, *, before: int, limit: int) -> tuple[list[Entry], Position]:
        top = self._data.position(channel_id)
        end = max(0, min(before - 1, top.seq))
        return self._data.logs[channel_id][max(0, end - limit) : end], top

    async def top(self, channel_id: str) -> Position:
        return self._data.position(channel_id)

    async def rows(self, channel_id: str, *, after: int, limit: int) -> tuple[list[Entry], Position]:
        top = self._data.position(channel_id)
        rows = [one for one in self._data.logs[channel_id][after:] if one.kind not in CHANGES]
        return rows[:limit], top

    async def rows_before(self, channel_id: str, *, before: int, limit: int) -> tuple[list[Entry], Position]:
        top = self._data.position(channel_id)
        rows = [one for one in self._data.logs[channel_id][: max(0, before - 1)] if one.kind not in CHANGES]
        return rows[max(0, len(rows) - limit) :], top

    async def messages(self, places: Iterable[EntryId]) -> dict[EntryId, Entry]:
        found = {}
        for channel_id, seq in places:
            log = self._data.logs.get(channel_id, [])
            if 0 < seq <= len(log) and log[seq - 1].kind is EntryKind.MESSAGE:
                found[channel_id, seq] = log[seq - 1]
        return found

    async def changes(self, places: Iterable[EntryId]) -> dict[EntryId, list[Entry]]:
        found: dict[EntryId, list[Entry]] = {}
        wanted = set(places)
        for channel_id in {channel_id for channel_id, _ in wanted}:
            for one in self._data.logs.get(channel_id, []):
                if one.kind in CHANGES and (channel_id, one.target) in wanted:
                    found.setdefault((channel_id, one.target), []).append(one)
        return found

    async def ever_pinned(self, channel_id: str, *, limit: int) -> list[int]:
        log = self._data.logs.get(channel_id, [])
        return sorted({one.target for one in log if one.kind is EntryKind.PINNED}, reverse=True)[:limit]

    async def tops(self, channel_ids: Sequence[str]) -> dict[str, Position]:
        self._data.fail_if_told()
        return {one: self._data.position(one) for one in channel_ids if one in self._data.channels}

    def _commit(self, future: Future[Entry], entry: Entry, is_new: bool) -> None:
        if is_new:
            self._data.announce(entry)
        if not future.cancelled():
            future.set_result(entry)


class MemoryUsers:
    def __init__(self, data: _Data) -> None:
        self._data = data

    async def add(self, user: User) -> None:
        self._data.fail_if_told()
        if await self.by_username(user.username) is not None:
            raise AlreadyExists("the username is taken", field="username")
        self._data.users[user.id] = user

    async def by_ids(self, ids: Iterable[str]) -> dict[str, User]:
        return {user_id: self._data.users[user_id] for user_id in ids if user_id in self._data.users}

    async def by_username(self, username: str) -> User | None:
        wanted = username.casefold()
        return next((user for user in self._data.users.values() if user.username.casefold() == wanted), None)

    async def by_usernames(self, usernames: Iterable[str]) -> list[User]:
        wanted = {username.casefold() for username in usernames}
        return [user for user in self._data.users.values() if user.username.casefold() in wanted]

    async def seen(self, times: Mapping[str, int]) -> None:
        for user_id, at in times.items():
            if user_id in self._data.users:
                user = self._data.users[user_id]
                last_seen = max(user.last_seen, at)
                self._data.users[user_id] = msgspec.structs.replace(user, last_seen=last_seen)

    async def search(self, text: str, *, limit: int) -> list[User]:
        wanted = text.casefold()
        found = [
            user
            for user in self._data.users.values()
            if user.username.casefold().startswith(wanted)
            or any(word.startswith(wanted) for word in user.name.casefold().split())
            or user.name.casefold().startswith(wanted)
        ]
        found.sort(key=lambda user: (user.username.casefold() != wanted, user.username.casefold()))
        return found[:limit]

    async def set_password(self, user_id: str, password_hash: str, *, now: int) -> None:
        if user_id not in self._data.users:
            raise NotFound("no such user")
        user = self._data.users[user_id]
        self._data.users[user_id] = msgspec.structs.replace(user, password_hash=password_hash, updated_at=now)


class MemoryChannels:
    def __init__(self, data: _Data) -> None:
        self._data = data

    async def create(self, channel: Channel, created: Draft) -> tuple[Channel, Entry]:
        data = self._data
        data.fail_if_told()
        if channel.kind is ChannelKind.PUBLIC and await self.public_by_name(channel.name) is not None:
            raise AlreadyExists("the name is taken", field="name")
        if channel.kind is ChannelKind.DIRECT and await self.direct_between(*created.members) is not None:
            raise AlreadyExists("these two people have their channel")
        data.channels[channel.id] = channel
        data.logs[channel.id] = []
        data.members[channel.id] = {}
        entry, _ = data.append(created)
        data.announce(entry)
        return data.channel(channel.id), entry

    async def by_id(self, channel_id: str) -> Channel | None:
        return self._data.channel(channel_id) if channel_id in self._data.channels else None

    async def public_by_name(self, name: str) -> Channel | None:
        for channel in self._data.channels.values():
            if channel.kind is ChannelKind.PUBLIC and channel.name.casefold() == name.casefold():
                return self._data.channel(channel.id)
        return None

    async def direct_between(self, first_id: str, second_id: str) -> Channel | None:
        for channel in self._data.channels.values():
            if channel.kind is ChannelKind.DIRECT and self._data.members[channel.id].keys() == {
                first_id,
                second_id,
            }:
                return self._data.channel(channel.id)
        return None

    async def of_user(self, user_id: str) -> list[tuple[Channel, Position, Entry | None]]:
        data = self._data
        rows = []
        for channel_id, members in data.members.items():
            if user_id in members:
                said = [entry for entry in data.logs[channel_id] if entry.kind is EntryKind.MESSAGE]
                rows.append((data.channel(channel_id), data.position(channel_id), said[-1] if said else None))
        rows.sort(key=lambda row: -row[0].updated_at)
        return rows

    async def search_public(self, text: str, *, limit: int) -> list[Channel]:
        wanted = text.casefold()
        found = [
            self._data.channel(channel.id)
            for channel in self._data.channels.values()
            if channel.kind is ChannelKind.PUBLIC and wanted in channel.name.casefold()
        ]
        found.sort(
            key=lambda channel: (
                not channel.name.casefold().startswith(wanted),
                -channel.member_count,
                channel.name.casefold(),
            )
        )
        return found[:limit]

    async def ids_of_user(self, user_id: str) -> list[str]:
        return [channel_id for channel_id, members in self._data.members.items() if user_id in members]

    async def memberships(self, channel_id: str, user_ids: Iterable[str]) -> dict[str, Membership]:
        members = self._data.members.get(channel_id, {})
        return {user_id: members[user_id] for user_id in user_ids if user_id in members}

    async def successor(self, channel_id: str, leaving: str) -> str | None:
        others = [one for one in self._data.members.get(channel_id, {}).values() if one.user_id != leaving]
        others.sort(key=lambda one: (one.role is not Role.ADMIN, one.since, one.user_id))
        return others[0].user_id if others else None

    async def is_member(self, channel_id: str, user_id: str) -> bool:
        return user_id in self._data.members.get(channel_id, ())

    async def members(self, channel_id: str, *, limit: int, after: str = "") -> list[str]:
        return [member for member in sorted(self._data.members.get(channel_id, ())) if member > after][:limit]

    async def peers(self, channel_ids: Iterable[str], user_id: str) -> dict[str, str]:
        found = {}
        for channel_id in channel_ids:
            channel = self._data.channels.get(channel_id)
            if channel is not None and channel.kind is ChannelKind.DIRECT:
                [found[channel_id]] = self._data.members[channel_id].keys() - {user_id}
        return found


class MemorySearch:
    def __init__(self, data: _Data) -> None:
        self._data = data

    async def find(self, wanted: Wanted, *, before: Place | None, limit: int) -> list[Entry]:
        found = [
            entry
            for channel_id in wanted.channel_ids
            for entry in self._data.logs.get(channel_id, ())
            if entry.kind is EntryKind.MESSAGE
            and _fits(entry, self._text(entry), wanted)
            and (before is None or (entry.created_at, entry.channel_id, entry.seq) < before)
        ]
        found.sort(key=lambda entry: (entry.created_at, entry.channel_id, entry.seq), reverse=True)
        return found[:limit]

    def _text(self, said: Entry) -> str:
        return fold(said, [one for one in self._data.logs[said.channel_id] if one.target == said.seq]).text


def _fits(entry: Entry, text: str, wanted: Wanted) -> bool:
    terms = index_terms(text)
    return (
        text != ""
        and terms.issuperset(wanted.terms)
        and any(term.startswith(wanted.prefix) for term in terms)
        and wanted.sender_id in ("", entry.sender_id)
        and (wanted.after is None or entry.created_at >= wanted.after)
        and (wanted.before is None or entry.created_at < wanted.before)
    )


class MemoryReading:
    def __init__(self, data: _Data) -> None:
        self._data = data

    async def of_user(self, user_id: str) -> dict[str, Membership]:
        found = self._data.members.items()
        return {channel_id: members[user_id] for channel_id, members in found if user_id in members}

    async def mark(self, marks: Sequence[ReadMark]) -> None:
        self._data.fail_if_told()
        for mark in marks:
            members = self._data.members.get(mark.channel_id, {})
            if (member := members.get(mark.user_id)) is not None:
                seq = mark.seq if mark.back else max(mark.seq, member.read_seq)
                members[mark.user_id] = msgspec.structs.replace(member, read_seq=seq)

    async def unread(self, marks: Sequence[ReadMark]) -> list[Unread]:
        return [self._unread(mark) for mark in marks]

    def _unread(self, mark: ReadMark) -> Unread:
        log = self._data.logs.get(mark.channel_id, [])
        behind = [
            one for one in log[max(0, mark.seq) :] if one.kind is EntryKind.MESSAGE and not one.is_emptied
        ]
        mentioned = [one for one in behind if {mark.user_id, EVERYBODY} & {*one.mentions}]
        return Unread(len(behind), len(mentioned))

    async def positions(self, channel_id: str) -> dict[str, int]:
        return {one.user_id: one.read_seq for one in self._data.members.get(channel_id, {}).values()}

    async def set_mute(self, channel_id: str, user_id: str, mute: Mute, until: int) -> None:
        members = self._data.members.get(channel_id, {})
        if user_id not in members:
            raise NotFound("no such member")
        members[user_id] = msgspec.structs.replace(members[user_id], mute=mute, muted_until=until)


class MemorySignIns:
    def __init__(self, data: _Data) -> None:
        self._data = data

    async def add(self, token: RefreshToken) -> None:
        self._data.fail_if_told()
        self._data.tokens[token.digest] = token

    async def rotate(
        self, digest: bytes, replacement: RefreshToken, *, now: int, grace_ms: int
    ) -> RefreshToken | None:
        self._data.fail_if_told()
        used = self._data.tokens.get(digest)
        if used is None or used.expires_at <= now:
            return None
        if used.used_at is not None and now > used.used_at + grace_ms:
            await self.revoke(digest)
            return None
        if used.used_at is None:
            self._data.tokens[digest] = msgspec.structs.replace(used, used_at=now)
        stored = msgspec.structs.replace(replacement, family=used.family, user_id=used.user_id)
        self._data.tokens[stored.digest] = stored
        return stored

    async def unused(self, digest: bytes, *, now: int) -> RefreshToken | None:
        token = self._data.tokens.get(digest)
        good = token is not None and token.expires_at > now and token.used_at is None
        return token if good else None

    async def revoke(self, digest: bytes) -> None:
        self._data.fail_if_told()
        token = self._data.tokens.get(digest)
        if token is not None:
            self._keep(lambda other: other.family != token.family)

    async def revoke_all(self, user_id: str, *, keep_family: str = "") -> None:
        self._keep(lambda token: token.user_id != user_id or token.family == keep_family)

    async def purge(self, *, now: int) -> int:
        before = len(self._data.tokens)
        self._keep(lambda token: token.expires_at > now)
        return before - len(self._data.tokens)

    def _keep(self, wanted: Callable[[RefreshToken], bool]) -> None:
        self._data.tokens = {digest: token for digest, token in self._data.tokens.items() if wanted(token)}


class MemoryStore:
    """Satisfies ``ports.Store``."""

    def __init__(self, data: _Data | None = None) -> None:
        self._data = data or _Data()
        self.log = MemoryLog(self._data)
        self.users = MemoryUsers(self._data)
        self.channels = MemoryChannels(self._data)
        self.sign_ins = MemorySignIns(self._data)
        self.search = MemorySearch(self._data)
        self.reading = MemoryReading(self._data)

    def shared(self) -> MemoryStore:
        """The same store as another process sees it: what this one commits, the other's listeners are not told."""
        return MemoryStore(dataclasses.replace(self._data, listeners=[]))

    def fail(self, error: ChatError | None) -> None:
        """Have every write fail like this from now on; None: work again."""
        self._data.failure = error

    async def check_writable(self) -> None:
        self._data.fail_if_told()

    async def close(self) -> None:
        return
