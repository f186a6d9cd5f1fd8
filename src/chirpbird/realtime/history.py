"""Where a channel's past comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from chirpbird.realtime.types import HistoryResult, StreamPosition

__all__ = ["BatchHistory", "History"]


class History(Protocol):
    """A channel's past: entries with offsets 1, 2, 3, ... without holes, of which the oldest may have been dropped.

    An entry is here before it is announced. A failure to read is raised as any exception; the engine tries again.
    """

    async def read(
        self, channel: str, *, since: int | None, limit: int, reverse: bool = False
    ) -> HistoryResult:
        """At most ``limit`` publications (-1: all, 0: none, the position only) and the top at the same instant.

        Forward: offset > ``since`` ascending, None from the oldest kept. Reverse: offset < ``since`` descending, None from
        the top.
        """
        ...

    async def top(self, channel: str) -> StreamPosition:
        """The last offset (0 for an empty stream) and the epoch, which is never empty."""
        ...


@runtime_checkable
class BatchHistory(History, Protocol):
    """A history that tells many tops at little more than the price of one. Others are asked for each channel by itself."""

    async def tops_of(self, channels: Sequence[str]) -> Mapping[str, StreamPosition]:
        """At most 500 at a time; channels without a stream may be left out. Errors: as of ``top``."""
        ...
