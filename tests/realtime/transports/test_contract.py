"""What holds of every transport: the same clients, in the same words."""

from __future__ import annotations

import asyncio
import json
import secrets
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chirpbird import realtime
from chirpbird.realtime import (
    Client,
    ConnectingEvent,
    ConnectReply,
    DisconnectEvent,
    Node,
    NodeConfig,
    RpcEvent,
    RpcReply,
    SubscribeOptions,
)
from chirpbird.realtime.transports.exchange import HttpLimits
from tests.support.callers import KINDS, UNI_KINDS, Caller, serving
from tests.support.realtime import Bus, FakeClock, with_handlers

CERTIFICATE = Path(__file__).parent / "localhost.pem"
both_ways = pytest.mark.parametrize(("kind", "wire"), KINDS)
one_way = pytest.mark.parametrize(("kind", "wire"), UNI_KINDS)


class Place:
    """A node on a port, and whoever left it."""

    def __init__(self, node: Node, clock: FakeClock, address: str) -> None:
        self.node = node
        self.clock = clock
        self.address = address
        self.left: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        self.callers: list[Caller] = []

        @node.on_connecting
        def connecting(client: Client, event: ConnectingEvent) -> ConnectReply:
            refusal = getattr(realtime.errors, event.token, None) or getattr(
                realtime.disconnects, event.token, None
            )
            if refusal is not None:
                raise refusal
            news = {"news": SubscribeOptions()} if client.transport.unidirectional else {}
            return ConnectReply(user=event.token, data=b'{"you":"b\xc3\xa9a"}', subscriptions=news)

        @node.on_disconnect
        def disconnected(client: Client, event: DisconnectEvent) -> None:
            self.left.put_nowait((client.user, event.code))

    def caller(self, kind: str, wire: str) -> Caller:
        caller = Caller(self.address, kind, wire)
        self.callers.append(caller)
        return caller

    def publish(self, channel: str, data: bytes) -> None:
        published = self.node.publish(channel, data)
        assert published.done()

    def go_on(self, seconds: float) -> None:
        self.clock.now += seconds
        self.node.tick()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    clock = FakeClock()
    config = NodeConfig(write_queue_limit=200_000)
    node = with_handlers(Node(config, broker=Bus(clock), clock=clock))
    await node.start()
    async with serving(node, HttpLimits(close_timeout=0.2)) as address:
        place = Place(node, clock, address)
        yield place
        for caller in place.callers:
            await caller.end()
        await node.shutdown()


async def rest_of(caller: Caller) -> list[dict[str, Any]]:
    """What comes until the end."""
    heard = []
    while True:
        try:
            heard.append(await caller.next())
        except EOFError:
            return heard


@both_ways
async def test_commands_are_answered_and_publications_come(place: Place, kind: str, wire: str) -> None:
    anna = place.caller(kind, wire)
    result = await anna.connect()
    assert result["data"] == b'{"you":"b\xc3\xa9a"}'
    emulated = kind in ("http_stream", "sse")
    assert (result.get("node") == place.node.id, "session" in result) == (emulated, emulated)
    assert (result["ping"], result["pong"]) == (25, True)
    await anna.send(
        {"id": 2, "subscribe": {"channel": "stream:1"}}, {"id": 3, "rpc": {"data": b'"\xc3\xbc"'}}
    )
    replies = {(reply := await anna.next())["id"]: reply for _ in range(2)}
    assert replies[2]["subscribe"]["recoverable"] in (True, 1)
    assert replies[3]["rpc"]["data"] == b'"\xc3\xbc"'
    await place.node.publish("stream:1", b'{"n":1}', history_size=10, history_ttl=60)
    push = (await anna.next())["push"]
    assert (push["channel"], push["pub"]["data"], push["pub"]["offset"]) == ("stream:1", b'{"n":1}', 1)
    await anna.send({"id": 4, "unsubscribe": {"channel": "stream:1"}})
    assert await anna.next() == {"id": 4, "unsubscribe": {}}


