"""The official Python SDK, unmodified, in both wire formats, against a node with a few handlers and the memory broker."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import uvicorn
from centrifuge import (
    Client,
    ClientEventHandler,
    ConnectedContext,
    DisconnectedContext,
    JoinContext,
    LeaveContext,
    PublicationContext,
    ReplyError,
    ServerPublicationContext,
    StreamPosition,
    SubscribedContext,
    Subscription,
    SubscriptionEventHandler,
    UnsubscribedContext,
)
from uvicorn.server import ServerState

from chirpbird import realtime
from chirpbird.realtime import Node
from chirpbird.realtime.transports.uvicorn import RealtimeHttpProtocol

HISTORY = realtime.PublishOptions(history_size=100, history_ttl=60)
PATIENCE = 20.0


class Port:
    """A node behind uvicorn's protocol, with a way to cut its connections, for clients of one wire format."""

    def __init__(self, node: Node, wire: str) -> None:
        self.node = node
        self.use_protobuf = wire == "protobuf"
        self.url = ""
        self.transports: list[asyncio.Transport] = []
        self.refreshed: asyncio.Queue[str] = asyncio.Queue()

    async def listen(self) -> asyncio.Server:
        transports = self.transports

        class Watched(RealtimeHttpProtocol.bind(self.node)):  # type: ignore[misc]
            def connection_made(self, transport: asyncio.Transport) -> None:
                transports.append(transport)
                super().connection_made(transport)

        config = uvicorn.Config(no_app, http=Watched, ws="none", lifespan="off", log_config=None)
        config.load()
        state = ServerState()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Watched(config, state, {}), "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/connection/websocket"
        return server

    def data(self, value: object) -> object:
        """What the SDK takes for it: JSON in JSON, and bytes in Protobuf."""
        return json.dumps(value).encode() if self.use_protobuf else value

    def publish(self, channel: str, data: bytes) -> None:
        published = self.node.publish(channel, data, history_size=100, history_ttl=60)
        assert published.done()  # with the memory broker

    def cut(self) -> None:
        """Break all connections, as a network does: without a word."""
        for transport in self.transports:
            transport.abort()
        self.transports.clear()


async def no_app(scope: object, receive: object, send: object) -> None:
    raise AssertionError("no request should get here")


def said(data: object) -> object:
    """What the SDK hands out, as a value."""
    return json.loads(data) if isinstance(data, bytes) else data


class Seen:
    """What was told to a client or a subscription, in order."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[object] = asyncio.Queue()

    async def next(self) -> object:
        async with asyncio.timeout(PATIENCE):
            return await self.queue.get()


class ClientSeen(Seen, ClientEventHandler):
    async def on_connected(self, ctx: ConnectedContext) -> None:
        self.queue.put_nowait(ctx)

    async def on_disconnected(self, ctx: DisconnectedContext) -> None:
        self.queue.put_nowait(ctx)

    async def on_publication(self, ctx: ServerPublicationContext) -> None:
        self.queue.put_nowait((ctx.channel, said(ctx.pub.data)))


class SubscriptionSeen(Seen, SubscriptionEventHandler):
    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        self.queue.put_nowait(ctx)

    async def on_unsubscribed(self, ctx: UnsubscribedContext) -> None:
        self.queue.put_nowait((ctx.code, ctx.reason))

    async def on_publication(self, ctx: PublicationContext) -> None:
        self.queue.put_nowait((ctx.pub.offset, said(ctx.pub.data)))

    async def on_join(self, ctx: JoinContext) -> None:
        self.queue.put_nowait(("join", ctx.info.user))

    async def on_leave(self, ctx: LeaveContext) -> None:
        self.queue.put_nowait(("leave", ctx.info.user))


def handle(node: Node, refreshed: asyncio.Queue[str]) -> None:
    """The application: a token is the user's name; a name in capitals expires in a second."""
    options = realtime.SubscribeOptions(
        presence=True, join_leave=True, push_join_leave=True, positioned=True, recoverable=True
    )

    @node.on_connecting
    def connecting(client: realtime.Client, event: realtime.ConnectingEvent) -> realtime.ConnectReply:
        if not event.token:
            raise realtime.disconnects.INVALID_TOKEN
        expire_at = time.time() + 1 if event.token.isupper() else None
        own = {f"#{event.token}": realtime.SubscribeOptions()}
        return realtime.ConnectReply(
            user=event.token, expire_at=expire_at, data=b'{"hello":true}', info=b'{"n":1}', subscriptions=own
        )

    @node.on_refresh
    def refresh(client: realtime.Client, event: realtime.RefreshEvent) -> realtime.RefreshReply:
        refreshed.put_nowait(event.token)
        return realtime.RefreshReply()

    @node.on_subscribe
    def subscribe(client: realtime.Client, event: realtime.SubscribeEvent) -> realtime.SubscribeReply:
        if event.channel == "private":
            raise realtime.errors.PERMISSION_DENIED
        return realtime.SubscribeReply(options)

    @node.on_publish
    def publish(client: realtime.Client, event: realtime.PublishEvent) -> realtime.PublishReply:
        return realtime.PublishReply(options=HISTORY)

    @node.on_rpc
    async def rpc(client: realtime.Client, event: realtime.RpcEvent) -> realtime.RpcReply:
        await asyncio.sleep(0)
        if event.method != "echo":
            raise realtime.errors.METHOD_NOT_FOUND
        return realtime.RpcReply(event.data)

    @node.on_presence
    def presence(client: realtime.Client, event: realtime.PresenceEvent) -> realtime.PresenceReply:
        return realtime.PresenceReply()

    @node.on_presence_stats
    def stats(client: realtime.Client, event: realtime.PresenceStatsEvent) -> realtime.PresenceReply:
        return realtime.PresenceReply()

    @node.on_history
    def history(client: realtime.Client, event: realtime.HistoryEvent) -> realtime.HistoryReply:
        return realtime.HistoryReply()


