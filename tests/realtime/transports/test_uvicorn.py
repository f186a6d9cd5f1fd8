"""The way from uvicorn's port to a WebSocket, with everything that can come over that port."""

from __future__ import annotations

import asyncio
import gc
import signal
import ssl
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from chirpbird.realtime.transports.base import Connection
from chirpbird.realtime.transports.server import RealtimeServer
from chirpbird.realtime.transports.uvicorn import RealtimeHttpProtocol
from chirpbird.realtime.transports.websocket import WebSocketLimits

CERTIFICATE = Path(__file__).parent / "localhost.pem"
REQUEST = (
    b"GET /connection/websocket HTTP/1.1\r\n"
    b"Host: chat.example\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: keep-alive, Upgrade\r\n"  # as Firefox has it
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"\r\n"
)
HELLO = b"\x81\x85\0\0\0\0hello"
HELLO_BACK = b"\x81\x05hello"


class Echo:
    """An acceptor that sends back what it gets."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.closed: asyncio.Queue[tuple[int, str]] = asyncio.Queue()

    def accept(self, connection: Connection) -> EchoReceiver:
        self.connections.append(connection)
        return EchoReceiver(self, connection)

    async def shutdown(self) -> None:
        for connection in self.connections:
            connection.close(3001, "shutdown")
        for _ in self.connections:
            await self.closed.get()


class EchoReceiver:
    def __init__(self, echo: Echo, connection: Connection) -> None:
        self.echo = echo
        self.connection = connection

    def received(self, data: bytes) -> None:
        self.connection.write(self.connection.framing.frame(data))

    def closed(self, code: int, reason: str) -> None:
        self.echo.closed.put_nowait((code, reason))


class App:
    """An ASGI application that answers with what it was asked, once it may."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[str] = asyncio.Queue()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message["more_body"]:
                break
        self.asked.put_nowait(scope["path"])
        await self.may_answer.wait()
        answer = f"{scope['method']} {scope['path']} {len(body)}".encode()
        headers = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


class Port:
    def __init__(self, state: ServerState, number: int) -> None:
        self.state = state
        self.number = number
        self.url = f"ws://127.0.0.1:{number}/connection/websocket"

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.number)
        try:
            yield reader, writer
        finally:
            writer.close()
            await writer.wait_closed()

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.number}", trust_env=False)

    async def ask(self, request: bytes) -> bytes:
        """Everything that is answered until the server closes."""
        async with self.raw() as (reader, writer):
            writer.write(request)
            return await reader.read()


@asynccontextmanager
async def listening(
    protocol: type[RealtimeHttpProtocol], app: Callable[..., Awaitable[None]] | None = None, **options: Any
) -> AsyncIterator[Port]:
    """A port with uvicorn's protocol behind it, and as much of uvicorn as that takes."""
    options = {"ws": "none", "lifespan": "off", "log_config": None} | options
    config = uvicorn.Config(app or App(), http=protocol, **options)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config, state, {}),
        "127.0.0.1",
        0,
        ssl=config.ssl,
    )
    async with server:
        try:
            yield Port(state, server.sockets[0].getsockname()[1])
        finally:
            for connection in list(state.connections):
                connection.shutdown()


@pytest.fixture
async def echo() -> Echo:
    return Echo()


