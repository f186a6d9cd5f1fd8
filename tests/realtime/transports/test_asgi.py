"""The endpoints over HTTP, with everything that is not a well-behaved client; emulation over several nodes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from uvicorn.server import ServerState
from websockets.asyncio.client import connect

from chirpbird.realtime import Node, NodeConfig
from chirpbird.realtime.transports.asgi import PATHS, realtime_app
from chirpbird.realtime.transports.exchange import HttpLimits
from tests.support.callers import Caller, serving
from tests.support.cluster import Town
from tests.support.realtime import FakeClock, with_handlers
from tests.support.wires import WIRES

CONNECT = b'{"id":1,"connect":{"token":"anna"}}'
STREAMING = ("http_stream", "sse", "uni_http_stream", "uni_sse")
OURS = "http://chat.example"
PAGE = "https://pages.example"


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    node = with_handlers(Node())
    await node.start()
    yield node
    await node.shutdown()


def http_of(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OURS)


# What is refused


@pytest.mark.parametrize(
    ("method", "name", "asked", "status"),
    [
        ("GET", "http_stream", {}, 405),
        ("PUT", "sse", {}, 405),
        ("GET", "emulation", {}, 405),
        ("GET", "sse", {}, 400),
        ("GET", "websocket", {}, 426),
        ("GET", "uni_websocket", {}, 426),
        ("POST", "http_stream", {"content": b"x" * 65_537}, 413),
        ("POST", "sse", {"content": b"x" * 65_537}, 413),
        ("POST", "uni_sse", {"content": b"x" * 65_537}, 413),
        ("POST", "emulation", {"content": b"x" * ((1 << 20) + 1)}, 413),
        ("POST", "uni_http_stream", {"content": b"nonsense"}, 400),
        ("POST", "uni_http_stream", {"content": b""}, 400),
        ("GET", "uni_sse", {"params": {"cf_connect": "nonsense"}}, 400),
        ("POST", "emulation", {"content": b"nonsense"}, 400),
        (
            "POST",
            "emulation",
            {"content": b"\xff" * 10, "headers": {"content-type": "application/octet-stream"}},
            400,
        ),
        ("POST", "emulation", {"content": b"{}"}, 404),
        ("POST", "emulation", {"json": {"node": "nowhere", "session": "s", "data": ""}}, 404),
    ],
)
async def test_what_cannot_be_served_is_refused(
    node: Node, method: str, name: str, asked: dict[str, Any], status: int
) -> None:
    async with http_of(realtime_app(node)) as http:
        answer = await http.request(method, PATHS[name], **asked)
    assert answer.status_code == status
    assert answer.text
    assert node.stats().num_connections == 0


async def test_what_is_asked_in_the_query_has_a_limit_too(node: Node) -> None:
    async with http_of(realtime_app(node, limits=HttpLimits(max_connect_size=10))) as http:
        for name in ("sse", "uni_sse"):
            assert (await http.get(PATHS[name], params={"cf_connect": "x" * 11})).status_code == 414


async def test_a_wire_that_is_not_served_is_refused(node: Node) -> None:
    async with http_of(realtime_app(node, wires=iter(["json"]))) as http:
        headers = {"content-type": "application/octet-stream"}
        for name in ("http_stream", "uni_http_stream", "emulation"):
            assert (await http.post(PATHS[name], content=b"\0", headers=headers)).status_code == 415


def test_what_makes_no_application_is_an_error(node: Node) -> None:
    with pytest.raises(ValueError, match="not carrier_pigeon"):
        realtime_app(node, paths={"carrier_pigeon": "/connection"})
    with pytest.raises(ValueError, match="not morse"):
        realtime_app(node, wires=["morse"])
    with pytest.raises(ValueError, match="a path begins with /, unlike 'sse'"):
        realtime_app(node, paths={"sse": "sse"})


async def test_half_a_body_is_waited_for_only_so_long(node: Node) -> None:
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"
    async with serving(node, HttpLimits(body_timeout=0.05)) as address:
        for name in ("http_stream", "sse", "uni_sse", "uni_http_stream", "emulation"):
            reader, writer = await asyncio.open_connection(*address.split(":"))
            writer.write(head % PATHS[name].encode())
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b"connection: close" in answer
            writer.close()
        other = Caller(address, "http_stream", "json")
        await other.connect()
        await other.end()


async def test_who_goes_before_the_end_of_the_body_leaves_nothing(node: Node) -> None:
    async def receive() -> Mapping[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: Mapping[str, Any]) -> None:
        raise AssertionError("nobody is there to be answered")

    scope = {"type": "http", "method": "POST", "query_string": b"", "headers": [(b"host", b"a")]}
    for name in ("http_stream", "emulation"):
        await realtime_app(node)({**scope, "path": PATHS[name]}, receive, send)  # type: ignore[arg-type]
    assert node.stats().num_connections == 0


# Pages of other origins


async def test_pages_of_other_origins_need_leave(node: Node) -> None:
    async with http_of(realtime_app(node)) as http:
        for name in (*STREAMING, "emulation"):
            for method in ("POST", "OPTIONS"):
                answer = await http.request(method, PATHS[name], headers={"origin": PAGE})
                assert answer.status_code == 403
                assert "access-control-allow-origin" not in answer.headers
    assert node.stats().num_connections == 0


@pytest.mark.parametrize(
    ("allowed", "credentials"), [([PAGE], "true"), (["*"], None), ([f"{PAGE.upper()}/"], "true")]
)
async def test_allowed_pages_may_ask_and_read_the_answer(
    node: Node, allowed: list[str], credentials: str | None
) -> None:
    async with http_of(realtime_app(node, allowed_origins=allowed)) as http:
        asked = {"origin": PAGE, "access-control-request-headers": "content-type,x-mine"}
        for name in (*STREAMING, "emulation"):
            preflight = await http.options(PATHS[name], headers=asked)
            assert preflight.status_code == 204
            assert preflight.headers["access-control-allow-origin"] == PAGE
            assert "POST" in preflight.headers["access-control-allow-methods"]
            assert preflight.headers["access-control-allow-headers"] == "content-type,x-mine"
            assert preflight.headers["vary"] == "Origin"
        answer = await http.post("/emulation", content=b"nonsense", headers={"origin": PAGE})
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers.get("access-control-allow-credentials") == credentials


async def test_pages_of_the_own_origin_may(node: Node) -> None:
    async with http_of(realtime_app(node)) as http:
        assert (await http.options("/emulation", headers={"origin": OURS})).status_code == 204


# Streams


async def opening(address: str, request: bytes, until: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*address.split(":"))
    writer.write(request)
    try:
        return await reader.readuntil(until)
    finally:
        writer.close()


async def test_nobody_on_the_way_may_keep_or_change_a_stream(node: Node) -> None:
    request = b"POST /connection/sse HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (
        len(CONNECT),
        CONNECT,
    )
    async with serving(node) as address:
        head, _, body = (await opening(address, request, b'"}}\n\n')).partition(b"\r\n\r\n")
    fields = [line.partition(b": ") for line in head.split(b"\r\n")[1:]]
    told = {name.decode(): value.decode() for name, _, value in fields}
    assert {"no-cache", "no-transform"} <= set(told["cache-control"].split(", "))
    assert told["x-accel-buffering"] == "no"
    assert told["content-type"] == "text/event-stream; charset=utf-8"
    assert body.startswith(b"2\r\n\r\n\r\n")  # an empty line, in a piece of its own
    assert b"\r\ndata: {" in body


async def test_characters_are_not_cut(node: Node) -> None:
    """The JavaScript SDK decodes each piece by itself."""
    async with serving(node) as address:
        anna = Caller(address, "http_stream", "json")
        await anna.connect()
        data = '"bée 🐦"'.encode()
        await anna.send({"id": 2, "rpc": {"data": data}})
        assert (await anna.next())["rpc"]["data"] == data
        assert anna.pieces[-1].isascii()
        await anna.end()


async def test_a_uni_sse_without_a_request_is_an_empty_one(node: Node) -> None:
    async with serving(node) as address:
        told = await opening(address, b"GET /connection/uni_sse HTTP/1.1\r\nHost: a\r\n\r\n", b"}}\n\n")
    assert b'data: {"connect":{' in told


async def test_a_client_that_pipelines_is_not_served_twice(node: Node) -> None:
    request = b"POST /connection/http_stream HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (
        len(CONNECT),
        CONNECT,
    )
    async with serving(node) as address:
        await opening(address, request * 2, b'"}}\n')
    assert node.stats().counters.connections == 1


# As a part of other applications


async def test_it_can_be_mounted_and_compression_leaves_it_alone(node: Node) -> None:
    inner = FastAPI()
    inner.mount("/realtime", realtime_app(node))
    inner.add_middleware(GZipMiddleware, minimum_size=1)
    async with http_of(inner) as http:
        body = {"node": node.id, "session": "gone", "data": "{}"}
        assert (await http.post("/realtime/emulation", json=body)).status_code == 204
        assert (await http.post("/emulation", json=body)).status_code == 404
        assert (await http.get("/realtime/elsewhere")).status_code == 404


@pytest.mark.parametrize("application", [FastAPI, Starlette, None])
async def test_uvicorn_serves_it_with_its_defaults(node: Node, application: Any) -> None:
    app: Any = realtime_app(node)
    prefix = ""
    if application is not None:
        prefix, inner, app = "/realtime", app, application()
        app.mount(prefix, inner)
    config = uvicorn.Config(app, log_config=None)
    config.load()
    assert config.interface == "asgi3"
    protocol: Any = config.http_protocol_class
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config, ServerState(), {}), "127.0.0.1", 0
    )
    async with server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}{prefix}/connection/websocket"
        async with connect(url, proxy=None) as socket:
            await socket.send(CONNECT.decode())
            assert json.loads(await socket.recv())["connect"]["client"]


async def test_the_rest_is_the_others(node: Node) -> None:
    other = FastAPI()

    @other.get("/hello")
    async def hello() -> str:
        return "hello"

    async with http_of(realtime_app(node, paths={"sse": "/events"}, otherwise=other)) as http:
        assert (await http.get("/hello")).json() == "hello"
        assert (await http.get("/events")).status_code == 400
        assert (await http.post("/emulation")).status_code == 404


async def test_alone_it_has_a_lifespan_and_nothing_else(node: Node) -> None:
    app: Any = realtime_app(node)
    events = iter(["lifespan.startup", "lifespan.shutdown"])
    sent = []

    async def receive() -> dict[str, str]:
        return {"type": next(events)}

    async def send(message: dict[str, str]) -> None:
        sent.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


# Emulation


async def test_nobody_learns_which_sessions_there_are(node: Node) -> None:
    async with http_of(realtime_app(node)) as http:
        body = {"node": node.id, "session": "guessed", "data": '{"id":2,"rpc":{}}'}
        answer = await http.post("/emulation", json=body)
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    ("kind", "wire"), [("http_stream", "json"), ("http_stream", "protobuf"), ("sse", "json")]
)
async def test_commands_reach_the_node_of_their_connection(kind: str, wire: str) -> None:
    town = Town(FakeClock())
    here, there = await town.found(), await town.found()
    async with serving(here) as address, http_of(realtime_app(there)) as http:
        anna = Caller(address, kind, wire)
        result = await anna.connect()
        assert result["node"] == here.id
        for number in (2, 3, 4):
            frame = WIRES[wire].commands([{"id": number, "rpc": {"data": b"%d" % number}}])
            body = WIRES[wire].emulation_request(here.id, result["session"], frame)
            content_type = "application/json" if wire == "json" else "application/octet-stream"
            answer = await http.post("/emulation", content=body, headers={"content-type": content_type})
            assert answer.status_code == 204
        assert [(await anna.next())["id"] for _ in range(3)] == [2, 3, 4]
        await anna.end()
    await here.shutdown()
    gone = {"node": here.id, "session": result["session"], "data": "{}"}
    async with http_of(realtime_app(there)) as http:
        assert (await http.post("/emulation", json=gone)).status_code == 404
    await there.shutdown()


async def test_a_node_that_does_not_answer_is_not_waited_for_without_end() -> None:
    town = Town(FakeClock())
    here, there = await town.found(), await town.found(NodeConfig(survey_timeout=0.01))
    town.wires[0].cut = True
    async with http_of(realtime_app(there)) as http:
        body = json.dumps({"node": here.id, "session": "s", "data": "{}"})
        assert (await http.post("/emulation", content=body)).status_code == 504
    await here.shutdown()
    await there.shutdown()
