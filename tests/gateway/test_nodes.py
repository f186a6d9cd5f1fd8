"""Several chat nodes on one store, joined by a real Redis, with and without it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from chirpbird.chat.service import Chat
from chirpbird.gateway.announcer import Announcer
from chirpbird.gateway.audience import NodeAudience, personal_channel
from chirpbird.gateway.handlers import Handlers
from chirpbird.gateway.history import LogHistory
from chirpbird.gateway.resync import Resync
from chirpbird.realtime import Node, NodeConfig
from chirpbird.realtime.redis import RedisOptions, redis_engine
from tests.support.chat_fakes import PlainHasher
from tests.support.memory_store import MemoryStore
from tests.support.patient import PatientPeer
from tests.support.redis_server import RedisStandalone
from tests.support.relay import Relay

Town = Callable[[], Awaitable[tuple[Chat, Node]]]


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisStandalone]:
    with RedisStandalone() as server:
        yield server


@pytest.fixture
async def relay(redis: RedisStandalone) -> AsyncIterator[Relay]:
    async with Relay(redis.process.port) as relay:
        yield relay


@pytest.fixture
async def town(relay: Relay, store: MemoryStore) -> AsyncIterator[Town]:
    """Starts nodes, wired as ``app.py`` does it."""
    async with AsyncExitStack() as stack:

        async def found() -> tuple[Chat, Node]:
            view = store.shared()
            chat = Chat(store=view, secret=b"s" * 32, hasher=PlainHasher())
            options = RedisOptions(url=f"redis://127.0.0.1:{relay.port}", required=False)
            broker, presence = redis_engine(options)
            config = NodeConfig(position_check_interval=3600, bus_down_check_interval=0.2)
            history = LogHistory(view.log, chat.renderer)
            node = Node(config, broker=broker, presence=presence, history=history)
            Handlers(node, chat)
            audience = NodeAudience(node, chat)
            chat.tell(audience)
            resync = Resync(node, view.channels, audience)
            view.log.add_commit_listener(Announcer(node, chat.renderer, chat.access.directory).committed)
            await node.start()
            stack.push_async_callback(node.shutdown)
            stack.push_async_callback(resync.close)
            return chat, node

        yield found


class Someone(PatientPeer):
    """A user who is connected to one of the nodes."""

    def __init__(self, node: Node, user_id: str) -> None:
        super().__init__(node)
        self.id = user_id

    async def call(self, method: str, **data: object) -> dict[str, object]:
        reply = await self.ask(rpc={"method": method, "data": data})
        result: dict[str, object] = reply["rpc"]["data"]
        return result

    async def say(self, channel: str, text: str) -> None:
        assert await self.ask(publish={"channel": channel, "data": {"data": text}}) == {"publish": {}}

    async def hears(self, channel: str, texts: list[str]) -> None:
        """Exactly these messages so far, in this order."""
        await self.until(lambda: len(self.texts(channel)) >= len(texts))
        assert self.texts(channel) == texts

    def texts(self, channel: str) -> list[str]:
        return [entry["data"] for entry in self.heard(channel) if entry["type"] == "message"]

    async def is_told(self, kind: str, channel: str) -> None:
        """On the personal channel."""

        def told() -> bool:
            for event in self.heard(personal_channel(self.id)):
                about = event["channel"]["channel"]["id"] if "channel" in event else event["channelId"]
                if (event["type"], about) == (kind, channel):
                    return True
            return False

        await self.until(told)


async def enter(where: tuple[Chat, Node], username: str) -> Someone:
    chat, node = where
    user = await chat.accounts.register(username, "correct horse", address=username)
    someone = Someone(node, user.id)
    await someone.connect(chat.tokens.issue(user.id, "sign-in"))
    return someone


async def group(someone: Someone, name: str, *others: Someone) -> str:
    created = await someone.call("create_channel", name=name, participants=[other.id for other in others])
    state: dict[str, dict[str, dict[str, str]]] = created  # type: ignore[assignment]
    return state["channel"]["channel"]["id"]


async def test_messages_and_events_cross(town: Town) -> None:
    ann, bob = await enter(await town(), "ann"), await enter(await town(), "bob")
    channel = await group(ann, "birds", bob)
    await bob.is_told("NEW_CHANNEL", channel)
    for someone in (ann, bob):
        await someone.subscribe(channel)
    await ann.say(channel, "1")
    await bob.hears(channel, ["1"])
    await bob.say(channel, "2")
    await ann.hears(channel, ["1", "2"])
    present = (await ann.ask(presence={"channel": channel}))["presence"]["presence"]
    assert sorted(client["user"] for client in present.values()) == sorted([ann.id, bob.id])
    await bob.call("leave_channel", channelId=channel)
    await bob.is_told("CHANNEL_GONE", channel)


async def test_without_redis_messages_cross_by_the_log(town: Town, relay: Relay) -> None:
    ann, bob = await enter(await town(), "ann"), await enter(await town(), "bob")
    channel = await group(ann, "birds", bob)
    for someone in (ann, bob):
        await someone.subscribe(channel)
    await ann.say(channel, "1")
    await bob.hears(channel, ["1"])
    await relay.cut()
    await ann.say(channel, "2")
    await bob.hears(channel, ["1", "2"])
    await bob.say(channel, "3")
    await ann.hears(channel, ["1", "2", "3"])
    assert (await ann.ask(presence={"channel": channel}))["error"] == {
        "code": 100,
        "message": "internal server error",
        "temporary": True,
    }
    await relay.heal()
    await ann.say(channel, "4")
    await bob.hears(channel, ["1", "2", "3", "4"])


async def test_a_start_without_redis_and_then_with_it(town: Town, relay: Relay) -> None:
    await relay.cut()
    ann, bob = await enter(await town(), "ann"), await enter(await town(), "bob")
    channel = await group(ann, "birds", bob)
    for someone in (ann, bob):
        await someone.subscribe(channel)
    await ann.say(channel, "1")
    await bob.hears(channel, ["1"])
    await relay.heal()
    await ann.say(channel, "2")
    await bob.hears(channel, ["1", "2"])


async def test_without_redis_members_are_told_of_channels(town: Town, relay: Relay) -> None:
    ann, bob = await enter(await town(), "ann"), await enter(await town(), "bob")
    await relay.cut()
    channel = await group(ann, "birds", bob)
    await bob.is_told("NEW_CHANNEL", channel)


async def test_without_redis_who_has_left_hears_no_more(town: Town, relay: Relay) -> None:
    here, there = await town(), await town()
    ann, bob = await enter(here, "ann"), await enter(there, "bob")
    elsewhere = Someone(here[1], bob.id)
    await elsewhere.connect(here[0].tokens.issue(bob.id, "sign-in"))
    channel = await group(ann, "birds", bob)
    for someone in (ann, bob, elsewhere):
        await someone.subscribe(channel)
    await relay.cut()
    await bob.call("leave_channel", channelId=channel)
    await elsewhere.is_told("CHANNEL_GONE", channel)
    await ann.say(channel, "without bob")
    await ann.hears(channel, ["without bob"])
    assert elsewhere.texts(channel) == []
