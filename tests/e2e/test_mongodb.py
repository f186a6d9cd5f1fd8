"""``chirpbird serve`` on MongoDB, with the official Python SDK."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from centrifuge import ReplyError

from tests.e2e.conftest import StartServer
from tests.support.mongod import ReplicaSet, require_mongod
from tests.support.person import Person

pytestmark = pytest.mark.e2e

SECRET = "the same 32 bytes or more on all nodes"
GENEROUS = {"sends_burst": "1000", "secret": SECRET}


@pytest.fixture
def replica_set(tmp_path: Path) -> Iterator[ReplicaSet]:
    require_mongod()
    with ReplicaSet(tmp_path / "m") as running:
        yield running


async def test_while_mongodb_is_down_readers_stay_and_then_all_goes_on(
    replica_set: ReplicaSet, start_server: StartServer
) -> None:
    server = await start_server(mongodb_uri=replica_set.uri(), **GENEROUS)
    assert not server.data.exists()
    ann = Person(server.url, await server.register("ann"))
    bob = Person(server.url, await server.register("bob"))
    for person in (ann, bob):
        await person.connect()
    state = await ann.rpc("create_channel", name="Nest", participants=[bob.id])
    channel = state["channel"]["channel"]["id"]
    feeds = [await person.follow(channel) for person in (ann, bob)]
    await ann.say(channel, "before", key="1")
    for feed in feeds:
        await feed.until(lambda feed=feed: feed.texts == ["before"])  # type: ignore[misc]

    [port] = replica_set.ports
    replica_set.signal(port, signal.SIGKILL)
    with pytest.raises(ReplyError) as refused:
        await ann.client.publish(channel, {"data": "meanwhile", "key": "2"}, timeout=30.0)
    assert refused.value.temporary
    with pytest.raises(ReplyError) as unread:
        await ann.rpc("fetch_messages", channelId=channel)
    assert unread.value.temporary
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
        assert (await http.get("/ping")).text.strip('"') == "pong"
        assert (await http.get("/health/ready")).status_code == 503

    replica_set.start(port)
    while True:
        try:
            await ann.client.publish(channel, {"data": "meanwhile", "key": "2"}, timeout=30.0)
            break
        except ReplyError as error:
            if not error.temporary:
                raise
    await bob.say(channel, "after")
    for person, feed in zip((ann, bob), feeds, strict=True):
        await feed.until(lambda feed=feed: len(feed.texts) == 3)  # type: ignore[misc]
        assert feed.texts == ["before", "meanwhile", "after"]
        assert len(feed.subscribed) == 1
        assert not person.disconnects
        await person.client.disconnect()
    assert await server.end(signal.SIGTERM) == 0


async def test_nodes_share_people_channels_and_sign_ins(
    replica_set: ReplicaSet, start_server: StartServer
) -> None:
    first, second = [await start_server(mongodb_uri=replica_set.uri(), **GENEROUS) for _ in range(2)]
    account = await first.register("ann")
    here, there = Person(first.url, account), Person(second.url, account)
    await here.connect()
    state = await here.rpc("create_channel", name="Nest")
    channel = state["channel"]["channel"]["id"]
    await here.say(channel, "from the first")
    connected = await there.connect()
    assert [one["channel"]["id"] for one in connected["channels"]] == [channel]
    await there.say(channel, "from the second")
    for person in (here, there):
        page = await person.rpc("fetch_messages", channelId=channel)
        assert [entry.get("data") for entry in page["messages"]][1:] == ["from the first", "from the second"]
        await person.client.disconnect()
