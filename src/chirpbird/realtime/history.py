"""Where a channel's past comes from."""

from __future__ import annotations

from typing import Protocol

from chirpbird.realtime.types import HistoryResult, StreamPosition

__all__ = ["History"]


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