async def handshake(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    return head


# One port for both


@pytest.mark.parametrize("ending", ["", "s"])
async def test_one_port_serves_http_and_websockets(echo: Echo, ending: str) -> None:
    options: dict[str, Any] = {"ssl_certfile": CERTIFICATE, "ssl_keyfile": CERTIFICATE} if ending else {}
    trusted = ssl.create_default_context(cafile=CERTIFICATE) if ending else None
    async with listening(RealtimeHttpProtocol.bind(echo), **options) as port:
        async with httpx.AsyncClient(verify=trusted or True, trust_env=False) as http:
            answer = await http.post(f"http{ending}://127.0.0.1:{port.number}/users", content=b"12345")
        assert answer.text == "POST /users 5"
        url = f"ws{ending}://127.0.0.1:{port.number}/connection/websocket"
        async with connect(url, ssl=trusted, proxy=None) as client:
            for message in ("hello", "x" * 5000, "ü" * 30_000):
                await client.send(message)
                assert await client.recv() == message
            await client.close(1000, "bye")
        assert await echo.closed.get() == (1000, "bye")
        assert echo.connections[0].info.remote_addr == "127.0.0.1"


@pytest.mark.parametrize("wire", ["json", "protobuf"])
async def test_the_wire_is_agreed_on(echo: Echo, wire: str) -> None:
    async with listening(RealtimeHttpProtocol.bind(echo)) as port:
        subprotocol = Subprotocol(f"centrifuge-{wire}")
        async with connect(port.url, subprotocols=[subprotocol], proxy=None) as client:
            assert client.subprotocol == subprotocol
        async with connect(f"{port.url}?format={wire}", proxy=None) as client:
            assert client.subprotocol is None
        async with connect(f"{port.url}?cf_protocol={wire}&cf_ws_frame_ping_pong=true", proxy=None):
            pass
    assert [(each.info.wire, each.info.native_ping) for each in echo.connections] == [
        (wire, False),
        (wire, False),
        (wire, True),
    ]


async def test_what_is_not_served_is_refused_in_words(echo: Echo) -> None:
    async with listening(RealtimeHttpProtocol.bind(echo, wires=["json"])) as port:
        with pytest.raises(InvalidStatus) as caught:
            await connect(f"{port.url}?cf_protocol=protobuf", proxy=None)
    assert caught.value.response.status_code == 400
    assert caught.value.response.body == b"wire format protobuf is not served here, only json"


async def test_no_compression_is_agreed_on(echo: Echo) -> None:
    bound = RealtimeHttpProtocol.bind(echo)
    async with listening(bound) as port, connect(port.url, compression="deflate", proxy=None) as client:
        assert client.protocol.extensions == []


async def test_another_path_and_other_origins_can_be_configured(echo: Echo) -> None:
    bound = RealtimeHttpProtocol.bind(echo, "/live feed", allowed_origins=["https://App.example/"])
    async with listening(bound) as port:
        url = f"ws://127.0.0.1:{port.number}/live%20feed"
        async with connect(url, origin=Origin("https://app.example"), proxy=None):
            assert len(echo.connections) == 1
        with pytest.raises(InvalidStatus) as caught:
            await connect(url, origin=Origin("https://evil.example"), proxy=None)
        assert caught.value.response.status_code == 403
        assert caught.value.response.body


def test_bind_refuses_what_cannot_work() -> None:
    acceptor = object()
    with pytest.raises(ValueError, match="wires are some of json, protobuf, not xml"):
        RealtimeHttpProtocol.bind(acceptor, wires=["json", "xml"])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not none"):
        RealtimeHttpProtocol.bind(acceptor, wires=[])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a path begins with /"):
        RealtimeHttpProtocol.bind(acceptor, "socket")  # type: ignore[arg-type]
    for same in ("", "/socket"):
        with pytest.raises(ValueError, match="expected one or two, not the same"):
            RealtimeHttpProtocol.bind(acceptor, same, uni_path=same)  # type: ignore[arg-type]


# Bytes as the network brings them


async def test_a_request_may_come_byte_by_byte(echo: Echo) -> None:
    class Slow(RealtimeHttpProtocol.bind(echo)):  # type: ignore[misc]
        def data_received(self, data: bytes) -> None:
            for index in range(len(data)):
                super().data_received(data[index : index + 1])

    async with listening(Slow) as port, port.raw() as (reader, writer):
        writer.write(REQUEST)
        await handshake(reader)
        writer.write(HELLO)
        assert await reader.readexactly(7) == HELLO_BACK


async def test_frames_behind_the_request_are_not_lost(echo: Echo) -> None:
    async with listening(RealtimeHttpProtocol.bind(echo)) as port, port.raw() as (reader, writer):
        writer.write(REQUEST + HELLO * 1000 + HELLO[:3])
        await handshake(reader)
        assert await reader.readexactly(7000) == HELLO_BACK * 1000
        writer.write(HELLO[3:])
        assert await reader.readexactly(7) == HELLO_BACK


async def test_requests_before_the_upgrade_are_answered_first(echo: Echo) -> None:
    async with listening(RealtimeHttpProtocol.bind(echo)) as port, port.raw() as (reader, writer):
        for _ in range(3):
            writer.write(b"GET /page HTTP/1.1\r\nHost: chat.example\r\n\r\n")
            assert await reader.readuntil(b"GET /page 0")
        writer.write(REQUEST + HELLO)
        await handshake(reader)
        assert await reader.readexactly(7) == HELLO_BACK


async def test_an_upgrade_behind_an_unanswered_request_is_not_taken(echo: Echo) -> None:
    app = App()
    app.may_answer.clear()
    async with listening(RealtimeHttpProtocol.bind(echo), app) as port, port.raw() as (reader, writer):
        writer.write(b"GET /page HTTP/1.1\r\nHost: chat.example\r\n\r\n" + REQUEST + HELLO)
        await app.asked.get()
        app.may_answer.set()
        answer = await reader.read()
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.endswith(b"GET /page 0")
    assert not echo.connections


# What is refused


def changed(old: bytes, new: bytes) -> bytes:
    assert old in REQUEST
    return REQUEST.replace(old, new)


REFUSED = {
    "missing key": (changed(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b""), 400),
    "malformed key": (changed(b"dGhlIHNhbXBsZSBub25jZQ==", b"hello"), 400),
    "missing version": (changed(b"Sec-WebSocket-Version: 13\r\n", b""), 426),
    "other version": (changed(b"Version: 13", b"Version: 8"), 426),
    "missing host": (changed(b"Host: chat.example\r\n", b""), 400),
    "foreign origin": (changed(b"\r\n\r\n", b"\r\nOrigin: https://evil.example\r\n\r\n"), 403),
    "other method": (changed(b"GET", b"PUT"), 405),
    "method with a body": (changed(b"GET", b"POST")[:-2] + b"Content-Length: 5\r\n\r\nhello", 405),
    "body": (REQUEST[:-2] + b"Content-Length: 5\r\n\r\nhello", 400),
    "chunked body": (REQUEST[:-2] + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 400),
    "http 1.0": (changed(b"HTTP/1.1", b"HTTP/1.0"), 400),
    "other path": (changed(b"/connection/websocket", b"/connection/elsewhere"), 404),
    "long header": (REQUEST[:-2] + b"Cookie: " + b"x" * 20_000 + b"\r\n\r\n", 431),
    "many headers": (REQUEST[:-2] + b"a: b\r\n" * 20_000 + b"\r\n", 431),
    "long url": (changed(b"/websocket", b"/websocket?" + b"x" * 20_000), 431),
    "endless header": (REQUEST[:-2] + b"Cookie: " + b"x" * 100_000, 431),
    "endless url": (b"GET /" + b"x" * 100_000, 431),
    "no http": (b"\x16\x03\x01\x02\x00 hello, is this TLS?\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_bad_requests_get_an_answer_and_the_connection_is_closed(echo: Echo, name: str) -> None:
    request, status = REFUSED[name]
    async with listening(RealtimeHttpProtocol.bind(echo)) as port:
        answer = await port.ask(request)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.count(b"HTTP/1.1 ") == 1
    head, _, words = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in head
    assert words
    assert not echo.connections


async def test_a_refused_client_that_does_not_leave_is_dropped(echo: Echo) -> None:
    lost = asyncio.Event()

    class Watched(RealtimeHttpProtocol.bind(echo, limits=WebSocketLimits(close_timeout=0.01))):  # type: ignore[misc]
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost.set()

    async with listening(Watched) as port, port.raw() as (reader, writer):
        writer.write(changed(b"GET", b"PUT") + b"and so on" * 10)
        assert (await reader.read()).startswith(b"HTTP/1.1 405 ")
        await lost.wait()
        assert not port.state.connections


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_plain_http_at_the_path_is_told_to_upgrade(echo: Echo, method: str) -> None:
    app = App()
    async with listening(RealtimeHttpProtocol.bind(echo), app) as port, port.http() as http:
        answer = await http.request(method, "/connection/websocket")
        assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
        assert (await http.request(method, "/elsewhere")).text == f"{method} /elsewhere 0"
    assert app.asked.get_nowait() == "/elsewhere"


async def test_other_upgrades_are_left_to_uvicorn(echo: Echo) -> None:
    request = b"GET /page HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
    async with listening(RealtimeHttpProtocol.bind(echo)) as port, port.raw() as (reader, writer):
        writer.write(request)
        assert (await reader.readuntil(b"GET /page 0")).startswith(b"HTTP/1.1 200 ")


async def test_websockets_elsewhere_are_left_to_uvicorns_implementation(echo: Echo) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (scope["type"], scope["path"]) == ("websocket", "/elsewhere")
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "uvicorn"})
        await send({"type": "websocket.close", "code": 1000})

    async with listening(RealtimeHttpProtocol.bind(echo), app, ws="websockets-sansio") as port:
        async with connect(f"ws://127.0.0.1:{port.number}/elsewhere", proxy=None) as client:
            assert await client.recv() == "uvicorn"
        async with connect(port.url, proxy=None) as client:
            await client.send("ours")
            assert await client.recv() == "ours"


async def test_large_bodies_are_no_large_heads(echo: Echo) -> None:
    async with listening(RealtimeHttpProtocol.bind(echo)) as port, port.http() as http:
        for _ in range(2):
            assert (await http.post("/file", content=b"x" * 1_000_000)).text == "POST /file 1000000"


# Slow clients

HASTY = WebSocketLimits(head_timeout=0.05, body_timeout=0.05, max_head_size=1 << 24)
SLOW = {
    "half a head": (b"GET /page HTTP/1.1\r\nHost: a\r\n", b"the request head did not arrive within 0.05 s"),
    "half a websocket": (REQUEST[:-2], b"the request head did not arrive within 0.05 s"),
    "half a body": (
        b"POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
        b"the request body did not arrive within 0.05 s",
    ),
    "half a chunk": (
        b"POST /page HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        b"the request body did not arrive within 0.05 s",
    ),
    "nothing": (b"", b""),
    "blank lines": (b"\r\n\r\n", b""),
}


class Impartial(App):
    """Takes note of clients that go."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def watched() -> Any:
            message = await receive()
            self.gone += message["type"] == "http.disconnect"
            return {"body": b"", "more_body": False} if message["type"] == "http.disconnect" else message

        await super().__call__(scope, watched, send)


@pytest.mark.parametrize("name", SLOW)
async def test_slow_requests_are_given_up_and_others_do_not_notice(echo: Echo, name: str) -> None:
    request, words = SLOW[name]
    app = Impartial()
    async with (
        listening(RealtimeHttpProtocol.bind(echo, limits=HASTY), app, timeout_keep_alive=60) as port,
        port.http() as http,
        connect(port.url, proxy=None) as client,
    ):
        assert (await http.get("/before")).text == "GET /before 0"
        slow = asyncio.create_task(port.ask(request))
        while not slow.done():
            assert (await http.get("/meanwhile")).text == "GET /meanwhile 0"
        answer = await answered(slow)
        assert answer.startswith(b"HTTP/1.1 408 ") if words else answer == b""
        assert answer.endswith(words)
        assert app.gone == (b"body" in words)
        await client.send("still here")
        assert await client.recv() == "still here"
        assert (await http.get("/after")).text == "GET /after 0"


async def answered(asking: asyncio.Task[bytes]) -> bytes:
    """What came before the connection was closed or reset."""
    try:
        return await asking
    except ConnectionResetError:
        return b""


async def test_dripping_earns_no_time(echo: Echo) -> None:
    async with (
        listening(RealtimeHttpProtocol.bind(echo, limits=HASTY)) as port,
        port.raw() as (reader, writer),
    ):
        writer.write(b"GET /page HTTP/1.1\r\nHost: a\r\nCookie: ")
        answer = asyncio.create_task(reader.read())
        while not answer.done():
            writer.write(b"x")
            await asyncio.sleep(0)
        assert (await answer).startswith(b"HTTP/1.1 408 ")


async def test_a_slow_answer_is_not_a_slow_request(echo: Echo) -> None:
    app = App()
    app.may_answer.clear()
    async with listening(RealtimeHttpProtocol.bind(echo, limits=HASTY), app) as port, port.http() as http:
        slow = asyncio.create_task(http.post("/page", content=b"12345"))
        await app.asked.get()
        assert await port.ask(b"GET /half HTTP/1.1\r\n")  # until it is given up, which takes as long
        app.may_answer.set()
        assert (await slow).text == "POST /page 5"


async def test_a_second_slow_request_waits_for_the_first_ones_answer(echo: Echo) -> None:
    app = App()
    app.may_answer.clear()
    async with listening(RealtimeHttpProtocol.bind(echo, limits=HASTY), app) as port:
        asking = asyncio.create_task(port.ask(b"GET /page HTTP/1.1\r\nHost: a\r\n\r\nGET /half HTTP/1.1\r\n"))
        await app.asked.get()
        assert await port.ask(b"GET /half HTTP/1.1\r\n")
        app.may_answer.set()
        answer = await asking
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.endswith(b"GET /page 0")


async def test_time_can_be_unlimited(echo: Echo) -> None:
    limits = WebSocketLimits(head_timeout=0, body_timeout=0)
    async with (
        listening(RealtimeHttpProtocol.bind(echo, limits=limits)) as port,
        port.raw() as (reader, writer),
    ):
        writer.write(b"POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha")
        await writer.drain()
        writer.write(b"lf")
        assert await reader.readuntil(b"POST /page 4")


# Who is there


@pytest.mark.parametrize(
    ("options", "forwarded", "address"),
    [
        ({}, b"203.0.113.7", "203.0.113.7"),
        ({}, b"198.51.100.1, 203.0.113.7:4711", "203.0.113.7"),  # the first one is what the client claims
        ({}, b"", "127.0.0.1"),
        ({"forwarded_allow_ips": "10.0.0.0/8"}, b"203.0.113.7", "127.0.0.1"),
        ({"proxy_headers": False}, b"203.0.113.7", "127.0.0.1"),
    ],
)
async def test_forwarded_addresses_count_if_the_peer_is_trusted(
    echo: Echo, options: dict[str, Any], forwarded: bytes, address: str
) -> None:
    bound = RealtimeHttpProtocol.bind(echo)
    async with listening(bound, **options) as port, port.raw() as (reader, writer):
        writer.write(REQUEST[:-2] + b"X-Forwarded-For: " + forwarded + b"\r\n\r\n")
        await handshake(reader)
    assert echo.connections[0].info.remote_addr == address


# Being uvicorn's guest


async def test_nothing_of_uvicorn_stays_with_a_connection(echo: Echo) -> None:
    protocols: list[weakref.ref[RealtimeHttpProtocol]] = []

    class Watched(RealtimeHttpProtocol.bind(echo)):  # type: ignore[misc]
        def connection_made(self, transport: asyncio.Transport) -> None:
            protocols.append(weakref.ref(self))
            super().connection_made(transport)

    async with listening(Watched, timeout_keep_alive=60) as port, port.raw() as (reader, writer):
        writer.write(b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"GET /page 0")
        gc.collect()
        gc.disable()
        try:
            writer.write(REQUEST)
            await handshake(reader)
            writer.write(HELLO)
            assert await reader.readexactly(7) == HELLO_BACK
            assert not port.state.connections
            assert not port.state.tasks
            assert [protocol() for protocol in protocols] == [None]
        finally:
            gc.enable()


async def serve(server: uvicorn.Server) -> tuple[asyncio.Task[None], int]:
    """A running server, and its port."""
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0)
    sockets = server.servers[0].sockets
    return serving, sockets[0].getsockname()[1] if not server.config.uds else 0


@pytest.mark.parametrize("kind", [uvicorn.Server, RealtimeServer])
async def test_a_server_stops_and_every_client_is_told(echo: Echo, kind: type[uvicorn.Server]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if kind is uvicorn.Server:
            await echo.shutdown()
        await send({"type": "lifespan.shutdown.complete"})

    protocol = RealtimeHttpProtocol.bind(echo)
    config = uvicorn.Config(app, port=0, http=protocol, ws="none", log_config=None)
    server = RealtimeServer(config, echo.shutdown) if kind is RealtimeServer else uvicorn.Server(config)
    serving, port = await serve(server)
    async with connect(f"ws://127.0.0.1:{port}/connection/websocket", proxy=None) as client:
        server.should_exit = True
        with pytest.raises(ConnectionClosed) as caught:
            await client.recv()
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (3001, "shutdown")
        await serving


async def test_the_port_stays_open_until_everybody_was_told(echo: Echo) -> None:
    began, may_close = asyncio.Event(), asyncio.Event()

    async def close_connections() -> None:
        await may_close.wait()

    protocol = RealtimeHttpProtocol.bind(echo, closing=began.is_set)
    config = uvicorn.Config(App(), port=0, http=protocol, ws="none", lifespan="off", log_config=None)
    server = RealtimeServer(config, close_connections, begin=began.set)
    serving, port = await serve(server)
    server.handle_exit(signal.SIGTERM, None)
    assert began.is_set()
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"http://127.0.0.1:{port}/health")
        assert answer.text == "GET /health 0"
    with pytest.raises(InvalidStatus) as caught:
        await connect(f"ws://127.0.0.1:{port}/connection/websocket", proxy=None)
    assert caught.value.response.status_code == 503
    assert caught.value.response.body == b"this server is shutting down"
    may_close.set()
    await serving
    assert not echo.connections


async def test_a_unix_socket_serves_too(echo: Echo, tmp_path: Path) -> None:
    path = tmp_path / "chirpbird.sock"
    config = uvicorn.Config(
        App(), uds=str(path), http=RealtimeHttpProtocol.bind(echo), ws="none", lifespan="off", log_config=None
    )
    server = RealtimeServer(config, echo.shutdown)
    serving, _ = await serve(server)
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(REQUEST + HELLO)
    await handshake(reader)
    assert await reader.readexactly(7) == HELLO_BACK
    assert echo.connections[0].info.remote_addr == ""
    writer.close()
    await echo.closed.get()
    echo.connections.clear()
    server.should_exit = True
    await serving
