"""Keeps every positioned channel in step with its stream: opens positions, fills holes, finds lost tails."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence

from chirpbird.realtime.channel_position import ChannelPosition
from chirpbird.realtime.clock import Clock
from chirpbird.realtime.config import NodeConfig
from chirpbird.realtime.history import BatchHistory, History
from chirpbird.realtime.hub import Channel
from chirpbird.realtime.types import Publication, StreamPosition

__all__ = ["PositionKeeper"]

_logger = logging.getLogger("chirpbird.realtime")
_BATCH = 500
"""Publications read at once to fill a hole."""
_FRUITLESS_LIMIT = 8
"""Readings of a stream that does not have what was announced, before the place in it is given up."""
_CHECKS_AT_ONCE = 16
"""Channels, where each has to be asked for by itself."""
_TOPS_AT_ONCE = 500
_BATCHES_AT_ONCE = 2

Spawn = Callable[[Coroutine[object, object, None]], "asyncio.Task[None]"]
Sleep = Callable[[float], Coroutine[object, object, None]]


class PositionKeeper:
    """The driver of ``ChannelPosition``: reads the stream when it says so. One reading per channel at a time."""

    def __init__(
        self,
        *,
        history: History,
        clock: Clock,
        config: NodeConfig,
        spawn: Spawn,
        sleep: Sleep,
        lost: Callable[[Channel], None],
    ) -> None:
        self._history = history
        self._clock = clock
        self._config = config
        self._spawn = spawn
        self._sleep = sleep
        self._lost = lost
        self._checking = False
        self._once_more = False
        self.fills = 0
        """Holes filled from streams."""

    def announced(self, channel: Channel, publication: Publication, epoch: str) -> None:
        """A publication of a stream came over the bus."""
        position = channel.position
        if position is None:
            channel.deliver((publication,), epoch)
            return
        channel.active_at = self._clock.monotonic()
        self._apply(channel, position, position.announced(publication, epoch))

    async def open(self, channel: Channel) -> None:
        """See to it that the channel has a position. Errors: whatever ``History.top`` raises."""
        while channel.position is None or not channel.position.known:
            if channel.opening is None:
                channel.position = ChannelPosition()
                channel.opening = self._spawn(self._open(channel, channel.position))
            await asyncio.shield(channel.opening)

    async def catch_up(self, channel: Channel) -> None:
        """Read the stream once to its top, or what is left of it after a fill under way."""
        position = channel.position
        if position is None:
            return
        if channel.filling is None:
            since = position.offset
            top = await self._history.top(channel.name)
            if channel.position is not position:
                return
            if not position.checked(top, since=since):
                self.drop(channel, lost=True)
                return
            self._fill_if_behind(channel, position)
        if channel.filling is not None:
            await asyncio.shield(channel.filling)

    def drop(self, channel: Channel, *, lost: bool) -> None:
        """Forget the position. ``lost``: its subscribers have to be told."""
        position, channel.position = channel.position, None
        if lost:
            self._lost(channel)
        if position is not None:
            held = position.let_go()
            if held:
                channel.deliver(held, position.epoch)
        if channel.recent is not None:
            channel.recent = deque(maxlen=channel.recent.maxlen)

    async def check(self, channels: Sequence[Channel], delay: float) -> None:
        """Compare those that were quiet for ``delay`` seconds with their streams; 0: all, even those that are being filled.

        While it is still at it, nothing happens but that a call for all makes it go over all of them once more.
        """
        if self._checking:
            self._once_more = self._once_more or not delay
            return
        now = self._clock.monotonic()
        quiet = [
            channel
            for channel in channels
            if channel.positioned
            and (not delay or (channel.filling is None and now - channel.active_at >= delay))
        ]
        self._checking = True
        try:
            together = isinstance(self._history, BatchHistory)
            size = _TOPS_AT_ONCE if together else 1
            queue = iter([quiet[start : start + size] for start in range(0, len(quiet), size)])

            async def work() -> None:
                for some in queue:
                    await self._check_some(some)

            workers = _BATCHES_AT_ONCE if together else min(_CHECKS_AT_ONCE, len(quiet))
            await asyncio.gather(*(work() for _ in range(workers)))
        finally:
            self._checking = False
        if self._once_more:
            self._once_more = False
            await self.check(channels, 0.0)

    async def _check_some(self, channels: Sequence[Channel]) -> None:
        asked = [
            (channel, channel.position, channel.position.offset)
            for channel in channels
            if channel.position is not None and channel.position.known
        ]
        names = [channel.name for channel, _, _ in asked]
        try:
            tops = await self._tops(names)
        except Exception as error:
            what = f"the top of {names[0]!r}" if len(names) == 1 else f"the tops of {len(names)} channels"
            _logger.warning("%s cannot be read, the check is put off: %r", what, error)
            return
        now = self._clock.monotonic()
        for channel, position, since in asked:
            top = tops.get(channel.name)
            if top is None or channel.position is not position:
                continue
            if not position.checked(top, since=since):
                self.drop(channel, lost=True)
                continue
            channel.active_at = now
            self._fill_if_behind(channel, position)

    async def _tops(self, names: Sequence[str]) -> Mapping[str, StreamPosition]:
        history = self._history
        if isinstance(history, BatchHistory):
            return await history.tops_of(names) if names else {}
        return {name: await history.top(name) for name in names}

    async def _open(self, channel: Channel, position: ChannelPosition) -> None:
        try:
            top = await self._history.top(channel.name)
            if channel.position is position:
                channel.active_at = self._clock.monotonic()
                self._apply(channel, position, position.open(top))
        except BaseException:
            if channel.position is position:
                self.drop(channel, lost=False)
            raise
        finally:
            channel.opening = None

    def _apply(
        self, channel: Channel, position: ChannelPosition, publications: Sequence[Publication] | None
    ) -> None:
        if publications is None:
            self.drop(channel, lost=True)
            return
        if publications:
            channel.deliver(publications, position.epoch)
        self._fill_if_behind(channel, position)

    def _fill_if_behind(self, channel: Channel, position: ChannelPosition) -> None:
        if channel.filling is None and position.behind:
            channel.filling = self._spawn(self._fill(channel, position))

    async def _fill(self, channel: Channel, position: ChannelPosition) -> None:
        """Read until the position is at the top again, however long the stream cannot be read."""
        pause = self._config.fill_retry_min
        fruitless = 0
        try:
            while channel.position is position and position.behind:
                since = position.offset
                try:
                    read = await self._history.read(channel.name, since=since, limit=_BATCH)
                except Exception as error:
                    _logger.warning(
                        "%r cannot be read to fill a hole after %d: %r", channel.name, since, error
                    )
                else:
                    if channel.position is not position:
                        return
                    self._apply(channel, position, position.filled(read, since=since))
                    if position.offset > since:
                        self.fills += 1
                        pause = self._config.fill_retry_min
                        fruitless = 0
                        continue
                    fruitless += 1
                    if fruitless == _FRUITLESS_LIMIT:
                        self.drop(channel, lost=True)
                        return
                await self._sleep(pause)
                pause = min(2 * pause, self._config.fill_retry_max)
        finally:
            channel.filling = None
            if channel.position is not None:
                self._fill_if_behind(channel, channel.position)
