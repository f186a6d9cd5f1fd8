"""Publish, presence, history, rpc and send."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from chirpbird.realtime import (
    Client,
    ClientInfo,
    HistoryEvent,
    HistoryReply,
    HistoryResult,
    MessageEvent,
    Node,
    PresenceEvent,
    PresenceReply,
    PresenceStats,
    PresenceStatsEvent,
    Publication,
    PublishEvent,
    PublishOptions,
    PublishReply,
    PublishResult,
    RpcEvent,
    RpcReply,
    StreamPosition,
    disconnects,
    errors,
)
from tests.support.realtime import STREAM, Bus, FakeClock, Peer, settle, with_handlers

Peers = Callable[[], Peer]


async def test_publishing(peer: Peers) -> None:
    anna, bert = peer(), peer()
    client = (await anna.connect("anna"))["client"]
    await bert.connect("bert")
    await bert.subscribe("plain:c")
    assert await anna.ask(publish={"channel": "plain:c", "data": {"text": "hi"}}) == {"publish": {}}
    assert bert.pubs("plain:c") == [
        {
            "data": {"text": "hi"},
            "info": {"user": "anna", "client": client, "conn_info": {"name": "anna"}},
        }
    ]


@pytest.mark.parametrize("fields", [{}, {"channel": "c"}, {"data": 1}, {"channel": "", "data": 1}])
async def test_publications_that_make_no_sense_end_the_connection(
    peer: Peers, fields: dict[str, object]
) -> None:
    anna = peer()
    await anna.connect()
    anna.send({"id": 2, "publish": fields})
    assert anna.ended == (3501, "bad request")


@pytest.mark.parametrize("method", ["publish", "presence", "presence_stats", "history"])
async def test_channel_names_are_checked(peer: Peers, method: str) -> None:
    anna, bert = peer(), peer()
    await anna.connect()
    await bert.connect()
    assert (await anna.ask(**{method: {"channel": "x" * 256, "data": 1}}))["error"]["code"] == 107
    bert.send({"id": 2, method: {"data": 1}})
    assert bert.ended == (3501, "bad request")


@pytest.mark.parametrize("method", ["publish", "presence", "presence_stats", "history", "rpc"])
async def test_what_has_no_handler_is_not_available(clock: FakeClock, method: str) -> None:
    node = with_handlers(Node(clock=clock))
    setattr(node._handlers, method, None)
    anna = Peer(node)
    await anna.connect()
    assert (await anna.ask(**{method: {"channel": "c", "data": 1}}))["error"] == {
        "code": 108,
        "message": "not available",
    }


async def test_the_application_decides_how_it_is_published(node: Node, peer: Peers, bus: Bus) -> None:
    @node.on_publish
    def publish(client: Client, event: PublishEvent) -> PublishReply:
        return PublishReply(options=PublishOptions(history_size=1, history_ttl=60, tags={"a": "b"}))

    anna = peer()
    await anna.connect()
    await anna.ask(publish={"channel": "c", "data": 1})
    [kept] = (await bus.read("c", since=None, limit=-1)).publications
    assert kept.tags == {"a": "b"}


async def test_what_the_application_published_is_only_acknowledged(node: Node, peer: Peers, bus: Bus) -> None:
    done: asyncio.Future[PublishReply] = asyncio.get_running_loop().create_future()

    @node.on_publish
    def publish(client: Client, event: PublishEvent) -> asyncio.Future[PublishReply]:
        assert event.info == ClientInfo("anna", client.id, b'{"name":"anna"}')
        return done

    anna = peer()
    await anna.connect()
    await anna.subscribe("plain:c")
    anna.send({"id": 7, "publish": {"channel": "plain:c", "data": 1}})
    await settle()
    assert anna.told() == []
    node.announce("plain:c", Publication(data=b"1", offset=5), "log")
    done.set_result(PublishReply(PublishResult(5, "log")))
    await settle()
    told = anna.told()
    assert {"id": 7, "publish": {}} in told
    assert {"push": {"channel": "plain:c", "pub": {"data": 1, "offset": 5}}} in told
    assert len(told) == 2


async def test_coroutines_publish_one_at_a_time_and_in_order(node: Node, peer: Peers) -> None:
    working = 0
    finished: list[bytes] = []

    @node.on_publish
    async def publish(client: Client, event: PublishEvent) -> PublishReply:
        nonlocal working
        assert event.channel != "plain:c" or working == 0
        working += event.channel == "plain:c"
        await settle(10 - int(event.data))
        working -= event.channel == "plain:c"
        finished.append(event.data)
        if event.data == b"3":
            raise errors.PERMISSION_DENIED
        return PublishReply()

    anna = peer()
    await anna.connect()
    await anna.subscribe("plain:c")
    anna.send(*({"id": n + 10, "publish": {"channel": "plain:c", "data": n}} for n in range(6)))
    anna.send({"id": 20, "publish": {"channel": "plain:d", "data": 9}})
    await settle(100)
    told = anna.told()
    assert [t["id"] for t in told if "id" in t and t["id"] < 20] == [10, 11, 12, 13, 14, 15]
    assert [t["push"]["pub"]["data"] for t in told if "push" in t] == [0, 1, 2, 4, 5]
    assert finished.index(b"9") < finished.index(b"0")
    assert not node._core.connections or all(s.in_flight == 0 for s in node._core.connections)


async def test_publications_of_a_client_that_left_are_not_begun(node: Node, peer: Peers) -> None:
    begun: list[bytes] = []

    @node.on_publish
    async def publish(client: Client, event: PublishEvent) -> PublishReply:
        begun.append(event.data)
        await settle(3)
        return PublishReply()

    anna = peer()
    await anna.connect()
    anna.send(*({"id": n + 10, "publish": {"channel": "plain:c", "data": n}} for n in range(3)))
    await asyncio.sleep(0)
    anna.lose()
    await settle()
    assert begun == [b"0"]


class RemoteBus(Bus):
    """Publishing takes a few turns."""

    def publish(  # type: ignore[override]  # a broker over the network
        self, channel: str, publication: Publication, options: PublishOptions
    ) -> asyncio.Future[PublishResult]:
        return asyncio.ensure_future(self._later(channel, publication, options))

    async def _later(self, channel: str, publication: Publication, options: PublishOptions) -> PublishResult:
        await settle(3)
        if publication.data == b'"lost"':
            raise ConnectionError("the bus cannot be reached")
        return super().publish(channel, publication, options)


async def test_publishing_over_a_network_is_acknowledged_when_done(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    node = with_handlers(Node(broker=RemoteBus(clock), clock=clock))
    await node.start()
    anna = Peer(node)
    await anna.connect()
    await anna.subscribe("stream:c")
    anna.send(
        {"id": 5, "publish": {"channel": "stream:c", "data": 1}},
        {"id": 6, "publish": {"channel": "stream:c", "data": "lost"}},
    )
    assert anna.told() == []
    await settle()
    told = {t.get("id", "push"): t for t in anna.told()}
    assert told[5] == {"id": 5, "publish": {}}
    assert told[6]["error"]["code"] == 100
    assert told["push"]["push"]["pub"]["data"] == 1
    assert "the bus cannot be reached" in caplog.text
    assert (await node.publish("stream:c", b"2", history_size=5, history_ttl=5)).offset == 2
    await node.shutdown()


async def test_presence(node: Node, peer: Peers) -> None:
    anna, bert = peer(), peer()
    first = (await anna.connect("anna"))["client"]
    await bert.connect("bert")
    await anna.subscribe("people:c")
    expected = {first: {"user": "anna", "client": first, "conn_info": {"name": "anna"}}}
    assert await bert.ask(presence={"channel": "people:c"}) == {"presence": {"presence": expected}}
    assert await bert.ask(presence_stats={"channel": "people:c"}) == {
        "presence_stats": {"num_clients": 1, "num_users": 1}
    }
    assert await bert.ask(presence={"channel": "nobody"}) == {"presence": {"presence": {}}}
    assert await bert.ask(presence_stats={"channel": "nobody"}) == {
        "presence_stats": {"num_clients": 0, "num_users": 0}
    }


async def test_the_application_may_know_presence_better(node: Node, peer: Peers) -> None:
    @node.on_presence
    def presence(client: Client, event: PresenceEvent) -> PresenceReply:
        return PresenceReply(presence={"x": ClientInfo("u", "x")})

    @node.on_presence_stats
    def presence_stats(client: Client, event: PresenceStatsEvent) -> PresenceReply:
        return PresenceReply(stats=PresenceStats(7, 3))

    anna = peer()
    await anna.connect()
    assert (await anna.ask(presence={"channel": "c"}))["presence"]["presence"] == {
        "x": {"user": "u", "client": "x"}
    }
    assert await anna.ask(presence_stats={"channel": "c"}) == {
        "presence_stats": {"num_clients": 7, "num_users": 3}
    }


async def test_presence_may_be_refused(node: Node, peer: Peers) -> None:
    @node.on_presence
    async def presence(client: Client, event: PresenceEvent) -> PresenceReply:
        raise errors.PERMISSION_DENIED

    anna = peer()
    await anna.connect()
    assert (await anna.ask(presence={"channel": "c"}))["error"]["code"] == 103


async def _stream(bus: Bus, count: int) -> str:
    for number in range(1, count + 1):
        bus.publish("stream:c", Publication(data=b"%d" % number), STREAM)
    return (await bus.top("stream:c")).epoch


async def test_history_limits(node: Node, peer: Peers, bus: Bus) -> None:
    epoch = await _stream(bus, 400)
    anna = peer()
    await anna.connect()

    async def history(**fields: object) -> list[int]:
        reply = (await anna.ask(history={"channel": "stream:c", **fields}))["history"]
        assert (reply["offset"], reply["epoch"]) == (400, epoch)
        return [pub["offset"] for pub in reply.get("publications", [])]

    assert await history() == []
    assert await history(limit=2) == [1, 2]
    assert await history(limit=-1) == list(range(1, 301))
    assert await history(limit=-7) == list(range(1, 301))
    assert await history(limit=301) == list(range(1, 301))
    assert await history(limit=2, since={"offset": 10, "epoch": epoch}) == [11, 12]
    assert await history(limit=2, since={"offset": 10}) == [11, 12]
    assert await history(limit=2, since={}) == [1, 2]
    assert await history(limit=2, reverse=True) == [400, 399]
    assert await history(limit=2, reverse=True, since={"offset": 10, "epoch": epoch}) == [9, 8]


async def test_history_that_cannot_be_given(node: Node, peer: Peers, bus: Bus) -> None:
    await _stream(bus, 2)
    anna = peer()
    await anna.connect()

    async def code(**fields: object) -> int:
        reply = await anna.ask(history={"channel": "stream:c", **fields})
        error: int = reply["error"]["code"]
        return error

    assert await code(limit=1, reverse=True, since={}) == 107
    assert await code(limit=1, since={"offset": 1, "epoch": "other"}) == 112
    assert await code(limit=0, since={"offset": 1, "epoch": "other"}) == 112
    bus.broken = True
    assert await code(limit=1) == 100


async def test_the_application_may_have_its_own_history(node: Node, peer: Peers) -> None:
    seen: list[HistoryEvent] = []

    @node.on_history
    async def history(client: Client, event: HistoryEvent) -> HistoryReply:
        seen.append(event)
        return HistoryReply(
            HistoryResult([Publication(data=b"1", offset=1, tags={"a": "b"})], StreamPosition(1, "e"))
        )

    anna = peer()
    await anna.connect()
    reply = await anna.ask(history={"channel": "c", "limit": 9999, "since": {"offset": 4}, "reverse": True})
    assert reply["history"] == {
        "publications": [{"data": 1, "offset": 1, "tags": {"a": "b"}, "epoch": "e"}],
        "epoch": "e",
        "offset": 1,
    }
    assert seen == [HistoryEvent("c", 300, StreamPosition(4, ""), True)]


async def test_rpc(node: Node, peer: Peers) -> None:
    @node.on_rpc
    async def rpc(client: Client, event: RpcEvent) -> RpcReply:
        if event.method == "nothing":
            return RpcReply()
        if event.method != "echo":
            raise errors.METHOD_NOT_FOUND
        return RpcReply(event.data)

    anna = peer()
    await anna.connect()
    assert await anna.ask(rpc={"method": "echo", "data": {"a": 1}}) == {"rpc": {"data": {"a": 1}}}
    assert await anna.ask(rpc={"method": "nothing"}) == {"rpc": {}}
    assert (await anna.ask(rpc={"method": "other"}))["error"]["code"] == 104


async def test_messages_are_not_answered(node: Node, peer: Peers) -> None:
    heard: list[bytes] = []

    @node.on_message
    async def message(client: Client, event: MessageEvent) -> None:
        heard.append(event.data)

    anna = peer()
    await anna.connect()
    anna.send({"send": {"data": {"a": 1}}}, {"id": 3, "send": {"data": 2}})
    await settle()
    assert heard == [b'{"a": 1}', b"2"]
    assert anna.told() == []


async def test_messages_that_nobody_hears_end_the_connection(peer: Peers) -> None:
    anna = peer()
    await anna.connect()
    anna.send({"send": {"data": 1}})
    assert anna.ended == (3508, "not available")


async def test_a_message_handler_may_fail_or_end_the_connection(
    node: Node, peer: Peers, caplog: pytest.LogCaptureFixture
) -> None:
    @node.on_message
    def message(client: Client, event: MessageEvent) -> None:
        if event.data == b"1":
            raise KeyError("oops")
        raise disconnects.FORCE_DISCONNECT

    anna = peer()
    await anna.connect()
    anna.send({"send": {"data": 1}})
    await settle()
    assert (anna.ended, anna.told()) == (None, [])
    assert "oops" in caplog.text
    anna.send({"send": {"data": 2}})
    assert anna.ended == (3503, "force disconnect")


@pytest.mark.parametrize("command", ["subscribe", "publish"])
async def test_channels_of_other_types_are_refused(peer: Callable[[], Peer], command: str) -> None:
    anna = peer()
    await anna.connect()
    for number in (1, 4, -1):
        reply = await anna.ask(**{command: {"channel": "c", "type": number, "data": 1}})
        assert reply["error"]["code"] == 107
    assert await anna.subscribe("c") == {}
