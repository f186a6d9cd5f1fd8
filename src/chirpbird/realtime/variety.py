"""Subscribers of one channel who get the same bytes.

What is published is encoded and framed once per variety: wire format and framing, deltas or not, which filter, channel by name or
by number. What is left to do per subscriber is to hand those bytes over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from chirpbird.realtime import fossil
from chirpbird.realtime.lane import Address, Lane
from chirpbird.realtime.tag_filter import TagFilter
from chirpbird.realtime.types import Publication

if TYPE_CHECKING:
    from chirpbird.realtime.session import Session
    from chirpbird.realtime.subscription import Subscription

__all__ = ["Group", "Round", "Variety"]


class Variety(NamedTuple):
    """What decides how a publication looks for a subscriber, and whether there is one."""

    lane: Lane
    compact: bool = False
    """The channel's number stands for its name."""
    delta: bool = False
    """Publications are told as differences from the one before. Not together with a filter: there would be no one before."""
    filter: TagFilter | None = None


class Group:
    """The subscribers of one variety."""

    __slots__ = ("_sessions", "members", "newcomers", "variety")

    def __init__(self, variety: Variety) -> None:
        self.variety = variety
        self.members: dict[Session, Subscription] = {}
        self.newcomers: dict[Session, Subscription] = {}
        """Those of a delta variety who do not have the publication before the next: they get that whole."""
        self._sessions: list[Session] | None = None

    def __len__(self) -> int:
        return len(self.members) + len(self.newcomers)

    def __iter__(self) -> Iterator[tuple[Session, Subscription]]:
        yield from self.members.items()
        yield from self.newcomers.items()

    def add(self, session: Session, sub: Subscription, *, newcomer: bool) -> None:
        if newcomer:
            self.newcomers[session] = sub
        else:
            self.members[session] = sub
            self._sessions = None

    def remove(self, session: Session) -> bool:
        """Whether it was there."""
        if self.members.pop(session, None) is not None:
            self._sessions = None
            return True
        return self.newcomers.pop(session, None) is not None

    def sessions(self) -> list[Session]:
        """The members, to be handed something: whoever goes meanwhile is still on the list. Not to be changed."""
        if self._sessions is None:
            self._sessions = list(self.members)
        return self._sessions

    def welcome(self) -> list[Session]:
        """The newcomers, who are members from here on."""
        welcomed = list(self.newcomers)
        self.members.update(self.newcomers)
        self.newcomers.clear()
        self._sessions = None
        return welcomed


class Round:
    """Publications that leave together, in the forms that the varieties need. Work that varieties share is done once."""

    __slots__ = ("_address", "_base", "_filtered", "_patches", "_pending")

    def __init__(
        self,
        address: Callable[[bool], Address],
        pending: Sequence[tuple[Publication, str]],
        base: Publication | None,
    ) -> None:
        self._address = address
        self._pending = pending
        self._base = base
        """What members of delta varieties got last."""
        self._patches: list[bytes | None] | None = None
        self._filtered: dict[TagFilter, Sequence[tuple[Publication, str]]] = {}

    def count(self, variety: Variety) -> int:
        """How many of the publications this variety gets."""
        return len(self._pending if variety.filter is None else self._matching(variety.filter))

    def frames(self, variety: Variety) -> bytes:
        """For members. Errors: EncodeError."""
        lane, address = variety.lane, self._address(variety.compact)
        if variety.delta:
            return self._deltas(lane, address, self._differences())
        pending = self._pending if variety.filter is None else self._matching(variety.filter)
        if len(pending) == 1:
            publication, epoch = pending[0]
            return lane.publication(address, publication, epoch)
        return b"".join([lane.publication(address, publication, epoch) for publication, epoch in pending])

    def first_frames(self, variety: Variety) -> bytes:
        """For newcomers of a delta variety: the first publication whole. Errors: EncodeError."""
        return self._deltas(variety.lane, self._address(variety.compact), [None, *self._differences()[1:]])

    def _deltas(self, lane: Lane, address: Address, patches: Sequence[bytes | None]) -> bytes:
        return b"".join(
            [
                lane.delta_publication(address, publication, epoch, patch)
                for (publication, epoch), patch in zip(self._pending, patches, strict=True)
            ]
        )

    def _differences(self) -> list[bytes | None]:
        """From the publication before; None: tell it whole."""
        if self._patches is None:
            patches: list[bytes | None] = []
            before = self._base
            for publication, _ in self._pending:
                wanted = before is not None and publication.delta
                patches.append(
                    fossil.create(before.data, publication.data) if before is not None and wanted else None
                )
                before = publication
            self._patches = patches
        return self._patches

    def _matching(self, tag_filter: TagFilter) -> Sequence[tuple[Publication, str]]:
        matching = self._filtered.get(tag_filter)
        if matching is None:
            matching = [pair for pair in self._pending if tag_filter.matches(pair[0].tags)]
            self._filtered[tag_filter] = matching
        return matching