@both_ways
async def test_pings_want_pongs(place: Place, kind: str, wire: str) -> None:
    anna = place.caller(kind, wire)
    await anna.connect()
    for _ in range(3):
        place.go_on(25)
        assert await anna.next() == {}
        await anna.send({}, {"id": 9, "rpc": {}})
        assert (await anna.next())["id"] == 9
    place.go_on(25)
    assert await anna.next() == {}
    place.go_on(10)
    [told] = await rest_of(anna)
    assert told["push"]["disconnect"] == {"code": 3012, "reason": "no pong"}
    assert await place.left.get() == ("anna", 3012)


@both_ways
async def test_the_server_can_end_it(place: Place, kind: str, wire: str) -> None:
    anna = place.caller(kind, wire)
    await anna.connect()
    await place.node.disconnect("anna", disconnect=realtime.Disconnect(4444, "enough"))
    [told] = await rest_of(anna)
    assert told["push"]["disconnect"] == {"code": 4444, "reason": "enough"}
    assert anna.ended == ((4444, "enough") if "websocket" in kind else (0, ""))
    assert place.node.stats().num_connections == 0


@both_ways
async def test_who_goes_is_noticed(place: Place, kind: str, wire: str) -> None:
    anna = place.caller(kind, wire)
    await anna.connect()
    await anna.end()
    assert await place.left.get() == ("anna", 3000)
    assert place.node.stats().num_connections == 0


@both_ways
async def test_what_is_no_connect_command_ends_it(place: Place, kind: str, wire: str) -> None:
    anna = place.caller(kind, wire)
    await anna.begin({"id": 1, "rpc": {}})
    [told] = await rest_of(anna)
    assert told["push"]["disconnect"] == {"code": 3501, "reason": "bad request"}


@both_ways
async def test_a_refused_connect_is_answered(place: Place, kind: str, wire: str) -> None:
    anna = place.caller(kind, wire)
    await anna.begin({"id": 1, "connect": {"token": "TOKEN_EXPIRED"}})
    assert await anna.next() == {"id": 1, "error": {"code": 109, "message": "token expired"}}


@both_ways
async def test_at_shutdown_everybody_is_sent_elsewhere(place: Place, kind: str, wire: str) -> None:
    anna = place.caller(kind, wire)
    await anna.connect()
    await place.node.shutdown()
    [told] = await rest_of(anna)
    assert told["push"]["disconnect"] == {"code": 3001, "reason": "shutdown"}
    late = place.caller(kind, wire)
    await late.begin({"id": 1, "connect": {"token": "late"}})
    assert (await rest_of(late))[0]["push"]["disconnect"]["code"] == 3001


@both_ways
async def test_what_is_published_in_one_turn_comes_in_one_piece(place: Place, kind: str, wire: str) -> None:
    anna = place.caller(kind, wire)
    await anna.connect()
    await anna.send({"id": 2, "subscribe": {"channel": "plain"}})
    await anna.next()
    before = len(anna.pieces)
    for number in range(10):
        place.publish("plain", b"%d" % number)
    heard = [(await anna.next())["push"]["pub"]["data"] for _ in range(10)]
    assert heard == [b"%d" % number for number in range(10)]
    if kind != "websocket":  # there, frames are messages
        assert len(anna.pieces) == before + 1


