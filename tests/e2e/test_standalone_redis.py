"""Several ``chirpbird realtime`` on one Redis are one server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import cent
import jwt
import pytest

from tests.support.box_process import BoxProcess
from tests.support.callers import KINDS, Caller
from tests.support.redis_server import RedisProcess, RedisSentinels, RedisStandalone

pytestmark = pytest.mark.e2e

PATIENCE = 30.0
SECRET = "a secret of as many bytes as it takes"
API_KEY = "key"
EMULATED = [(kind, wire) for kind, wire in KINDS if kind in ("http_stream", "sse")]


def config(redis: dict[str, Any]) -> dict[str, Any]:
    return {
        "client": {
            "token": {"hmac_secret_key": SECRET},
            "presence_update_interval": "500ms",
        },
        "channel": {
            "without_namespace": {
                "presence": True,
                "history_size": 100,
                "history_ttl": "300s",
                "force_recovery": True,
                "allow_subscribe_for_client": True,
                "allow_publish_for_subscriber": True,
                "allow_presence_for_subscriber": True,
                "allow_history_for_subscriber": True,
            }
        },
        "http_api": {"key": API_KEY},
        "http_stream": {"enabled": True},
        "sse": {"enabled": True},
        "engine": {"type": "redis", "redis": {**redis, "presence_ttl": "2s"}},
    }


class Node:
    """One of the processes, its API, and people who come to it."""

    def __init__(self, process: BoxProcess, stack: AsyncExitStack) -> None:
        self.process = process
        self.api = cent.AsyncClient(f"{process.url}/api", API_KEY)
        self._stack = stack
        stack.push_async_callback(self.api.close)

    async def person(
        self, name: str, kind: str = "websocket", wire: str = "json", sends_to: str = ""
    ) -> Caller:
        caller = Caller(self.process.address, kind, wire, sends_to=sends_to)
        self._stack.push_async_callback(caller.end)
        await caller.connect(jwt.encode({"sub": name}, SECRET))
        return caller

    async def publish(self, channel: str, data: object) -> cent.PublishResult:
        return await self.api.publish(cent.PublishRequest(channel=channel, data=data))


async def subscribe(person: Caller, channel: str, **request: Any) -> dict[str, Any]:
    await person.send({"id": 2, "subscribe": {"channel": channel, **request}})
    reply = await person.next()
    assert reply["id"] == 2
    result: dict[str, Any] = reply["subscribe"]
    return result


async def pushed(person: Caller) -> dict[str, Any]:
    """The next push that is no ping."""
    while not (reply := await person.next()):
        pass
    push: dict[str, Any] = reply["push"]
    return push


async def comes_true(condition: Callable[[], Awaitable[bool]]) -> None:
    """Asked again and again, as nobody says when it does."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def found(stack: AsyncExitStack, directory: Path, redis: dict[str, Any]) -> Node:
    await asyncio.to_thread(directory.mkdir)
    return Node(await stack.enter_async_context(BoxProcess(config(redis), directory)), stack)


async def know_each_other(*nodes: Node) -> None:
    async def all_see_all() -> bool:
        told = [await node.api.info(cent.InfoRequest()) for node in nodes]
        return all(len(info.nodes) == len(nodes) for info in told)

    await comes_true(all_see_all)


@pytest.fixture
async def two(stack: AsyncExitStack, tmp_path: Path) -> tuple[Node, Node]:
    redis = stack.enter_context(RedisStandalone())
    address = {"address": f"127.0.0.1:{redis.process.port}"}
    here, there = [await found(stack, tmp_path / name, address) for name in ("here", "there")]
    await know_each_other(here, there)
    return here, there


async def test_what_one_is_told_reaches_the_subscribers_of_the_other(two: tuple[Node, Node]) -> None:
    here, there = two
    ann, bob = await here.person("ann"), await there.person("bob", wire="protobuf")
    for person in (ann, bob):
        await subscribe(person, "c")
    result = await here.publish("c", "here")
    assert result.offset == 1
    for person in (ann, bob):
        push = await pushed(person)
        assert (push["pub"]["data"], push["pub"]["offset"]) == (b'"here"', 1)
    result = await there.publish("c", "there")
    assert result.offset == 2
    for person in (ann, bob):
        assert (await pushed(person))["pub"]["offset"] == 2
    await bob.send({"id": 3, "publish": {"channel": "c", "data": b"3"}})
    assert (await pushed(ann))["pub"]["info"]["user"] == "bob"


