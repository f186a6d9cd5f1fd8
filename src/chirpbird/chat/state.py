"""What a person's chat looks like now: the connect reply's data, so that reconnecting is resynchronising."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chirpbird.chat.clock import Clock
from chirpbird.chat.directory import Directory
from chirpbird.chat.entities import (
    Channel,
    ChannelKind,
    Entry,
    EntryKind,
    Membership,
    Position,
    Unread,
    User,
)
from chirpbird.chat.limits import MAX_PAGE
from chirpbird.chat.people import People
from chirpbird.chat.permissions import no_such_channel
from chirpbird.chat.ports import Channels, Log
from chirpbird.chat.ports import Reading as ReadingStore
from chirpbird.chat.reading import Reading
from chirpbird.chat.rendering import Renderer
from chirpbird.chat.views import (
    ChannelStateView,
    ChannelView,
    EntryView,
    StateView,
    channel_view,
    state_view,
    timestamp,
    user_view,
)

__all__ = ["States"]

_FIRST_LOOK = 20
"""How many entries are read to find a channel's last message before reading whole pages."""


class States:
    """Puts states together from the records and the logs."""

    def __init__(
        self,
        channels: Channels,
        log: Log,
        people: People,
        directory: Directory[Channel],
        renderer: Renderer,
        clock: Clock,
        memberships: ReadingStore,
        reading: Reading,
    ) -> None:
        self._channels = channels
        self._log = log
        self._people = people
        self._directory = directory
        self._renderer = renderer
        self._clock = clock
        self._memberships = memberships
        self._reading = reading

    async def of_user(self, user_id: str) -> StateView:
        """Errors: NotSignedIn when the account is gone; StoreUnavailable."""
        user = await self._people.me(user_id)
        rows = await self._channels.of_user(user_id)
        for channel, _, _ in rows:
            self._directory.remember(channel)
        direct = [channel.id for channel, _, _ in rows if channel.kind is ChannelKind.DIRECT]
        peers = await self._channels.peers(direct, user_id) if direct else {}
        people = await self._people.named(peers.values())
        last = await self._last_messages((entry for _, _, entry in rows if entry is not None), user_id)
        memberships = await self._of_user(user_id)
        unread = await self._unread(memberships, {channel.id: position for channel, position, _ in rows})
        now = self._clock.now_ms()
        states = []
        for channel, position, _ in rows:
            peer = peers.get(channel.id)
            pair = None if peer is None else _in_order([user, people[peer]])
            # Who came in or went since the rows were read is told so; here it counts as a member with nothing unread.
            membership = memberships.get(channel.id) or _newcomer(channel.id, user_id, position)
            counted = unread.get(channel.id, Unread(0, 0))
            view = channel_view(channel, pair)
            states.append(state_view(view, position, last.get(channel.id), membership, counted, now))
        return StateView(user_view(user), states, timestamp(now))

    async def of_channel(self, channel_id: str, user_id: str) -> ChannelStateView:
        """One channel as one of its members finds it. Errors: NotFound, StoreUnavailable."""
        [state] = (await self.of_members(channel_id, [user_id])).values()
        return state

    async def of_members(self, channel_id: str, user_ids: Iterable[str]) -> dict[str, ChannelStateView]:
        """One channel as each of these members finds it. Errors: NotFound, StoreUnavailable."""
        channel = await self._channels.by_id(channel_id)
        if channel is None:
            raise no_such_channel()
        self._directory.remember(channel)
        entry, position = await self._find_last_message(channel_id)
        members = list(user_ids)
        asker = members[0] if len(members) == 1 else ""
        last = await self._last_messages([] if entry is None else [entry], asker)
        view = await self.direct_view(channel)
        stored = await self._channels.memberships(channel_id, members)
        memberships = [
            self._reading.with_waiting(stored.get(member) or _newcomer(channel_id, member, position))
            for member in members
        ]
        unread = await self._reading.unread(memberships)
        now = self._clock.now_ms()
        return {
            one.user_id: state_view(view, position, last.get(channel_id), one, counted, now)
            for one, counted in zip(memberships, unread, strict=True)
        }

    async def direct_view(self, channel: Channel) -> ChannelView:
        """A channel for a list: with both people if it is direct, without participants otherwise."""
        if channel.kind is not ChannelKind.DIRECT:
            return channel_view(channel)
        ids = await self._channels.members(channel.id, limit=2)
        people = await self._people.named(ids)
        return channel_view(channel, _in_order(people.values()))

    async def _of_user(self, user_id: str) -> dict[str, Membership]:
        found = await self._memberships.of_user(user_id)
        return {channel_id: self._reading.with_waiting(one) for channel_id, one in found.items()}

    async def _unread(
        self, memberships: Mapping[str, Membership], tops: Mapping[str, Position]
    ) -> dict[str, Unread]:
        """Asked for only where there is something behind."""
        behind = [
            one
            for one in memberships.values()
            if one.channel_id in tops and one.read_seq < tops[one.channel_id].seq
        ]
        if not behind:
            return {}
        counted = await self._reading.unread(behind)
        return {one.channel_id: unread for one, unread in zip(behind, counted, strict=True)}

    async def _last_messages(self, entries: Iterable[Entry], asker: str) -> dict[str, EntryView]:
        """Channel id -> its last message as it is now."""
        listed = list(entries)
        views = await self._renderer.folded(listed, asker)
        return {entry.channel_id: view for entry, view in zip(listed, views, strict=True)}

    async def _find_last_message(self, channel_id: str) -> tuple[Entry | None, Position]:
        """The last MESSAGE entry, and the log's top.

        Reads back from the top; a log without any message is recognised by its first entry read.
        """
        top = await self._log.top(channel_id)
        before, limit = top.seq + 1, _FIRST_LOOK
        while True:
            entries, _ = await self._log.read_before(channel_id, before=before, limit=limit)
            for entry in reversed(entries):
                if entry.kind is EntryKind.MESSAGE:
                    return entry, top
            if not entries or entries[0].message_number == 0:
                return None, top
            before, limit = entries[0].seq, MAX_PAGE


def _newcomer(channel_id: str, user_id: str, position: Position) -> Membership:
    return Membership(channel_id=channel_id, user_id=user_id, read_seq=position.seq)


def _in_order(people: Iterable[User]) -> list[User]:
    return sorted(people, key=lambda user: user.id)
