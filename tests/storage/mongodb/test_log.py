"""What is asked of the log for each page is a range of an index, however long the log is."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import MongoClient

from chirpbird.chat.entities import Draft, EntryKind
from chirpbird.storage.mongodb import MongoStore
from tests.support.store_things import add_channel, message

MENTIONED = {"mentions": {"$in": ["U-ann", "*"]}, "_id.seq": {"$gt": 2}}


@pytest.mark.parametrize(
    ("wanted", "most"),
    [
        ({"target": {"$in": [2, 3]}}, 12),
        ({"target": 2, "kind": "edited"}, 12),
        ({"kind": "deleted", "target": {"$gt": 3}}, 12),
        ({"kind": "pinned"}, 12),
        (MENTIONED, 12),
    ],
)
async def test_what_is_looked_up_is_a_range(mongo_uri: str, wanted: dict[str, Any], most: int) -> None:
    store = await MongoStore.open(mongo_uri)
    channel = await add_channel(store, "long", ["U-ann"])
    for number in range(300):
        await store.log.append(message(channel, str(number)))
    for number in range(5):
        await store.log.append(
            Draft(
                channel_id=channel.id,
                kind=EntryKind.REACTED,
                sender_id=f"U{number}",
                text="👋",
                target=2,
            )
        )
    await store.close()
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        found = client.get_default_database().entries.find({"_id.channel": channel.id} | wanted).explain()
    figures = found["executionStats"]
    assert figures["totalDocsExamined"] <= most
    assert figures["totalKeysExamined"] <= most