@both_ways
async def test_who_does_not_read_is_left_behind_and_nobody_else(place: Place, kind: str, wire: str) -> None:
    slow, bert = place.caller(kind, wire), place.caller("websocket", "json")
    for caller, name in ((slow, "slow"), (bert, "bert")):
        await caller.connect(name)
        await caller.send({"id": 2, "subscribe": {"channel": "plain"}})
        await caller.next()
    count, size = 0, 100_000
    while place.left.empty():
        # Nothing that a server which compresses could make small.
        place.publish("plain", b'"%b"' % secrets.token_hex(size // 2).encode())
        assert len((await bert.next())["push"]["pub"]["data"]) == size + 2
        count += 1
    assert place.left.get_nowait() == ("slow", 3008)
    assert count < 1000
    assert place.node.stats().num_connections == 1


@one_way
async def test_who_only_listens_and_does_not_is_left_behind_too(place: Place, kind: str, wire: str) -> None:
    slow, bert = place.caller(kind, wire), place.caller("uni_websocket", "json")
    for caller, name in ((slow, "slow"), (bert, "bert")):
        await caller.begin({"token": name})
        await caller.next()
    count = 0
    while place.left.empty():
        place.publish("news", b'"%b"' % secrets.token_hex(50_000).encode())
        assert len((await bert.next())["pub"]["data"]) == 100_002
        count += 1
    assert place.left.get_nowait() == ("slow", 3008)
    assert count < 1000
    assert place.node.stats().num_connections == 1


@both_ways
async def test_who_asks_without_end_is_ended_and_nobody_else(place: Place, kind: str, wire: str) -> None:
    begun = []
    over = asyncio.Event()

    @place.node.on_rpc
    async def rpc(client: Client, event: RpcEvent) -> RpcReply:
        begun.append(event.method)
        if client.user == "flood":
            await over.wait()
        return RpcReply(event.data)

    flood, bert = place.caller(kind, wire), place.caller(kind, wire)
    for caller, name in ((flood, "flood"), (bert, "bert")):
        await caller.connect(name)
    frames = 0
    while place.left.empty():
        # Once it is gone a socket cannot be written to.
        with suppress(ConnectionClosed):
            await flood.send(*({"id": n, "rpc": {"data": b'"%b"' % (b"x" * 200)}} for n in range(2, 502)))
        await bert.send({"id": 2, "rpc": {"data": b"1"}})
        assert await bert.next() == {"id": 2, "rpc": {"data": b"1"}}
        frames += 1
    assert place.left.get_nowait() == ("flood", 3013)
    assert frames < 100
    assert len(begun) == place.node.config.client_concurrency + frames
    over.set()


@both_ways
async def test_who_wants_a_hundred_thousand_channels_gets_some(place: Place, kind: str, wire: str) -> None:
    greedy, bert = place.caller(kind, wire), place.caller(kind, wire)
    for caller, name in ((greedy, "greedy"), (bert, "bert")):
        await caller.connect(name)
    await bert.send({"id": 2, "subscribe": {"channel": "plain"}})
    await bert.next()
    outcomes: Counter[int] = Counter()
    for start in range(0, 100_000, 10_000):
        wanted = range(start, start + 10_000)
        await greedy.send(*({"id": n + 2, "subscribe": {"channel": f"x{n}"}} for n in wanted))
        place.publish("plain", b"1")
        assert (await bert.next())["push"]["pub"]["data"] == b"1"
        for _ in wanted:
            outcomes[(await greedy.next()).get("error", {}).get("code", 0)] += 1
    assert outcomes == {0: 128, 106: 99_872}
    assert place.node.stats().num_subscriptions == 129


HANDSHAKE = (
    b"GET %b HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.mark.parametrize("path", ["/connection/websocket", "/asgi/connection/websocket"])
@pytest.mark.parametrize("connected", [False, True])
async def test_half_a_frame_is_not_waited_for_without_end(place: Place, path: str, connected: bool) -> None:
    bert = place.caller("websocket", "json")
    await bert.connect("bert")
    reader, writer = await asyncio.open_connection(*place.address.split(":"))
    writer.write(HANDSHAKE % path.encode())
    await reader.readuntil(b"\r\n\r\n")
    if connected:
        connect = b'{"id":1,"connect":{"token":"mallory"}}'
        writer.write(bytes((0x81, 0x80 | len(connect))) + bytes(4) + connect)
        await reader.readuntil(b'"connect"')
    writer.write(b"\x81\xfe\x10\0" + bytes(4) + b'{"id":2,"rpc":{"data":"')
    if connected:
        place.go_on(26)
        assert await bert.next() == {}
        await bert.send({}, {"id": 2, "presence_stats": {"channel": "c"}})
        assert (await bert.next())["id"] == 2
        place.go_on(11)
        assert await place.left.get() == ("mallory", 3012)
    else:
        place.go_on(16)
        await reader.readuntil(b"stale")
    assert not bert.ended
    assert place.node.stats().num_connections == 1
    writer.close()


@both_ways
async def test_over_tls(kind: str, wire: str) -> None:
    node = with_handlers(Node())
    await node.start()
    trusted = ssl.create_default_context(cafile=CERTIFICATE)
    options: Any = {"ssl_certfile": CERTIFICATE, "ssl_keyfile": CERTIFICATE}
    async with serving(node, **options) as address:
        anna = Caller(address, kind, wire, trusted)
        await anna.connect()
        await anna.send({"id": 2, "rpc": {"data": b"7"}})
        assert (await anna.next())["rpc"]["data"] == b"7"
        await anna.end()
        await node.shutdown()


@one_way
async def test_unidirectional_clients_get_bare_pushes(place: Place, kind: str, wire: str) -> None:
    anna = place.caller(kind, wire)
    await anna.begin({"token": "anna", "name": "curl"})
    told = (await anna.next())["connect"]
    assert (told["data"], set(told["subs"]), told["ping"]) == (b'{"you":"b\xc3\xa9a"}', {"news"}, 25)
    assert told["session"]
    assert not {"pong", "node"} & set(told)
    place.publish("news", b"1")
    place.publish("news", b"2")
    assert [(await anna.next())["pub"]["data"] for _ in range(2)] == [b"1", b"2"]
    await place.node.unsubscribe("anna", "news", session=told["session"])
    assert await anna.next() == {
        "channel": "news",
        "unsubscribe": {"code": 2000, "reason": "server unsubscribe"},
    }
    for _ in range(3):  # nobody waits for a pong
        place.go_on(25)
        assert await anna.next() == {}
    await place.node.disconnect("anna")
    assert await rest_of(anna) == [{"disconnect": {"code": 3503, "reason": "force disconnect"}}]
    assert await place.left.get() == ("anna", 3503)


@one_way
@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("TOKEN_EXPIRED", 3005),
        ("EXPIRED", 3005),
        ("TOO_MANY_REQUESTS", 3013),
        ("PERMISSION_DENIED", 3507),
        ("UNKNOWN_CHANNEL", 3004),
        ("INVALID_TOKEN", 3500),
    ],
)
async def test_unidirectional_clients_are_refused_by_disconnects(
    place: Place, kind: str, wire: str, token: str, code: int
) -> None:
    anna = place.caller(kind, wire)
    await anna.begin({"token": token})
    [told] = await rest_of(anna)
    assert told["disconnect"]["code"] == code


@pytest.mark.parametrize("kind", ["uni_websocket", "asgi/uni_websocket"])
async def test_unidirectional_websockets_may_connect_in_their_query(place: Place, kind: str) -> None:
    path = ("/asgi" if kind.startswith("asgi/") else "") + "/connection/uni_websocket"
    asked = quote(json.dumps({"token": "anna"}))
    url = f"ws://{place.address}{path}?cf_connect={asked}"
    async with connect(url, proxy=None) as socket:
        assert '"client"' in str(await socket.recv())
        await socket.send("what they say later means nothing")
        place.publish("news", b"1")
        assert '"data":1' in str(await socket.recv())
    async with connect(url.replace("anna", "INVALID_TOKEN"), proxy=None) as socket:
        assert '"code":3500' in str(await socket.recv())