async def test_history_recovery_and_presence_are_common(two: tuple[Node, Node]) -> None:
    here, there = two
    ann, bob = await here.person("ann"), await there.person("bob")
    before = await subscribe(ann, "c")
    for number in range(3):
        await [here, there][number % 2].publish("c", number)
    past = [await node.api.history(cent.HistoryRequest(channel="c", limit=10)) for node in (here, there)]
    assert past[0] == past[1]
    assert [publication.data for publication in past[1].publications] == [0, 1, 2]
    result = await subscribe(bob, "c", recover=True, epoch=before["epoch"], offset=1)
    assert [pub["data"] for pub in result["publications"]] == [b"1", b"2"]
    assert result["recovered"]
    for node in (here, there):
        present = await node.api.presence(cent.PresenceRequest(channel="c"))
        assert sorted(info.user for info in present.presence.values()) == ["ann", "bob"]
        stats = await node.api.presence_stats(cent.PresenceStatsRequest(channel="c"))
        assert (stats.num_clients, stats.num_users) == (2, 2)
        counted = await node.api.channels(cent.ChannelsRequest(pattern="*"))
        assert {name: info.num_clients for name, info in counted.channels.items()} == {"c": 2}
    await here.api.history_remove(cent.HistoryRemoveRequest(channel="c"))
    assert (await there.api.history(cent.HistoryRequest(channel="c", limit=10))).publications == []


async def test_orders_reach_users_of_the_other(two: tuple[Node, Node]) -> None:
    here, there = two
    bob = await there.person("bob")
    await here.api.subscribe(cent.SubscribeRequest(user="bob", channel="c"))
    push = await pushed(bob)
    assert (push["channel"], push["subscribe"]["recoverable"]) == ("c", True)
    await here.api.refresh(cent.RefreshRequest(user="bob", expire_at=4_000_000_000))
    assert (await pushed(bob))["refresh"]["expires"]
    await here.api.unsubscribe(cent.UnsubscribeRequest(user="bob", channel="c"))
    assert (await pushed(bob))["unsubscribe"]["code"] == 2000
    await here.api.disconnect(
        cent.DisconnectRequest(user="bob", disconnect=cent.Disconnect(code=4501, reason="bye"))
    )
    assert (await pushed(bob))["disconnect"]["code"] == 4501
    with pytest.raises(EOFError):
        await bob.next()
    assert bob.ended == (4501, "bye")


@pytest.mark.parametrize(("kind", "wire"), EMULATED)
async def test_requests_of_emulated_clients_may_arrive_at_the_other(
    two: tuple[Node, Node], kind: str, wire: str
) -> None:
    here, there = two
    ann = await here.person("ann", kind, wire, sends_to=there.process.address)
    await subscribe(ann, "c")
    await ann.send({"id": 3, "publish": {"channel": "c", "data": b'"hello"'}})
    heard = [await ann.next(), await ann.next()]
    assert {"id": 3, "publish": {}} in heard
    assert [reply["push"]["pub"]["data"] for reply in heard if "push" in reply] == [b'"hello"']
    past = await there.api.history(cent.HistoryRequest(channel="c", limit=10))
    assert [publication.data for publication in past.publications] == ["hello"]


async def test_who_was_on_a_node_that_died_does_not_stay_present(two: tuple[Node, Node]) -> None:
    here, there = two
    ann, bob = await here.person("ann"), await there.person("bob")
    for person in (ann, bob):
        await subscribe(person, "c")
    await there.process.kill()

    async def present() -> list[str]:
        answer = await here.api.presence(cent.PresenceRequest(channel="c"))
        return sorted(info.user for info in answer.presence.values())

    async def bob_is_gone() -> bool:
        return await present() == ["ann"]

    async def nodes_are_one() -> bool:
        return len((await here.api.info(cent.InfoRequest())).nodes) == 1

    await comes_true(bob_is_gone)
    await comes_true(nodes_are_one)
    assert await present() == ["ann"]
    await here.publish("c", 1)
    assert (await pushed(ann))["pub"]["data"] == b"1"


def sentinel_address(sentinels: list[RedisProcess]) -> str:
    return ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in sentinels)


async def test_a_master_behind_sentinels(stack: AsyncExitStack, tmp_path: Path) -> None:
    redis = stack.enter_context(RedisSentinels())
    options = {
        "sentinel_address": [sentinel_address(redis.sentinels)],
        "sentinel_master_name": "birds",
    }
    here, there = [await found(stack, tmp_path / name, options) for name in ("here", "there")]
    await know_each_other(here, there)
    bob = await there.person("bob")
    await subscribe(bob, "c")
    await here.publish("c", 1)
    assert (await pushed(bob))["pub"]["data"] == b"1"