@pytest.fixture(params=["json", "protobuf"])
async def port(request: pytest.FixtureRequest) -> AsyncIterator[Port]:
    node = Node()
    port = Port(node, request.param)
    handle(node, port.refreshed)
    await node.start()
    async with await port.listen():
        yield port
        await node.shutdown()


@pytest.fixture
async def people(port: Port) -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def arrive(people: AsyncExitStack, port: Port, name: str, **options: object) -> Client:
    seen = ClientSeen()
    client = Client(
        port.url,
        events=seen,
        token=name,
        min_reconnect_delay=0.01,
        proxy=None,
        use_protobuf=port.use_protobuf,
        **options,  # type: ignore[arg-type]
    )
    people.push_async_callback(client.disconnect)
    await client.connect()
    await client.ready(PATIENCE)
    return client


async def follow(
    client: Client, channel: str, *, recoverable: bool = False
) -> tuple[Subscription, SubscriptionSeen]:
    seen = SubscriptionSeen()
    subscription = client.new_subscription(channel, events=seen, recoverable=recoverable)
    await subscription.subscribe()
    await subscription.ready(PATIENCE)
    assert isinstance(await seen.next(), SubscribedContext)
    return subscription, seen


async def test_connecting_is_told_who_is_there(people: AsyncExitStack, port: Port) -> None:
    ann = await arrive(people, port, "ann")
    assert isinstance(ann.events, ClientSeen)
    connected = await ann.events.next()
    assert isinstance(connected, ConnectedContext)
    assert said(connected.data) == {"hello": True}
    port.publish("#ann", b'{"to":"ann"}')
    assert await ann.events.next() == ("#ann", {"to": "ann"})


async def test_without_a_token_there_is_no_way_in(people: AsyncExitStack, port: Port) -> None:
    seen = ClientSeen()
    client = Client(port.url, events=seen, proxy=None, use_protobuf=port.use_protobuf)
    people.push_async_callback(client.disconnect)
    await client.connect()
    assert await seen.next() == DisconnectedContext(3500, "invalid token")


async def test_people_talk(people: AsyncExitStack, port: Port) -> None:
    ann, bob = await arrive(people, port, "ann"), await arrive(people, port, "bob")
    anns, ann_sees = await follow(ann, "room")
    _, bob_sees = await follow(bob, "room")
    assert await ann_sees.next() == ("join", "ann")
    assert await ann_sees.next() == ("join", "bob")
    assert await bob_sees.next() == ("join", "bob")
    for number, text in enumerate(["hello", "grüß dich 🐦", "x" * 50_000], start=1):
        await anns.publish(port.data({"text": text}))
        assert await ann_sees.next() == (number, {"text": text})
        assert await bob_sees.next() == (number, {"text": text})

    presence = await anns.presence()
    assert sorted(info.user for info in presence.clients.values()) == ["ann", "bob"]
    assert [said(info.conn_info) for info in presence.clients.values()] == [{"n": 1}, {"n": 1}]
    stats = await anns.presence_stats()
    assert (stats.num_clients, stats.num_users) == (2, 2)

    await bob.disconnect()
    assert await ann_sees.next() == ("leave", "bob")


