"""The tops of logs, as far as the next entry needs them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from chirpbird.chat.entities import Entry
from chirpbird.storage.mongodb.connection import Mongo, Session
from chirpbird.storage.mongodb.documents import Document, range_of

__all__ = ["Top", "Tops", "find_seqs", "find_top"]

MAX_TOPS = 10_000
"""Channels whose top is kept in memory."""
_TOGETHER = 100
"""Channels of one command; MongoDB takes a thousand stages at most."""


class Top(msgspec.Struct, frozen=True):
    """The last entry of a log."""

    seq: int
    messages: int
    created_at: int


class Tops:
    """The tops that this node saw last. They may be old, as other nodes append too: then the append collides, and forgets it."""

    def __init__(self) -> None:
        self._tops: OrderedDict[str, Top] = OrderedDict()
        self._doubts: OrderedDict[str, int] = OrderedDict()

    def get(self, channel_id: str) -> Top | None:
        top = self._tops.get(channel_id)
        if top is not None:
            self._tops.move_to_end(channel_id)
        return top

    def remember(self, channel_id: str, top: Top) -> None:
        self._tops[channel_id] = top
        if len(self._tops) > MAX_TOPS:
            self._tops.popitem(last=False)

    def remember_entry(self, entry: Entry) -> None:
        """The entry is the top, and the listeners hear of it."""
        self._doubts.pop(entry.channel_id, None)
        self.remember(entry.channel_id, Top(entry.seq, entry.message_number, entry.created_at))

    def forget(self, channel_id: str) -> None:
        self._tops.pop(channel_id, None)

    def doubt(self, channel_id: str) -> None:
        """Forget the top, as what was written behind it may be there or not; only where that begins is remembered."""
        top = self._tops.pop(channel_id, None)
        if top is not None:
            self._doubts.setdefault(channel_id, top.seq)
            if len(self._doubts) > MAX_TOPS:
                self._doubts.popitem(last=False)

    def doubtful_after(self, channel_id: str) -> int | None:
        """The seq behind which there may be entries that nobody told the listeners of; None: there are none."""
        return self._doubts.get(channel_id)


async def find_top(mongo: Mongo, session: Session, channel_id: str) -> Top | None:
    """The top as a majority has it. None: no such channel, as every log begins with its creation."""
    fields = {"message_number": 1, "created_at": 1}
    found = mongo.entries.find({"_id": range_of(channel_id, "seq")}, fields, session=session)
    async for document in found.sort("_id", -1).limit(1):
        return Top(int(document["_id"]["seq"]), int(document["message_number"]), int(document["created_at"]))
    return None


async def find_seqs(mongo: Mongo, session: Session, channel_ids: Sequence[str]) -> dict[str, int]:
    """The tops' seqs of those channels that exist. A hundred commands in one cost MongoDB a quarter of what they do one by one,
    and the driver next to nothing: each stage walks down the clustered index once."""
    seqs: dict[str, int] = {}
    for start in range(0, len(channel_ids), _TOGETHER):
        first, *others = (_last_id(one) for one in channel_ids[start : start + _TOGETHER])
        union = [{"$unionWith": {"coll": mongo.entries.name, "pipeline": one}} for one in others]
        async for document in await mongo.entries.aggregate([*first, *union], session=session):
            seqs[document["_id"]["channel"]] = int(document["_id"]["seq"])
    return seqs


def _last_id(channel_id: str) -> list[Document]:
    return [
        {"$match": {"_id": range_of(channel_id, "seq")}},
        {"$sort": {"_id": -1}},
        {"$limit": 1},
        {"$project": {"_id": 1}},
    ]
