"""``chirpbird realtime`` in a process of its own, with the configuration of its documentation: the official Python SDK, and
Centrifugo's own API library."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import cent
import httpx
import jwt
import pytest
from centrifuge import (
    Client,
    ClientEventHandler,
    DisconnectedContext,
    PublicationContext,
    ServerPublicationContext,
    SubscribedContext,
    Subscription,
    SubscriptionEventHandler,
)
from websockets.asyncio.client import connect

from tests.support.box_process import BoxProcess
from tests.support.certificate import certificate
from tests.support.documents import code_blocks

pytestmark = pytest.mark.e2e

PATIENCE = 20.0
CONFIG: dict[str, Any] = json.loads(code_blocks("standalone.md", "json")[0])
SECRET = CONFIG["client"]["token"]["hmac_secret_key"]
API_KEY = CONFIG["http_api"]["key"]


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[BoxProcess]:
    async with BoxProcess(CONFIG, tmp_path) as process:
        yield process


@pytest.fixture
async def people() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


class Seen:
    """What was told, in order."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[object] = asyncio.Queue()

    async def next(self) -> object:
        async with asyncio.timeout(PATIENCE):
            return await self.queue.get()


class ClientSeen(Seen, ClientEventHandler):
    async def on_publication(self, ctx: ServerPublicationContext) -> None:
        self.queue.put_nowait(said(ctx.pub.data))

    async def on_disconnected(self, ctx: DisconnectedContext) -> None:
        self.queue.put_nowait((ctx.code, ctx.reason))


class SubscriptionSeen(Seen, SubscriptionEventHandler):
    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        self.queue.put_nowait(("subscribed", ctx.recovered))

    async def on_publication(self, ctx: PublicationContext) -> None:
        self.queue.put_nowait(said(ctx.pub.data))


def said(data: object) -> object:
    return json.loads(data) if isinstance(data, bytes) else data


class Person:
    """One user of the SDK."""

    def __init__(self, box: BoxProcess, name: str, *, protobuf: bool) -> None:
        self.name = name
        self.protobuf = protobuf
        self.seen = ClientSeen()
        self.client = Client(
            box.websocket_url,
            events=self.seen,
            token=jwt.encode({"sub": name}, SECRET),
            use_protobuf=protobuf,
            proxy=None,
        )

    def data(self, value: object) -> object:
        return json.dumps(value).encode() if self.protobuf else value

    async def follow(self, channel: str, token: str = "") -> tuple[Subscription, Seen]:
        async def get_token(_event: object) -> str:
            return token

        seen = SubscriptionSeen()
        subscription = self.client.new_subscription(
            channel, events=seen, token=token, get_token=get_token if token else None
        )
        await subscription.subscribe()
        await subscription.ready(PATIENCE)
        assert await seen.next() == ("subscribed", False)
        return subscription, seen


async def arrive(people: AsyncExitStack, box: BoxProcess, name: str, protobuf: bool) -> Person:
    person = Person(box, name, protobuf=protobuf)
    people.push_async_callback(person.client.disconnect)
    await person.client.connect()
    await person.client.ready(PATIENCE)
    return person


@pytest.mark.parametrize("protobuf", [False, True])
async def test_people_and_a_backend_talk(box: BoxProcess, people: AsyncExitStack, protobuf: bool) -> None:
    ann, bob = [await arrive(people, box, name, protobuf) for name in ("ann", "bob")]
    anns, ann_sees = await ann.follow("chat:room")
    _, bob_sees = await bob.follow("chat:room")
    await anns.publish(ann.data({"text": "hello 🐦"}))
    assert await ann_sees.next() == await bob_sees.next() == {"text": "hello 🐦"}

    await publish(box, "chat:room", {"text": "from\nthe backend"})
    assert await ann_sees.next() == await bob_sees.next() == {"text": "from\nthe backend"}
    presence = await anns.presence()
    assert sorted(info.user for info in presence.clients.values()) == ["ann", "bob"]
    history = await anns.history(limit=10)
    assert [said(publication.data) for publication in history.publications] == [
        {"text": "hello 🐦"},
        {"text": "from\nthe backend"},
    ]
    await publish(box, "#ann", {"to": "ann"})
    assert await ann.seen.next() == {"to": "ann"}


async def publish(box: BoxProcess, channel: str, data: object) -> None:
    client = cent.AsyncClient(f"{box.url}/api", API_KEY)
    try:
        await client.publish(cent.PublishRequest(channel=channel, data=data))
    finally:
        await client.close()


@pytest.mark.parametrize("protobuf", [False, True])
async def test_a_private_channel_takes_a_token(
    box: BoxProcess, people: AsyncExitStack, protobuf: bool
) -> None:
    ann = await arrive(people, box, "ann", protobuf)
    token = jwt.encode({"sub": "ann", "channel": "$chat:board"}, SECRET)
    _, seen = await ann.follow("$chat:board", token)
    await publish(box, "$chat:board", 1)
    assert await seen.next() == 1


async def test_a_bad_token_is_refused(box: BoxProcess, people: AsyncExitStack) -> None:
    seen = ClientSeen()
    client = Client(box.websocket_url, events=seen, token="bad", proxy=None)
    people.push_async_callback(client.disconnect)
    await client.connect()
    assert await seen.next() == (3500, "invalid token")


