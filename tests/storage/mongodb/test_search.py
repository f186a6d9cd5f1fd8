from __future__ import annotations

from typing import Any

import pymongo

from chirpbird.chat.ports import Wanted
from chirpbird.storage.mongodb import MongoStore
from chirpbird.storage.mongodb.search import BY_TIME, search_filter
from tests.support.store_things import add_channel, message


async def test_what_was_said_before_there_was_an_index_is_found(mongo_uri: str) -> None:
    store = await MongoStore.open(mongo_uri)
    channel = await add_channel(store, "old", ["U-ann"])
    entry = await store.log.append(message(channel, "birds of old"))
    await store.close()
    with pymongo.MongoClient[dict[str, Any]](mongo_uri) as client:
        database = client.get_default_database()
        database.entries.drop_index("search")
        database.entries.update_many({}, {"$unset": {"terms": True}})
        database.meta.update_one({"_id": "schema"}, {"$set": {"version": 1}})
    store = await MongoStore.open(mongo_uri)
    try:
        wanted = Wanted(channel_ids=(channel.id,), terms=("birds",))
        assert await store.search.find(wanted, before=None, limit=5) == [entry]
    finally:
        await store.close()


async def test_the_index_gives_the_newest_first_without_sorting(mongo_uri: str) -> None:
    store = await MongoStore.open(mongo_uri)
    channels = [await add_channel(store, name, ["U-ann"]) for name in ("a", "b")]
    for number in range(40):
        await store.log.append(message(channels[number % 2], f"bird number {number}"))
    await store.close()
    wanted = Wanted(channel_ids=tuple(channel.id for channel in channels), terms=("bird", "number"))
    with pymongo.MongoClient[dict[str, Any]](mongo_uri) as client:
        matches = client.get_default_database().entries.find(search_filter(wanted, None))
        plan = matches.sort(BY_TIME).limit(10).explain()
    stages = str(plan["queryPlanner"]["winningPlan"])
    assert "'indexName': 'search'" in stages
    assert "SORT_MERGE" in stages
    assert "'stage': 'SORT'" not in stages
