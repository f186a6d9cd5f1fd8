"""How a positioned subscription meets the stream: from the client's position to the channel's, without a hole or a repeat.

The channel's position on this node is the meeting point. A newcomer is brought there with publications read from the stream and
those delivered since the reading, all in the subscribe result; from there on it goes with everybody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from chirpbird.realtime.channel_position import ChannelPosition
from chirpbird.realtime.options import RecoveryMode, SubscribeOptions
from chirpbird.realtime.tag_filter import TagFilter
from chirpbird.realtime.types import Publication, StreamPosition

if TYPE_CHECKING:
    from chirpbird.realtime.history import History
    from chirpbird.realtime.hub import Channel
    from chirpbird.realtime.position_keeper import PositionKeeper

__all__ = ["Joined", "Joiner"]


class Joined(msgspec.Struct, frozen=True):
    """Where the newcomer enters the stream."""

    position: StreamPosition
    """The channel's, or the client's own if it is brought from there to the channel's by ``publications``."""
    publications: list[Publication]
    epoch: str
    was_recovering: bool
    recovered: bool


class Joiner:
    """One newcomer on its way to the channel's position.

    ``prepare`` does the reading; ``complete`` is synchronous, and what it returns holds until the event loop gets control back.
    Between the two, ``Channel.begin_join`` has to be in force.
    """

    __slots__ = (
        "_channel",
        "_filter",
        "_history",
        "_keeper",
        "_limit",
        "_mode",
        "_position",
        "_read",
        "_since",
    )

    def __init__(
        self,
        channel: Channel,
        options: SubscribeOptions,
        since: StreamPosition | None,
        *,
        keeper: PositionKeeper,
        history: History,
        limit: int,
        tag_filter: TagFilter | None = None,
    ) -> None:
        self._channel = channel
        self._mode = options.recovery_mode
        self._filter = tag_filter
        """The client is given what matches only."""
        if since is None and options.auto_cache_recover and self._mode is RecoveryMode.CACHE:
            since = StreamPosition()
        self._since = since if options.recoverable else None
        self._keeper = keeper
        self._history = history
        self._limit = limit if options.recovery_limit is None else options.recovery_limit
        self._position: ChannelPosition | None = None
        self._read: list[Publication] | None = None
        """What the stream said; None: the client's position cannot be met."""

    async def prepare(self) -> None:
        """Open the channel's position and read what the client missed. Errors: whatever ``History`` raises."""
        self._read = None
        await self._keeper.open(self._channel)
        self._position = position = self._channel.position
        since = self._since
        if since is None or position is None:
            return
        if self._mode is RecoveryMode.CACHE:
            await self._read_latest()
            return
        if since.epoch not in ("", position.epoch):
            return
        if since.offset > position.offset:
            await self._keeper.catch_up(self._channel)
            if self._channel.position is not position or since.offset > position.offset:
                return
        missed = position.offset - since.offset
        if missed > self._limit:
            return
        if missed == 0:
            self._read = []
            return
        result = await self._history.read(self._channel.name, since=since.offset, limit=missed)
        if result.position.epoch == position.epoch:
            self._read = result.publications

    def complete(self) -> Joined | None:
        """The meeting, if it can be made right now; None: ``prepare`` once more."""
        position = self._position
        if position is None or self._channel.position is not position:
            return None
        here = StreamPosition(position.offset, position.epoch)
        since = self._since
        if since is None:
            return Joined(here, [], position.epoch, was_recovering=False, recovered=False)
        if self._mode is RecoveryMode.CACHE:
            recovered = self._latest(position, since)
        elif self._outrun(since):
            return None
        else:
            recovered = self._missed(position, since)
        if recovered is None:
            return Joined(here, [], position.epoch, was_recovering=True, recovered=False)
        wanted = [publication for publication in recovered if self._wants(publication)]
        if not wanted:
            since = here  # nothing else tells the client how far it has come
        return Joined(since, wanted, position.epoch, was_recovering=True, recovered=True)

    def _wants(self, publication: Publication) -> bool:
        return self._filter is None or self._filter.matches(publication.tags)

    def _outrun(self, since: StreamPosition) -> bool:
        """So much was delivered since the reading that the channel no longer remembers all of it."""
        recent = self._channel.recent
        if self._read is None or not recent or len(recent) != recent.maxlen:
            return False
        return recent[0].offset > self._reached(since) + 1

    def _reached(self, since: StreamPosition) -> int:
        """How far the reading brings the client."""
        return self._read[-1].offset if self._read else since.offset

    def _missed(self, position: ChannelPosition, since: StreamPosition) -> list[Publication] | None:
        """Everything after ``since`` up to the channel's position; None when a part of it cannot be had."""
        if self._read is None:
            return None
        found = list(self._read)
        reached = self._reached(since)
        found.extend(
            publication for publication in self._channel.recent or () if publication.offset > reached
        )
        expected = since.offset
        for publication in found:
            expected += 1
            if publication.offset != expected:
                return None
        return found if expected == position.offset else None

    async def _read_latest(self) -> None:
        most = 1 if self._filter is None else self._limit  # the latest that matches may be further back
        result = await self._history.read(self._channel.name, since=None, limit=most, reverse=True)
        position = self._position
        if position is None or result.position.epoch != position.epoch:
            return
        if result.position.offset > position.offset:
            await self._keeper.catch_up(self._channel)
        self._read = result.publications

    def _latest(self, position: ChannelPosition, since: StreamPosition) -> list[Publication] | None:
        """The latest publication, unless the client has it; None when it cannot be had."""
        if since.offset == position.offset and since.epoch == position.epoch:
            return []
        found = {publication.offset: publication for publication in self._read or ()}
        found.update((publication.offset, publication) for publication in self._channel.recent or ())
        if position.offset not in found:
            return None
        offsets = sorted((offset for offset in found if offset <= position.offset), reverse=True)
        for offset in offsets:
            if self._wants(found[offset]):
                seen = offset <= since.offset and since.epoch == position.epoch
                return [] if seen else [found[offset]]
        return []
