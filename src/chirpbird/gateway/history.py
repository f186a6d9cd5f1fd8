"""The engine's ``History`` over the chat's log: recovering is reading the log."""

from __future__ import annotations

from collections.abc import Sequence

from chirpbird.chat.entities import Entry
from chirpbird.chat.limits import MAX_SEQ
from chirpbird.chat.ports import Log
from chirpbird.chat.rendering import Renderer
from chirpbird.realtime import HistoryResult, Publication, StreamPosition

__all__ = ["LogHistory"]


class LogHistory:
    """Answers the engine's questions about a chat channel's past. Errors: the chat's, StoreUnavailable and NotFound."""

    def __init__(self, log: Log, renderer: Renderer) -> None:
        self._log = log
        self._renderer = renderer

    async def read(
        self, channel: str, *, since: int | None, limit: int, reverse: bool = False
    ) -> HistoryResult:
        """Publications behind ``since`` in ascending order, or before it in descending order; see the engine's protocol."""
        if limit == 0:
            return HistoryResult([], await self.top(channel))
        count = MAX_SEQ if limit < 0 else limit
        if reverse:
            before = MAX_SEQ if since is None else since
            entries, top = await self._log.read_before(channel, before=before, limit=count)
            entries.reverse()
        else:
            entries, top = await self._log.read(channel, after=since or 0, limit=count)
        return HistoryResult(await self._publications(entries), StreamPosition(top.seq, top.epoch))

    async def top(self, channel: str) -> StreamPosition:
        """The log's last seq and its epoch."""
        top = await self._log.top(channel)
        return StreamPosition(top.seq, top.epoch)

    async def tops_of(self, channels: Sequence[str]) -> dict[str, StreamPosition]:
        """Those of many channels; who does not exist is left out."""
        tops = await self._log.tops(channels)
        return {channel: StreamPosition(top.seq, top.epoch) for channel, top in tops.items()}

    async def _publications(self, entries: list[Entry]) -> list[Publication]:
        rendered = await self._renderer.render(entries)
        return [
            Publication(data=data, offset=entry.seq) for entry, data in zip(entries, rendered, strict=True)
        ]
