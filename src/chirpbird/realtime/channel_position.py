"""How far a channel's stream has been delivered on this node, and what to do with the next announcement. No I/O.

The bus may lose, repeat and reorder announcements. Positioned subscribers see none of that: what is next in line goes through,
what was there already is dropped, and what comes too early is held until the hole before it has been filled from the stream.
"""

from __future__ import annotations

from collections.abc import Sequence

from chirpbird.realtime.types import HistoryResult, Publication, StreamPosition

__all__ = ["ChannelPosition"]

_HELD_LIMIT = 512
"""Publications kept while a hole is open; those beyond are read from the stream again when their turn comes."""
_UNKNOWN = -1


class ChannelPosition:
    """The last offset delivered, and what is being held back.

    Methods that take something in answer with what is to be delivered now, in order; or with None when the subscribers' place in
    the stream is lost: another stream has taken its place, or entries that they have not seen are gone.
    """

    __slots__ = ("_held", "epoch", "offset", "wanted")

    def __init__(self) -> None:
        self.offset = _UNKNOWN
        self.epoch = ""
        self.wanted = 0
        """Highest offset that is known to exist."""
        self._held: dict[int, Publication] = {}

    @property
    def known(self) -> bool:
        """Before, everything is held."""
        return self.offset != _UNKNOWN

    @property
    def behind(self) -> bool:
        """There are publications that were not delivered yet."""
        return self.wanted > self.offset and self.known

    def open(self, top: StreamPosition) -> Sequence[Publication]:
        """Begin at ``top``; what was announced beyond it in the meantime comes out."""
        self.offset = top.offset
        self.epoch = top.epoch
        for offset in [offset for offset in self._held if offset <= top.offset]:
            del self._held[offset]
        return self._drain([])

    def announced(self, publication: Publication, epoch: str) -> Sequence[Publication] | None:
        """A publication of the stream (offset > 0) arrived over the bus."""
        offset = publication.offset
        if not self.known:
            self._hold(publication)
            return ()
        if epoch != self.epoch:
            return None
        if offset <= self.offset:
            return ()
        if offset == self.offset + 1:
            self.offset = offset
            self.wanted = max(self.wanted, offset)
            return self._drain([publication]) if self._held else (publication,)
        self._hold(publication)
        return ()

    def filled(self, read: HistoryResult, *, since: int) -> Sequence[Publication] | None:
        """What the stream holds after ``since``, which was the position when the reading began."""
        top = read.position
        if top.epoch != self.epoch or top.offset < since:
            return None
        self.wanted = max(self.wanted, top.offset)
        out: list[Publication] = []
        for publication in read.publications:
            if publication.offset <= self.offset:
                continue
            if publication.offset != self.offset + 1:
                return None
            self.offset = publication.offset
            out.append(publication)
        if not read.publications and top.offset > self.offset:
            return None
        return self._drain(out)

    def checked(self, top: StreamPosition, *, since: int) -> bool:
        """The stream's top was read while the position was ``since`` at first. False: the place is lost."""
        if top.epoch != self.epoch or top.offset < since:
            return False
        self.wanted = max(self.wanted, top.offset)
        return True

    def let_go(self) -> Sequence[Publication]:
        """Everything held, in order, holes and all: for subscribers that do not care for positions."""
        held = [self._held[offset] for offset in sorted(self._held)]
        self._held.clear()
        return held

    def _hold(self, publication: Publication) -> None:
        self.wanted = max(self.wanted, publication.offset)
        if len(self._held) < _HELD_LIMIT:
            self._held[publication.offset] = publication

    def _drain(self, out: list[Publication]) -> Sequence[Publication]:
        """Add to ``out`` what was held and is next in line now."""
        while (publication := self._held.pop(self.offset + 1, None)) is not None:
            self.offset += 1
            out.append(publication)
        if self._held:
            for offset in [offset for offset in self._held if offset <= self.offset]:
                del self._held[offset]
        return out
