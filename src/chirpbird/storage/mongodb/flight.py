"""One batch of messages on its way into the logs of one or more channels."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from pymongo.errors import BulkWriteError

from chirpbird.chat.entities import Draft, Entry, EntryKind
from chirpbird.chat.errors import ChatError, NotFound
from chirpbird.storage.mongodb.connection import Mongo, Session, store_error
from chirpbird.storage.mongodb.documents import ENTRY_FIELDS, Document, entry_document, entry_of, range_of
from chirpbird.storage.mongodb.tops import Top, Tops, find_top

__all__ = ["Flight", "Outcomes", "Waiting"]

_DUPLICATE_KEY = 11000
_MOST_DOUBTFUL = 1_000
"""Entries that listeners are told of late; if there are more, subscribers fill the gap from the log by themselves."""
_PAUSE = 0.005
"""Seconds before looking again for an entry that is in the way and that a majority does not have yet."""


class Waiting:
    """A draft, and who waits for its entry: several when one key was sent several times at once."""

    __slots__ = ("draft", "futures")

    def __init__(self, draft: Draft, future: Future[Entry]) -> None:
        self.draft = draft
        self.futures = [future]


class Outcomes(Protocol):
    """Answers those who wait."""

    def settle(
        self, written: Sequence[tuple[Waiting, Entry]], known: Sequence[tuple[Waiting, Entry]] = ()
    ) -> None:
        """These drafts have their entries: those that are new, and those that were sent before."""
        ...

    def found(self, entries: Sequence[Entry]) -> None:
        """These are in a log behind what was known of it: written by inserts whose answer was lost, or by other nodes."""
        ...

    def refuse(self, refused: Iterable[Waiting], error: ChatError) -> None:
        """These never will."""
        ...


class Flight:
    """Inserts until each draft has its entry or its error. All of it takes at most as long as one operation may."""

    def __init__(self, mongo: Mongo, tops: Tops, now_ms: Callable[[], int], outcomes: Outcomes) -> None:
        self._mongo = mongo
        self._tops = tops
        self._now_ms = now_ms
        self._outcomes = outcomes
        self._collided: set[str] = set()

    async def run(self, load: dict[str, deque[Waiting]]) -> set[str]:
        """Take the drafts out of ``load`` as they are settled. A channel in which another node was faster drops out of a load
        of several, its drafts unsettled; the names of such channels are returned.

        Errors: ChatError; what of the remaining load was written is unknown then.
        """
        remaining = dict(load)
        async with self._mongo.session() as session:
            while remaining:
                await self._find_tops(session, remaining)
                batch = self._batch(remaining)
                failed_at, is_place = await self._insert(session, [entry for _, entry in batch])
                self._settle_first(batch[:failed_at], remaining)
                if failed_at == len(batch):
                    continue
                waiting, entry = batch[failed_at]
                channel_id = entry.channel_id
                if is_place:
                    self._tops.forget(channel_id)
                    self._collided.add(channel_id)
                    if len(remaining) > 1:
                        del remaining[channel_id]
                else:
                    await self._settle_known(session, channel_id, remaining, waiting)
        return self._collided

    async def _find_tops(self, session: Session, remaining: dict[str, deque[Waiting]]) -> None:
        for channel_id in list(remaining):
            if self._tops.get(channel_id) is not None:
                continue
            top = await find_top(self._mongo, session, channel_id)
            if top is not None:
                await self._find_doubtful(session, channel_id, top)
                self._tops.remember(channel_id, top)
                continue
            queue = remaining.pop(channel_id)
            self._outcomes.refuse(queue, NotFound("no such channel"))
            queue.clear()

    async def _find_doubtful(self, session: Session, channel_id: str, top: Top) -> None:
        """Whose answer was lost sends again, and is then told that it was there already: the listeners must have heard of it."""
        after = self._tops.doubtful_after(channel_id)
        if after is not None and after < top.seq <= after + _MOST_DOUBTFUL:
            ids = range_of(channel_id, "seq", after=after, before=top.seq + 1)
            found = self._mongo.entries.find({"_id": ids}, ENTRY_FIELDS, session=session).sort("_id", 1)
            self._outcomes.found([entry_of(document) async for document in found])

    def _batch(self, remaining: dict[str, deque[Waiting]]) -> list[tuple[Waiting, Entry]]:
        now = self._now_ms()
        batch: list[tuple[Waiting, Entry]] = []
        for channel_id, queue in remaining.items():
            top = self._tops.get(channel_id)
            if top is None:
                continue
            for waiting in queue:
                entry = _next(top, waiting.draft, now)
                top = Top(entry.seq, entry.message_number, entry.created_at)
                batch.append((waiting, entry))
        return batch

    async def _insert(self, session: Session, entries: Sequence[Entry]) -> tuple[int, bool]:
        """How many were written, and, if not all were, whether it is the place of the next one that is taken (else its key)."""
        if not entries:
            return 0, False
        try:
            await self._mongo.entries.insert_many(
                [entry_document(entry) for entry in entries], session=session
            )
        except BulkWriteError as error:
            details: Document = dict(error.details or {})
            problems = details.get("writeErrors", [])
            if details.get("writeConcernErrors") or not problems or problems[0]["code"] != _DUPLICATE_KEY:
                # Even what was written may be rolled back.
                raise store_error(error) from error
            return problems[0]["index"], "_id" in problems[0]["keyPattern"]
        return len(entries), False

    def _settle_first(
        self, written: Sequence[tuple[Waiting, Entry]], remaining: dict[str, deque[Waiting]]
    ) -> None:
        for _, entry in written:
            queue = remaining[entry.channel_id]
            queue.popleft()
            if not queue:
                del remaining[entry.channel_id]
        if written:
            self._outcomes.settle(written)

    async def _settle_known(
        self, session: Session, channel_id: str, remaining: dict[str, deque[Waiting]], blocked: Waiting
    ) -> None:
        """A draft's key was used before: find the first entries of all keys of the channel's drafts at once."""
        queue = remaining[channel_id]
        keys = [{"sender_id": one.draft.sender_id, "key": one.draft.key} for one in queue if one.draft.key]
        found = self._mongo.entries.find(
            {"_id.channel": channel_id, "$or": keys}, ENTRY_FIELDS, session=session
        )
        by_key = {(document["sender_id"], document["key"]): entry_of(document) async for document in found}
        known, left = [], []
        for waiting in queue:
            entry = by_key.get((waiting.draft.sender_id, waiting.draft.key))
            if entry is None:
                left.append(waiting)
            else:
                known.append((waiting, entry))
        queue.clear()
        queue.extend(left)
        if not queue:
            del remaining[channel_id]
        self._outcomes.settle([], known)
        if blocked in left:
            # It is there, but no majority has it yet: it may be rolled back still.
            self._tops.forget(channel_id)
            await asyncio.sleep(_PAUSE)


def _next(top: Top, draft: Draft, now: int) -> Entry:
    return Entry(
        channel_id=draft.channel_id,
        seq=top.seq + 1,
        kind=draft.kind,
        sender_id=draft.sender_id,
        key=draft.key,
        text=draft.text,
        members=(),
        created_at=max(now, top.created_at),
        message_number=top.messages + (draft.kind is EntryKind.MESSAGE),
        target=draft.target,
        mentions=draft.mentions,
    )
