"""Finding what was said in MongoDB: the terms of a message are in its entry, and an index has them by channel and time."""

from __future__ import annotations

from chirpbird.chat.entities import Entry
from chirpbird.chat.ports import Place, Wanted
from chirpbird.storage.mongodb.connection import Mongo
from chirpbird.storage.mongodb.documents import ENTRY_FIELDS, Document, entry_of, sender_term

__all__ = ["BY_TIME", "MongoSearch", "search_filter"]

BY_TIME = [("created_at", -1)]
"""What the index can give for many channels at once, by merging."""


class MongoSearch:
    """``chat.ports.Search``."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def find(self, wanted: Wanted, *, before: Place | None, limit: int) -> list[Entry]:
        found: list[Entry] = []
        async with self._mongo.session() as session:
            matches = self._mongo.entries.find(search_filter(wanted, before), ENTRY_FIELDS, session=session)
            async for document in matches.sort(BY_TIME).batch_size(limit + 1):
                entry = entry_of(document)
                if len(found) >= limit and entry.created_at < found[-1].created_at:
                    break
                if before is None or _place(entry) < before:
                    found.append(entry)
            await matches.close()
        # Those of one millisecond came in any order: the index gives them by time alone.
        return sorted(found, key=_place, reverse=True)[:limit]


def _place(entry: Entry) -> Place:
    return Place(entry.created_at, entry.channel_id, entry.seq)


def search_filter(wanted: Wanted, before: Place | None) -> Document:
    """MESSAGE entries that fit and stand before that place, or in its millisecond."""
    # The longest terms are the rarest, most often, and the first condition is the one that the index is asked for.
    terms = sorted(wanted.terms, key=len, reverse=True)
    if wanted.sender_id:
        terms.append(sender_term(wanted.sender_id))
    conditions: list[Document] = [{"terms": term} for term in terms]
    if wanted.prefix:
        beyond = wanted.prefix + "\U0010ffff"
        conditions.append({"terms": {"$elemMatch": {"$gte": wanted.prefix, "$lt": beyond}}})
    when: Document = {}
    if wanted.after is not None:
        when["$gte"] = wanted.after
    if wanted.before is not None:
        when["$lt"] = wanted.before
    if before is not None:
        when["$lte"] = before.created_at
    if when:
        conditions.append({"created_at": when})
    return {"_id.channel": {"$in": list(wanted.channel_ids)}, "$and": conditions}
