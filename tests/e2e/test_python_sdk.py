"""The official Python SDK, unmodified, against a real server."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from centrifuge import CentrifugeError, ReplyError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.e2e.conftest import Server, StartServer
from tests.support.person import Person

pytestmark = pytest.mark.e2e

Arrive = Callable[[Server, str], Awaitable[Person]]


@pytest.fixture
async def arrive() -> AsyncIterator[Arrive]:
    """Register somebody and connect."""
    async with AsyncExitStack() as people:

        async def make(server: Server, username: str) -> Person:
            person = Person(server.url, await server.register(username))
            people.push_async_callback(person.client.disconnect)
            await person.connect()
            return person

        yield make


async def test_two_people_talk_and_everything_said_is_kept(server: Server, arrive: Arrive) -> None:
    ann, bob = await arrive(server, "ann"), await arrive(server, "bob")
    assert ann.connections[0]["user"]["username"] == "ann"
    assert ann.connections[0]["channels"] == []

    [found] = (await ann.rpc("search_users", query="BO"))["users"]
    channel = (await ann.rpc("open_direct", userId=found["id"]))["channel"]["channel"]
    await bob.until(lambda: bool(bob.personal))
    assert bob.personal[0]["type"] == "NEW_CHANNEL"
    assert bob.personal[0]["channel"]["channel"]["id"] == channel["id"]
    assert (await bob.rpc("open_direct", userId=ann.id))["channel"]["channel"]["id"] == channel["id"]

    anns, bobs = await ann.follow(channel["id"]), await bob.follow(channel["id"])
    assert (bobs.subscribed[0].positioned, bobs.subscribed[0].recoverable) == (True, True)
    await ann.say(channel["id"], "hello", key="k1")
    await ann.say(channel["id"], "hello", key="k1")
    await bob.say(channel["id"], "hi 🐦")
    for feed in (anns, bobs):
        await feed.until(lambda feed=feed: len(feed.entries) == 2)  # type: ignore[misc]
        assert feed.texts == ["hello", "hi 🐦"]
    assert bobs.entries[0]["sender"] == {"id": ann.id, "username": "ann", "name": "ann"}
    assert bobs.entries[0]["key"] == "k1"

    page = await bob.rpc("fetch_messages", channelId=channel["id"])
    assert [entry["type"] for entry in page["messages"]] == ["created", "message", "message"]
    assert page["position"]["offset"] == 3
    assert page["messages"][1:] == bobs.entries
    presence = await ann.client.presence(channel["id"])
    assert {info.user for info in presence.clients.values()} == {ann.id, bob.id}
    history = await bob.client.history(channel["id"], limit=10)
    assert [publication.data for publication in history.publications][1:] == bobs.entries


async def test_a_killed_server_loses_nothing_and_repeats_nothing(server: Server, arrive: Arrive) -> None:
    ann, bob = await arrive(server, "ann"), await arrive(server, "bob")
    state = await ann.rpc("create_channel", name="Crash", participants=[bob.id])
    channel = state["channel"]["channel"]["id"]
    bobs = await bob.follow(channel)
    anns = await ann.follow(channel)
    acknowledged: list[str] = []

    async def keep_saying(worker: int) -> None:
        for number in range(15):
            text = f"{worker}-{number}"
            while True:
                try:
                    await ann.client.publish(channel, {"data": text, "key": text}, timeout=1.0)
                except ReplyError as error:
                    if not error.temporary:
                        raise
                except CentrifugeError:
                    await ann.client.ready(timeout=20)
                else:
                    break
            acknowledged.append(text)

    sending = asyncio.gather(*(keep_saying(worker) for worker in range(4)))
    await bobs.until(lambda: len(bobs.entries) >= 5)
    await server.kill()
    await server.start()
    await sending
    for feed in (anns, bobs):
        await feed.until(lambda feed=feed: len(feed.texts) >= 60)  # type: ignore[misc]
        assert sorted(feed.texts) == sorted(acknowledged)
        assert [entry["seq"] for entry in feed.entries] == list(range(2, 62))
    assert bobs.subscribed[-1].recovered


async def test_what_is_not_ones_own_is_refused(server: Server, arrive: Arrive) -> None:
    ann, eve = await arrive(server, "ann"), await arrive(server, "eve")
    secret = (await ann.rpc("create_channel", name="Secret", isPrivate=True))["channel"]["channel"]["id"]
    await ann.say(secret, "psst")
    for channel in (secret, "01ARZ3NDEKTSV4RRFFQ69G5FAV", f"#{ann.id}"):
        refused = await eve.follow(channel)
        assert refused.ended[0].code == 103
        for attempt in (
            eve.say(channel, "let me in"),
            eve.client.history(channel),
            eve.client.presence(channel),
            eve.client.presence_stats(channel),
        ):
            with pytest.raises(ReplyError) as caught:
                await attempt
            assert caught.value.code == 103
    with pytest.raises(ReplyError) as caught:
        await eve.rpc("fetch_messages", channelId=secret)
    assert caught.value.code == 404
    assert (await eve.rpc("search_channels", query="secret"))["channels"] == []


async def test_who_leaves_hears_nothing_more(server: Server, arrive: Arrive) -> None:
    ann, bob = await arrive(server, "ann"), await arrive(server, "bob")
    channel = (await ann.rpc("create_channel", name="Doors", participants=[bob.id]))["channel"]["channel"][
        "id"
    ]
    bobs = await bob.follow(channel)
    anns = await ann.follow(channel)
    await bob.rpc("leave_channel", channelId=channel)
    await bobs.until(lambda: bool(bobs.ended))
    await bob.until(lambda: {"type": "CHANNEL_GONE", "channelId": channel} in bob.personal)
    await ann.say(channel, "only us")
    await anns.until(lambda: anns.texts == ["only us"])
    assert [entry["type"] for entry in anns.entries] == ["left", "message"]
    assert bobs.texts == []
    with pytest.raises(ReplyError):
        await bob.say(channel, "still here?")


async def test_an_expiring_token_is_renewed_without_a_reconnect(
    start_server: StartServer, arrive: Arrive
) -> None:
    server = await start_server(access_token_seconds="2")
    ann = await arrive(server, "ann")
    await ann.until(lambda: ann.tokens_fetched >= 2)
    channel = (await ann.rpc("create_channel", name="Still here"))["channel"]["channel"]["id"]
    await ann.say(channel, "with the third token")
    assert len(ann.connections) == 1
    assert ann.disconnects == []


async def test_a_forged_token_is_final(server: Server) -> None:
    account = await server.register("ann")
    account["accessToken"] = str(account["accessToken"])[:-4] + "AAAA"
    ann = Person(server.url, account)
    await ann.client.connect()
    await ann.until(lambda: bool(ann.disconnects))
    assert ann.disconnects[0].code == 3500


async def test_a_server_drains_and_nothing_is_lost(start_server: StartServer, arrive: Arrive) -> None:
    server = await start_server(drain_seconds="1", sends_burst="1000")
    ann, *others = [await arrive(server, name) for name in ("ann", "bob", "cid", "dan", "eve")]
    state = await ann.rpc("create_channel", name="Drain", participants=[other.id for other in others])
    channel = state["channel"]["channel"]["id"]
    feeds = [await person.follow(channel) for person in (ann, *others)]
    acknowledged: list[str] = []

    async def keep_saying(person: Person, name: str) -> None:
        for number in range(30):
            text = f"{name}-{number}"
            while True:
                try:
                    await person.client.publish(channel, {"data": text, "key": text}, timeout=1.0)
                except ReplyError as error:
                    if not error.temporary:
                        raise
                except CentrifugeError:
                    await person.client.ready(timeout=20)
                else:
                    break
            acknowledged.append(text)

    sending = asyncio.gather(
        *(keep_saying(person, str(index)) for index, person in enumerate((ann, *others)))
    )
    await feeds[0].until(lambda: len(feeds[0].entries) >= 10)
    server.send(signal.SIGTERM)
    async with httpx.AsyncClient(base_url=server.url) as http:
        while (answer := await http.get("/health/ready")).status_code == 200:
            pass  # the signal is on its way
    assert answer.status_code == 503
    assert answer.json()["errors"] == [{"code": "not_ready", "message": "this node is shutting down"}]
    assert await server.ended() == 0
    await server.start()
    await sending
    for feed in feeds:
        await feed.until(lambda feed=feed: len(feed.texts) >= 150)  # type: ignore[misc]
        assert sorted(feed.texts) == sorted(acknowledged)
        assert [entry["seq"] for entry in feed.entries] == list(range(2, 152))
        assert feed.subscribed[-1].recovered


async def test_a_second_signal_ends_the_drain(start_server: StartServer, arrive: Arrive) -> None:
    server = await start_server(drain_seconds="600")
    for name in ("ann", "bob"):
        await arrive(server, name)
    server.send(signal.SIGTERM)
    async with httpx.AsyncClient(base_url=server.url) as http:
        while (await http.get("/health/ready")).status_code == 200:
            pass  # the signal is on its way
        assert (await http.get("/ping")).text == "pong"
    assert await server.end(signal.SIGTERM) == -signal.SIGTERM


async def test_a_stopping_server_says_goodbye_and_ends_well(server: Server, arrive: Arrive) -> None:
    ann = await arrive(server, "ann")
    assert await server.end(signal.SIGTERM) == 0
    await server.start()
    await ann.until(lambda: len(ann.connections) == 2)
    assert ann.disconnects == []


async def _send_and_listen(socket: ClientConnection, command: object) -> None:
    await socket.send(json.dumps(command))
    while True:
        await socket.recv()


async def test_ten_megabytes_are_no_message(server: Server) -> None:
    ann = Person(server.url, await server.register("ann"))
    await ann.connect()
    channel_id = (await ann.rpc("create_channel", name="small talk"))["channel"]["channel"]["id"]
    feed = await ann.follow(channel_id)
    huge = {"data": "x" * 10_000_000}
    token = await ann.fetch_token()
    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {token}"}) as http:
        answer = await http.post(f"/channels/{channel_id}/messages", json=huge)
    assert answer.status_code == 413
    assert answer.json()["errors"][0]["code"] == "too_large"
    async with connect(server.websocket_url, max_size=None, proxy=None) as socket:
        await socket.send(json.dumps({"id": 1, "connect": {"token": token}}))
        assert "connect" in json.loads(await socket.recv())
        with pytest.raises(ConnectionClosed) as closed:
            await _send_and_listen(socket, {"id": 2, "publish": {"channel": channel_id, "data": huge}})
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009
    await ann.say(channel_id, "still here")
    await feed.until(lambda: feed.texts == ["still here"])
    assert ann.disconnects == []
    await ann.client.disconnect()
