"""The channels' logs in MongoDB.

Entries never change, but that deletions empty some, and a log has no holes: so a page and the top of one instant need no
snapshot, only the right order of asking.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from chirpbird.chat.entities import CHANGES, Draft, Entry, EntryKind, Position
from chirpbird.chat.errors import NotFound
from chirpbird.chat.ports import CommitListener, EntryId
from chirpbird.storage.mongodb.appender import Appender
from chirpbird.storage.mongodb.connection import Mongo, Session
from chirpbird.storage.mongodb.documents import ENTRY_FIELDS, Document, entry_of, range_of, seq_id
from chirpbird.storage.mongodb.membership import is_move
from chirpbird.storage.mongodb.projecting import is_admitted
from chirpbird.storage.mongodb.tops import find_seqs, find_top

__all__ = ["MongoLog"]

MAX_EPOCHS = 100_000
"""Channels whose epoch is kept in memory: it changes only when a log is replaced, with all nodes stopped."""
_LARGEST = 2**53
_PAGE = 1_000
_ROW: Document = {"kind": {"$nin": sorted(kind.value for kind in CHANGES)}}


class MongoLog:
    """``chat.ports.Log``."""

    def __init__(self, mongo: Mongo, appender: Appender) -> None:
        self._mongo = mongo
        self._appender = appender
        self._epochs: OrderedDict[str, str] = OrderedDict()
        self._changing: dict[tuple[str, int], asyncio.Task[Entry]] = {}
        """For messages that are being reacted to or pinned here, the last such task."""

    def append(self, draft: Draft) -> Future[Entry]:
        if draft.kind in CHANGES and not is_move(draft):
            return self._change(draft)
        return self._appender.submit(draft)

    def _change(self, draft: Draft) -> Future[Entry]:
        """Reactions and pins: looked at, then appended like messages, and no transaction. Here one after the other for each
        message; two nodes may append the same twice, which folding makes one of.
        """
        key = (draft.channel_id, draft.target)
        task = asyncio.get_running_loop().create_task(self._change_after(self._changing.get(key), draft))
        self._changing[key] = task

        def done(ended: asyncio.Task[Entry]) -> None:
            if self._changing.get(key) is ended:
                del self._changing[key]

        task.add_done_callback(done)
        return task

    async def _change_after(self, earlier: asyncio.Task[Entry] | None, draft: Draft) -> Entry:
        if earlier is not None:
            await asyncio.wait([earlier])
        async with self._mongo.session() as session:
            admitted = await is_admitted(self._mongo, session, draft)
            if not admitted:
                top = await find_top(self._mongo, session, draft.channel_id)
                found = await self._mongo.entries.find_one(
                    {"_id": seq_id(draft.channel_id, 0 if top is None else top.seq)},
                    ENTRY_FIELDS,
                    session=session,
                )
                if found is None:
                    raise NotFound("no such channel")
                return entry_of(found)
        return await self._appender.submit(draft)

    def add_commit_listener(self, listener: CommitListener) -> None:
        self._appender.add_listener(listener)

    async def read(self, channel_id: str, *, after: int, limit: int) -> tuple[list[Entry], Position]:
        async with self._mongo.session() as session:
            epoch = await self._epoch(session, channel_id)
            while True:
                page: Document = {"_id": range_of(channel_id, "seq", after=min(after, _LARGEST))}
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
            page: Document = {"_id": range_of(channel_id, "seq", before=min(before, _LARGEST))}
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

    async def rows(self, channel_id: str, *, after: int, limit: int) -> tuple[list[Entry], Position]:
        ids = range_of(channel_id, "seq", after=min(after, _LARGEST))
        return await self._rows(channel_id, ids, 1, limit)

    async def rows_before(self, channel_id: str, *, before: int, limit: int) -> tuple[list[Entry], Position]:
        ids = range_of(channel_id, "seq", before=min(before, _LARGEST))
        entries, top = await self._rows(channel_id, ids, -1, limit)
        entries.reverse()
        return entries, top

    async def _rows(
        self, channel_id: str, ids: Document, direction: int, limit: int
    ) -> tuple[list[Entry], Position]:
        async with self._mongo.session() as session:
            epoch = await self._epoch(session, channel_id)
            # The top first: who follows the log from it on gets what came while the page was read.
            top = await self._top(session, channel_id)
            entries = await self._page(session, {"_id": ids, **_ROW}, direction, limit)
            return entries, Position(max(top, entries[-1].seq if entries and direction > 0 else 0), epoch)

    async def messages(self, places: Iterable[EntryId]) -> dict[EntryId, Entry]:
        ids = [seq_id(*place) for place in places]
        if not ids:
            return {}
        wanted = {"_id": {"$in": ids}, "kind": EntryKind.MESSAGE.value}
        async with self._mongo.session() as session:
            found = self._mongo.entries.find(wanted, ENTRY_FIELDS, session=session)
            entries = [entry_of(document) async for document in found]
        return {(entry.channel_id, entry.seq): entry for entry in entries}

    async def changes(self, places: Iterable[EntryId]) -> dict[EntryId, list[Entry]]:
        by_channel: dict[str, list[int]] = {}
        for channel_id, seq in places:
            by_channel.setdefault(channel_id, []).append(seq)
        if not by_channel:
            return {}
        wanted = [
            {"_id.channel": channel_id, "target": {"$in": seqs}} for channel_id, seqs in by_channel.items()
        ]
        by_target: dict[EntryId, list[Entry]] = {}
        async with self._mongo.session() as session:
            match = wanted[0] if len(wanted) == 1 else {"$or": wanted}
            found = self._mongo.entries.find(match, ENTRY_FIELDS, session=session, batch_size=_PAGE)
            entries = [entry_of(document) async for document in found]
        for entry in sorted(entries, key=lambda entry: entry.seq):
            by_target.setdefault((entry.channel_id, entry.target), []).append(entry)
        return by_target

    async def ever_pinned(self, channel_id: str, *, limit: int) -> list[int]:
        pipeline: list[Document] = [
            {"$match": {"_id.channel": channel_id, "kind": EntryKind.PINNED.value}},
            {"$group": {"_id": "$target"}},
            {"$sort": {"_id": -1}},
            {"$limit": limit},
        ]
        async with self._mongo.session() as session:
            found = await self._mongo.entries.aggregate(pipeline, session=session)
            return [int(document["_id"]) async for document in found]

    async def tops(self, channel_ids: Sequence[str]) -> dict[str, Position]:
        async with self._mongo.session() as session:
            await self._learn_epochs(session, [one for one in channel_ids if one not in self._epochs])
            epochs = {one: self._epochs[one] for one in channel_ids if one in self._epochs}
            seqs = await find_seqs(self._mongo, session, list(epochs))
        return {one: Position(seqs[one], epoch) for one, epoch in epochs.items() if one in seqs}

    async def _page(self, session: Session, wanted: Document, direction: int, limit: int) -> list[Entry]:
        if limit <= 0:
            return []
        batch = min(limit, _PAGE) + 1
        found = self._mongo.entries.find(wanted, ENTRY_FIELDS, session=session, batch_size=batch)
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
