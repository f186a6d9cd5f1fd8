"""The channels' logs in MongoDB.

Entries never change and a log has no holes: so a page and the top of one instant need no snapshot, only the right order of
asking.
"""

from __future__ import annotations

from asyncio import Future
from collections import OrderedDict
from collections.abc import Sequence

from chirpbird.chat.entities import Draft, Entry, Position
from chirpbird.chat.errors import NotFound
from chirpbird.chat.ports import CommitListener
from chirpbird.storage.mongodb.appender import Appender
from chirpbird.storage.mongodb.connection import Mongo, Session
from chirpbird.storage.mongodb.documents import Document, entry_of, range_of
from chirpbird.storage.mongodb.tops import find_seqs, find_top

__all__ = ["MongoLog"]

MAX_EPOCHS = 100_000
"""Channels whose epoch is kept in memory: it changes only when a log is replaced, with all nodes stopped."""
_LARGEST = 2**53
_PAGE = 1_000


class MongoLog:
    """``chat.ports.Log``."""

    def __init__(self, mongo: Mongo, appender: Appender) -> None:
        self._mongo = mongo
        self._appender = appender
        self._epochs: OrderedDict[str, str] = OrderedDict()

    def append(self, draft: Draft) -> Future[Entry]:
        return self._appender.submit(draft)

    def add_commit_listener(self, listener: CommitListener) -> None:
        self._appender.add_listener(listener)

    async def read(self, channel_id: str, *, after: int, limit: int) -> tuple[list[Entry], Position]:
        async with self._mongo.session() as session:
            epoch = await self._epoch(session, channel_id)
            while True:
                page = range_of(channel_id, "seq", after=min(after, _LARGEST))
                entries = await self._page(session, page, 1, limit)
                if 0 < len(entries) < limit:
                    # A page that is not full ends at the top.
                    return entries, Position(entries[-1].seq, epoch)
                seq = await self._top(session, channel_id)
                if entries or seq <= after or limit <= 0:
                    return entries, Position(seq, epoch)

    async def read_before(self, channel_id: str, *, before: int, limit: int) -> tuple[list[Entry], Position]:
        async with self._mongo.session() as session:
            epoch = await self._epoch(session, channel_id)
            page = range_of(channel_id, "seq", before=min(before, _LARGEST))
            entries = await self._page(session, page, -1, limit)
            entries.reverse()
            if entries and entries[-1].seq < before - 1:
                # Nothing between the page and its bound: it ends at the top.
                return entries, Position(entries[-1].seq, epoch)
            return entries, Position(await self._top(session, channel_id), epoch)

    async def top(self, channel_id: str) -> Position:
        async with self._mongo.session() as session:
            epoch = await self._epoch(session, channel_id)
            return Position(await self._top(session, channel_id), epoch)

    async def tops(self, channel_ids: Sequence[str]) -> dict[str, Position]:
        async with self._mongo.session() as session:
            await self._learn_epochs(session, [one for one in channel_ids if one not in self._epochs])
            epochs = {one: self._epochs[one] for one in channel_ids if one in self._epochs}
            seqs = await find_seqs(self._mongo, session, list(epochs))
        return {one: Position(seqs[one], epoch) for one, epoch in epochs.items() if one in seqs}

    async def _page(self, session: Session, ids: Document, direction: int, limit: int) -> list[Entry]:
        if limit <= 0:
            return []
        batch = min(limit, _PAGE) + 1
        found = self._mongo.entries.find({"_id": ids}, session=session, batch_size=batch)
        return [entry_of(document) async for document in found.sort("_id", direction).limit(limit)]

    async def _top(self, session: Session, channel_id: str) -> int:
        top = await find_top(self._mongo, session, channel_id)
        if top is None:
            raise NotFound("no such channel")
        return top.seq

    async def _epoch(self, session: Session, channel_id: str) -> str:
        epoch = self._epochs.get(channel_id)
        if epoch is None:
            await self._learn_epochs(session, [channel_id])
            epoch = self._epochs.get(channel_id)
            if epoch is None:
                raise NotFound("no such channel")
        return epoch

    async def _learn_epochs(self, session: Session, channel_ids: Sequence[str]) -> None:
        """Of those that exist."""
        if not channel_ids:
            return
        while len(self._epochs) > MAX_EPOCHS - len(channel_ids):
            self._epochs.popitem(last=False)
        wanted = {"_id": {"$in": list(channel_ids)}}
        async for found in self._mongo.channels.find(wanted, {"epoch": 1}, session=session):
            self._epochs[found["_id"]] = found["epoch"]
