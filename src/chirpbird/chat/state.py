"""What a person's chat looks like now: the connect reply's data, so that reconnecting is resynchronising."""

from __future__ import annotations

from collections.abc import Iterable

from chirpbird.chat.clock import Clock
from chirpbird.chat.directory import Directory
from chirpbird.chat.entities import Channel, ChannelKind, Entry, EntryKind, Position, User
from chirpbird.chat.limits import MAX_PAGE
from chirpbird.chat.people import People
from chirpbird.chat.permissions import no_such_channel
from chirpbird.chat.ports import Channels, Log
from chirpbird.chat.rendering import Renderer
from chirpbird.chat.views import (
    ChannelStateView,
    ChannelView,
    EntryView,
    StateView,
    channel_view,
    position_view,
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
    ) -> None:
        self._channels = channels
        self._log = log
        self._people = people
        self._directory = directory
        self._renderer = renderer
        self._clock = clock

    async def of_user(self, user_id: str) -> StateView:
        """Errors: NotSignedIn when the account is gone; StoreUnavailable."""
        user = await self._people.me(user_id)
        rows = await self._channels.of_user(user_id)
        for channel, _, _ in rows:
            self._directory.remember(channel)
        direct = [channel.id for channel, _, _ in rows if channel.kind is ChannelKind.DIRECT]
        peers = await self._channels.peers(direct, user_id) if direct else {}
        people = await self._people.named(peers.values())
        last = await self._last_messages(entry for _, _, entry in rows if entry is not None)
        states = []
        for channel, position, _ in rows:
            peer = peers.get(channel.id)
            pair = None if peer is None else _in_order([user, people[peer]])
            states.append(
                ChannelStateView(channel_view(channel, pair), position_view(position), last.get(channel.id))
            )
        return StateView(user_view(user), states, timestamp(self._clock.now_ms()))

    async def of_channel(self, channel_id: str) -> ChannelStateView:
        """One channel's state, the same for each of its members. Errors: NotFound, StoreUnavailable."""
        channel = await self._channels.by_id(channel_id)
        if channel is None:
            raise no_such_channel()
        self._directory.remember(channel)
        entry, position = await self._find_last_message(channel_id)
        last = await self._last_messages([] if entry is None else [entry])
        return ChannelStateView(
            await self.direct_view(channel), position_view(position), last.get(channel_id)
        )

    async def direct_view(self, channel: Channel) -> ChannelView:
        """A channel for a list: with both people if it is direct, without participants otherwise."""
        if channel.kind is not ChannelKind.DIRECT:
            return channel_view(channel)
        ids = await self._channels.members(channel.id, limit=2)
        people = await self._people.named(ids)
        return channel_view(channel, _in_order(people.values()))

    async def _last_messages(self, entries: Iterable[Entry]) -> dict[str, EntryView]:
        """Channel id -> view of its last message."""
        listed = list(entries)
        views = await self._renderer.views(listed)
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


def _in_order(people: Iterable[User]) -> list[User]:
    return sorted(people, key=lambda user: user.id)