async def test_history_is_read_in_pages(people: AsyncExitStack, port: Port) -> None:
    ann = await arrive(people, port, "ann")
    anns, _ = await follow(ann, "room")
    for number in range(1, 6):
        await anns.publish(port.data(number))
    top = await anns.history()
    assert (top.offset, top.publications) == (5, [])
    page = await anns.history(limit=2, since=StreamPosition(2, top.epoch))
    assert [said(publication.data) for publication in page.publications] == [3, 4]
    last = await anns.history(limit=2, reverse=True)
    assert [said(publication.data) for publication in last.publications] == [5, 4]


async def test_methods_are_called(people: AsyncExitStack, port: Port) -> None:
    ann = await arrive(people, port, "ann")
    answers = await asyncio.gather(*(ann.rpc("echo", port.data({"number": number})) for number in range(50)))
    assert [said(answer.data) for answer in answers] == [{"number": number} for number in range(50)]
    with pytest.raises(ReplyError) as caught:
        await ann.rpc("unheard_of", port.data({}))
    assert caught.value.code == 104


async def test_who_may_not_subscribe_is_told(people: AsyncExitStack, port: Port) -> None:
    ann = await arrive(people, port, "ann")
    seen = SubscriptionSeen()
    await ann.new_subscription("private", events=seen).subscribe()
    assert await seen.next() == (103, "permission denied")


async def test_what_is_missed_while_cut_off_is_made_up(people: AsyncExitStack, port: Port) -> None:
    ann = await arrive(people, port, "ann")
    anns, seen = await follow(ann, "room", recoverable=True)
    await anns.publish(port.data("before"))
    assert await seen.next() == ("join", "ann")
    assert await seen.next() == (1, "before")
    for attempt in range(3):
        port.cut()
        for number in range(10):
            port.publish("room", b"%d" % number)
        told = await seen.next()
        while told in (("join", "ann"), ("leave", "ann")):
            told = await seen.next()
        assert isinstance(told, SubscribedContext)
        assert (told.was_recovering, told.recovered) == (True, True)
        assert [await seen.next() for _ in range(10)] == [(2 + attempt * 10 + n, n) for n in range(10)]


async def test_what_cannot_be_made_up_is_said(people: AsyncExitStack, port: Port) -> None:
    ann = await arrive(people, port, "ann")
    anns, seen = await follow(ann, "room", recoverable=True)
    await anns.publish(port.data("before"))
    assert await seen.next() == ("join", "ann")
    assert await seen.next() == (1, "before")
    port.cut()
    for number in range(500):
        port.publish("room", b"%d" % number)
    told = await seen.next()
    while told in (("join", "ann"), ("leave", "ann")):
        told = await seen.next()
    assert isinstance(told, SubscribedContext)
    assert (told.was_recovering, told.recovered) == (True, False)


async def test_an_expiring_token_is_renewed(people: AsyncExitStack, port: Port) -> None:
    async def get_token() -> str:
        return "fresh"

    ann = await arrive(people, port, "ANN", get_token=get_token)
    async with asyncio.timeout(PATIENCE):
        assert await port.refreshed.get() == "fresh"
        await ann.rpc("echo", port.data(1))
    assert len(port.transports) == 1


async def test_the_server_can_send_people_away(people: AsyncExitStack, port: Port) -> None:
    ann = await arrive(people, port, "ann")
    _, seen = await follow(ann, "room")
    assert await seen.next() == ("join", "ann")
    await port.node.unsubscribe("ann", "room")
    assert await seen.next() == (2000, "server unsubscribe")
    assert isinstance(ann.events, ClientSeen)
    await ann.events.next()
    await port.node.disconnect("ann")
    assert await ann.events.next() == DisconnectedContext(3503, "force disconnect")