async def test_a_backend_uses_the_whole_api(box: BoxProcess, people: AsyncExitStack) -> None:
    ann = await arrive(people, box, "ann", False)
    await ann.follow("chat:room")
    api = cent.AsyncClient(f"{box.url}/api", API_KEY)
    people.push_async_callback(api.close)

    published = await api.publish(cent.PublishRequest(channel="chat:room", data={"n": 1}, tags={"t": "x"}))
    assert (published.offset, bool(published.epoch)) == (1, True)
    answers = await api.broadcast(cent.BroadcastRequest(channels=["chat:room", "none:x"], data=2))
    assert [answer.error and answer.error.code for answer in answers.responses] == [None, 102]
    past = await api.history(cent.HistoryRequest(channel="chat:room", limit=10, reverse=True))
    assert [publication.data for publication in past.publications] == [2, {"n": 1}]
    since = cent.StreamPosition(offset=1, epoch=past.epoch)
    later = await api.history(cent.HistoryRequest(channel="chat:room", limit=10, since=since))
    assert [publication.data for publication in later.publications] == [2]
    presence = await api.presence(cent.PresenceRequest(channel="chat:room"))
    assert [info.user for info in presence.presence.values()] == ["ann"]
    stats = await api.presence_stats(cent.PresenceStatsRequest(channel="chat:room"))
    assert (stats.num_clients, stats.num_users) == (1, 1)
    channels = await api.channels(cent.ChannelsRequest(pattern="chat:*"))
    assert {name: info.num_clients for name, info in channels.channels.items()} == {"chat:room": 1}
    [node] = (await api.info(cent.InfoRequest())).nodes
    assert (node.num_clients, node.num_users) == (1, 1)
    await api.history_remove(cent.HistoryRemoveRequest(channel="chat:room"))
    assert (await api.history(cent.HistoryRequest(channel="chat:room", limit=10))).publications == []

    override = cent.ChannelOptionsOverride(presence=cent.BoolValue(value=True))
    await api.subscribe(cent.SubscribeRequest(user="ann", channel="news", data={"s": 1}, override=override))
    await api.publish(cent.PublishRequest(channel="news", data="extra"))
    assert await ann.seen.next() == "extra"
    await api.unsubscribe(cent.UnsubscribeRequest(user="ann", channel="news"))
    await api.refresh(cent.RefreshRequest(user="ann", expire_at=4_000_000_000))
    batch = cent.BatchRequest(
        requests=[cent.PublishRequest(channel="chat:room", data=3), cent.InfoRequest()], parallel=True
    )
    first, second = (await api.batch(batch)).replies
    assert isinstance(first, cent.PublishResult)
    assert isinstance(second, cent.InfoResult)
    disconnect = cent.Disconnect(code=4501, reason="bye")
    await api.disconnect(cent.DisconnectRequest(user="ann", disconnect=disconnect))
    assert await ann.seen.next() == (4501, "bye")
    with pytest.raises(cent.CentApiResponseError) as caught:
        await api.publish(cent.PublishRequest(channel="none:x", data=1))
    assert caught.value.code == 102


async def test_the_api_has_a_blocking_client_and_a_key(box: BoxProcess) -> None:
    def use() -> None:
        client = cent.Client(f"{box.url}/api", API_KEY)
        try:
            assert client.publish(cent.PublishRequest(channel="chat:room", data=1)).offset == 1
        finally:
            client.close()
        stranger = cent.Client(f"{box.url}/api", "not the key")
        try:
            with pytest.raises(cent.CentUnauthorizedError):
                stranger.info(cent.InfoRequest())
        finally:
            stranger.close()

    await asyncio.to_thread(use)


async def test_health_metrics_and_streams(box: BoxProcess) -> None:
    async with httpx.AsyncClient(base_url=box.url) as http:
        assert (await http.get("/health")).status_code == 200
        assert "chirpbird_realtime_clients 0.0" in (await http.get("/metrics")).text
        refused = await http.get("/connection/uni_sse", params={"cf_connect": '{"token":"bad"}'})
        assert "invalid token" in refused.text
        body = json.dumps({"token": jwt.encode({"sub": "ann"}, SECRET)})
        async with http.stream("GET", "/connection/uni_sse", params={"cf_connect": body}) as stream:
            lines = stream.aiter_lines()
            await until(lines, lambda line: '"connect":' in line)
            await publish(box, "#ann", {"to": "ann"})
            pushed = await until(lines, lambda line: '"pub":' in line)
            assert json.loads(pushed.removeprefix("data: "))["pub"]["data"] == {"to": "ann"}


async def test_tls_and_sockets_without_an_sdk(tmp_path: Path) -> None:
    cert, key = certificate()
    config: dict[str, Any] = {
        "http_server": {"tls": {"enabled": True, "cert_pem": cert, "key_pem": key}},
        "client": {"insecure": True, "subscribe_to_user_personal_channel": {"enabled": True}},
        "uni_websocket": {"enabled": True},
    }
    trust = ssl.create_default_context(cadata=cert)
    async with BoxProcess(config, tmp_path) as box, asyncio.timeout(PATIENCE):
        assert box.url.startswith("https://")
        async with connect(box.websocket_url, ssl=trust, proxy=None) as socket:
            await socket.send('{"id":1,"connect":{}}')
            assert json.loads(await socket.recv())["connect"]["client"]
        async with connect(
            box.websocket_url.replace("/websocket", "/uni_websocket"), ssl=trust, proxy=None
        ) as socket:
            await socket.send("{}")
            assert json.loads(await socket.recv())["connect"]["client"]


async def until(lines: AsyncIterator[str], wanted: Callable[[str], bool]) -> str:
    async with asyncio.timeout(PATIENCE):
        async for line in lines:
            if wanted(line):
                return line
    raise AssertionError("the stream ended")
