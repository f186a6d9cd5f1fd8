"""How far everybody has read, who is typing, who was here when.

Positions and times of leaving are many and worth little each: they are kept here for a second, and written together.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from chirpbird.chat.access import Access
from chirpbird.chat.clock import Clock, milliseconds
from chirpbird.chat.entities import Entry, EntryKind, Membership, Mute, ReadMark, Unread
from chirpbird.chat.errors import ChatError, InvalidInput, NotFound, StoreUnavailable, TooMany
from chirpbird.chat.limits import MAX_MEMBERS_AT_ONCE, MAX_SEQ, bounded
from chirpbird.chat.people import People
from chirpbird.chat.permissions import Operation, no_such_channel
from chirpbird.chat.ports import Audience, Store
from chirpbird.chat.throttle import Throttle
from chirpbird.chat.views import MuteView, ReadsView, ReadView, UserReadView, mute_view, timestamp

__all__ = ["SMALL", "Reading"]

SMALL = 50
"""Members of a group up to which they see who has read and who is typing."""
_DELAY = 1.0
"""Seconds that a position waits for others to be written with."""
_TYPING_EVERY = 3.0
"""Seconds between signs of typing that are passed on."""

logger = logging.getLogger(__name__)


class Reading:
    """What people have read, in memory first."""

    def __init__(
        self, store: Store, access: Access, people: People, clock: Clock, audience: Audience
    ) -> None:
        self._store = store.reading
        self._channels = store.channels
        self._users = store.users
        self._log = store.log
        self._access = access
        self._people = people
        self._clock = clock
        self.audience = audience
        self._marks: dict[tuple[str, str], ReadMark] = {}
        """By channel and user, what is not written yet."""
        self._seen: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._typing = Throttle("signs of typing", burst=1, per_second=1 / _TYPING_EVERY, now=clock.monotonic)

    def committed(self, entries: Sequence[Entry]) -> None:
        """The log's commit listener: what one says oneself one has read. On the hot path."""
        marks = self._marks
        for entry in entries:
            if entry.kind is EntryKind.MESSAGE:
                place = entry.channel_id, entry.sender_id
                marks[place] = ReadMark(
                    channel_id=entry.channel_id,
                    user_id=entry.sender_id,
                    seq=entry.seq,
                    back=place in marks and marks[place].back,
                )
        if marks and self._timer is None:
            self._wait()

    def left(self, user_id: str) -> None:
        """The last device of somebody went."""
        self._seen[user_id] = self._clock.now_ms()
        if self._timer is None:
            self._wait()

    def with_waiting(self, membership: Membership) -> Membership:
        """A membership with the position that waits here to be written, if there is one."""
        mark = self._marks.get((membership.channel_id, membership.user_id))
        if mark is None or (mark.seq < membership.read_seq and not mark.back):
            return membership
        return replace(membership, read_seq=mark.seq)

    async def mark(self, user_id: str, channel_id: str, seq: int, *, unread: bool = False) -> ReadView:
        """Have read up to ``seq``, or, with ``unread``, no further than before it.

        Errors: InvalidInput, NotFound, NotPermitted, StoreUnavailable.
        """
        bounded(seq, field="seq", minimum=1, maximum=MAX_SEQ)
        _, membership = await self._access.require_member(Operation.MARK_READ, user_id, channel_id)
        if membership is None:
            raise no_such_channel()
        top = await self._log.top(channel_id)
        seq = min(seq, top.seq)
        now = self.with_waiting(membership)
        if unread or seq > now.read_seq:
            seq = seq - 1 if unread else seq
            waiting = self._marks.get((channel_id, user_id))
            back = unread or (waiting is not None and waiting.back)
            self._note(ReadMark(channel_id=channel_id, user_id=user_id, seq=seq, back=back))
        else:
            seq = now.read_seq
        [counted] = await self._store.unread([ReadMark(channel_id=channel_id, user_id=user_id, seq=seq)])
        return ReadView(seq, counted.messages, counted.mentions)

    async def unread(self, memberships: Sequence[Membership]) -> list[Unread]:
        """What each has not read, at positions as given."""
        return await self._store.unread(
            [
                ReadMark(channel_id=one.channel_id, user_id=one.user_id, seq=one.read_seq)
                for one in memberships
            ]
        )

    async def positions(self, user_id: str, channel_id: str) -> ReadsView:
        """How far each member has read; of nobody in large groups. Errors: NotFound, NotPermitted, StoreUnavailable."""
        await self._access.require(Operation.FETCH_READS, user_id, channel_id)
        if await self._small(channel_id) is None:
            return ReadsView([])
        positions = await self._store.positions(channel_id)
        for (channel, member), mark in self._marks.items():
            if channel == channel_id and member in positions:
                positions[member] = mark.seq if mark.back else max(mark.seq, positions[member])
        return ReadsView([UserReadView(member, seq) for member, seq in sorted(positions.items())])

    async def typing(self, user_id: str, channel_id: str) -> None:
        """Tell the others that this user is writing; too often is passed over.

        Errors: NotFound, NotPermitted, StoreUnavailable.
        """
        await self._access.require(Operation.TYPE, user_id, channel_id)
        try:
            self._typing.check(f"{channel_id} {user_id}")
        except TooMany:
            return
        user = await self._people.me(user_id)
        members = await self._small(channel_id)
        if members is not None:
            others = [member for member in members if member != user_id]
            await self.audience.typing(user, channel_id, others)

    async def mute(self, user_id: str, channel_id: str, mute: str, until: str | None = None) -> MuteView:
        """Say what one does not want to be told of a channel, for good or ``until`` a time (RFC 3339).

        Errors: InvalidInput, NotFound, NotPermitted, StoreUnavailable, StoreFull.
        """
        if mute not in tuple(Mute):
            raise InvalidInput(
                "mute is none of none, all and mentions, one of them is expected", field="mute"
            )
        moment = 0 if until is None else milliseconds(until, field="until")
        _, membership = await self._access.require_member(Operation.SET_MUTE, user_id, channel_id)
        if membership is None:
            raise no_such_channel()
        setting = Mute(mute)
        moment = 0 if setting is Mute.NONE else max(0, moment)
        await self._store.set_mute(channel_id, user_id, setting, moment)
        changed = replace(membership, mute=setting, muted_until=moment)
        await self.audience.muted(changed)
        return MuteView(*mute_view(changed, self._clock.now_ms()))

    async def last_seen(self, user_ids: Sequence[str]) -> dict[str, str]:
        """When people's last devices went, of those whom the server saw go. Errors: InvalidInput, StoreUnavailable."""
        bounded(len(user_ids), field="userIds", minimum=1, maximum=MAX_MEMBERS_AT_ONCE)
        found = await self._users.by_ids(user_ids)
        times = {user.id: max(user.last_seen, self._seen.get(user.id, 0)) for user in found.values()}
        return {user_id: timestamp(at) for user_id, at in times.items() if at}

    # Writing together

    def _note(self, mark: ReadMark) -> None:
        self._marks[mark.channel_id, mark.user_id] = mark
        if self._timer is None:
            self._wait()

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_DELAY, self._due)

    def _due(self) -> None:
        self._timer = None
        if self._flushing is not None and not self._flushing.done():
            self._wait()
            return
        self._flushing = asyncio.get_running_loop().create_task(self.flush())

    async def close(self) -> None:
        """Write what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._flushing is not None:
            await asyncio.wait([self._flushing])
        await self.flush()

    async def flush(self) -> None:
        """Write what waits now, and tell people. What cannot be written is tried again with the next."""
        marks, seen = dict(self._marks), dict(self._seen)
        try:
            if seen:
                await self._users.seen(seen)
                self._seen = {user: at for user, at in self._seen.items() if seen.get(user) != at}
            if marks:
                await self._store.mark(list(marks.values()))
                # What was noted meanwhile stays; so readers always find the newest position, here or in the store.
                for place, mark in marks.items():
                    if self._marks.get(place) is mark:
                        del self._marks[place]
                await self._tell(list(marks.values()))
        except ChatError as error:
            logger.warning("read positions are written later: %s", error)
            if self._timer is None and isinstance(error, StoreUnavailable):
                self._wait()

    async def _tell(self, marks: Sequence[ReadMark]) -> None:
        counted = await self._store.unread(marks)
        by_channel: dict[str, dict[str, int]] = {}
        for mark, unread in zip(marks, counted, strict=True):
            await self.audience.read_moved(mark.user_id, mark.channel_id, mark.seq, unread)
            by_channel.setdefault(mark.channel_id, {})[mark.user_id] = mark.seq
        for channel_id, reads in by_channel.items():
            await self._tell_channel(channel_id, reads)

    async def _tell_channel(self, channel_id: str, reads: Mapping[str, int]) -> None:
        try:
            members = await self._small(channel_id)
        except NotFound:
            return
        if members is not None:
            await self.audience.read_by(channel_id, reads, members)

    async def _small(self, channel_id: str) -> list[str] | None:
        """The members of a channel, if they are few."""
        members = await self._channels.members(channel_id, limit=SMALL + 1)
        return members if len(members) <= SMALL else None
