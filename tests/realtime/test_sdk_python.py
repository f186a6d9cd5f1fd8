"""The official Python SDK, unmodified, in both wire formats, against a node with a few handlers and the memory broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
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

from tests.support.sdk_app import SdkApp

PATIENCE = 20.0


class Port(SdkApp):
    """For clients of one wire format."""

    def __init__(self, wire: str) -> None:
        super().__init__()
        self.use_protobuf = wire == "protobuf"

    def data(self, value: object) -> object:
        """What the SDK takes for it: JSON in JSON, and bytes in Protobuf."""
        return json.dumps(value).encode() if self.use_protobuf else value


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


@pytest.fixture(params=["json", "protobuf"])
async def port(request: pytest.FixtureRequest) -> AsyncIterator[Port]:
    port = Port(request.param)
    await port.node.start()
    async with await port.listen():
        yield port
        await port.node.shutdown()


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
