"""Clients of every transport, without an SDK: what they send and hear are mappings, in which payloads are bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import httpx
import uvicorn
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from chirpbird.realtime import Node
from chirpbird.realtime.transports.asgi import PATHS, realtime_app
from chirpbird.realtime.transports.exchange import HttpLimits
from chirpbird.realtime.transports.uvicorn import RealtimeHttpProtocol
from tests.support.wires import WIRES, Spoken, Wire

__all__ = ["KINDS", "UNI_KINDS", "Caller", "serving"]

PATIENCE = 20.0
KINDS = [
    ("websocket", "json"),
    ("websocket", "protobuf"),
    ("asgi/websocket", "json"),
    ("asgi/websocket", "protobuf"),
    ("http_stream", "json"),
    ("http_stream", "protobuf"),
    ("sse", "json"),
]
"""Transports and wire formats. What begins with asgi/ is served by another server's WebSockets."""
UNI_KINDS = [
    (f"asgi/uni_{kind[5:]}" if kind.startswith("asgi/") else f"uni_{kind}", wire) for kind, wire in KINDS
]
_TYPES = {"json": "application/json", "protobuf": "application/octet-stream"}


@asynccontextmanager
async def serving(node: Node, limits: HttpLimits | None = None, **options: Any) -> AsyncIterator[str]:
    """All transports of a node on one port; its address."""
    app = realtime_app(
        node,
        paths=PATHS,
        limits=limits,
        otherwise=realtime_app(node, paths={name: f"/asgi{path}" for name, path in PATHS.items()}),
    )
    protocol = RealtimeHttpProtocol.bind(node, uni_path=PATHS["uni_websocket"])
    options = {"ws": "websockets-sansio", "lifespan": "off", "log_config": None} | options
    config = uvicorn.Config(app, http=protocol, **options)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config, state, {}), "127.0.0.1", 0, ssl=config.ssl
    )
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for connection in list(state.connections):
            connection.shutdown()


class Caller:
    """One connection."""

    def __init__(
        self, address: str, kind: str, wire: str, trusted: Any = None, *, sends_to: str = ""
    ) -> None:
        """``sends_to``: another address, for requests to the emulation endpoint."""
        self.wire: Wire = WIRES[wire]
        self.address = address
        self.kind = kind.removeprefix("asgi/")
        self.pieces: list[bytes] = []
        """What came, as it came."""
        self.ended: tuple[int, str] | None = None
        """Of WebSockets: code and reason of the close; of the others, that they ended."""
        self._secure = "s" if trusted is not None else ""
        self._trusted = trusted
        self._emulation = f"http{self._secure}://{sends_to or address}{PATHS['emulation']}"
        self._path = PATHS[self.kind] if self.kind == kind else f"/asgi{PATHS[self.kind]}"
        self._name = wire
        self._rest = b""
        self._socket: ClientConnection | None = None
        self._response: httpx.Response | None = None
        self._raw: AsyncIterator[bytes] | None = None
        self._heard: list[dict[str, Any]] = []
        self._where: Mapping[str, str] = {}
        self._stack = AsyncExitStack()
        self.http = httpx.AsyncClient(
            base_url=f"http{self._secure}://{address}",
            trust_env=False,
            timeout=PATIENCE,
            verify=trusted if trusted is not None else True,
        )

    async def begin(self, first: Spoken) -> None:
        """Open, and say the first thing: a command, or a bare request on unidirectional transports."""
        unidirectional = self.kind.startswith("uni_")
        frame = self.wire.connect_request(first) if unidirectional else self.wire.commands([first])
        await self._stack.enter_async_context(self.http)
        if self.kind.endswith("websocket"):
            url = f"ws{self._secure}://{self.address}{self._path}"
            protocols = [Subprotocol(f"centrifuge-{self._name}")]
            self._socket = await self._stack.enter_async_context(
                connect(url, subprotocols=protocols, proxy=None, ssl=self._trusted, close_timeout=0.1)
            )
            with suppress(ConnectionClosed):  # which is told when it is read
                await self._send(frame)
        elif self.kind.endswith("sse"):
            asked = self.http.stream("GET", self._path, params={"cf_connect": frame.decode()})
            self._response = await self._stack.enter_async_context(asked)
        else:
            headers = {"content-type": _TYPES[self._name]}
            asked = self.http.stream("POST", self._path, content=frame, headers=headers)
            self._response = await self._stack.enter_async_context(asked)
        if self._response is not None:
            assert self._response.status_code == 200
            self._raw = self._response.aiter_raw()

    async def connect(self, token: str = "anna") -> dict[str, Any]:
        await self.begin({"id": 1, "connect": {"token": token}})
        reply = await self.next()
        self._where = reply["connect"]
        return dict(self._where)

    async def send(self, *commands: Spoken) -> None:
        await self._send(self.wire.commands(commands))

    async def next(self) -> dict[str, Any]:
        """The next reply, push or ping. Errors: EOFError when there will be none."""
        while not self._heard:
            async with asyncio.timeout(PATIENCE):
                self._heard += self._parse(await self._read())
        return self._heard.pop(0)

    async def end(self) -> None:
        """Go. The server is not asked."""
        await self._stack.aclose()

    async def _send(self, frame: bytes) -> None:
        if self._socket is not None:
            await self._socket.send(frame.decode() if self._name == "json" else frame)
            return
        body = self.wire.emulation_request(self._where["node"], self._where["session"], frame)
        headers = {"content-type": _TYPES[self._name]}
        answer = await self.http.post(self._emulation, content=body, headers=headers)
        assert (answer.status_code, answer.content) == (204, b"")

    async def _read(self) -> bytes:
        try:
            if self._socket is not None:
                message = await self._socket.recv()
                piece = message.encode() if isinstance(message, str) else message
            else:
                assert self._raw is not None
                piece = await anext(self._raw)
        except ConnectionClosed as closed:
            self.ended = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else None
            raise EOFError from closed
        except StopAsyncIteration:
            self.ended = 0, ""
            raise EOFError from None
        self.pieces.append(piece)
        return piece

    def _parse(self, piece: bytes) -> list[dict[str, Any]]:
        """Whole messages only: what is cut waits for the rest."""
        hear = self.wire.pushes if self.kind.startswith("uni_") else self.wire.replies
        if self._name == "protobuf":
            messages, self._rest = _cut(self._rest + piece)
            return hear(messages) if messages else []
        if self.kind.endswith("websocket"):
            return hear(piece)
        end = b"\n\n" if self.kind.endswith("sse") else b"\n"
        *whole, self._rest = (self._rest + piece).split(end)
        lines = [line.removeprefix(b"\r\n").removeprefix(b"data: ") for line in whole]
        return hear(b"\n".join(lines)) if lines else []


def _cut(data: bytes) -> tuple[bytes, bytes]:
    """Whole messages behind their lengths, and what there is of the next."""
    end = at = size = shift = 0
    while at < len(data):
        size |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            if at + size > len(data):
                break
            end = at = at + size
            size = shift = 0
    return data[:end], data[end:]
