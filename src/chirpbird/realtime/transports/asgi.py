"""All transports as one ASGI application, for any server and to be put into any FastAPI or Starlette application.

    app = FastAPI()
    app.mount("/realtime", realtime_app(node))          # /realtime/connection/websocket, /realtime/emulation, ...

    app = realtime_app(node, otherwise=FastAPI())       # /connection/websocket, ...; the rest is the other's

WebSockets cost less memory and time with ``RealtimeHttpProtocol``, which takes them before they get here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qs

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from chirpbird.realtime.cluster import SurveyIncomplete, UnknownNode
from chirpbird.realtime.node import Node
from chirpbird.realtime.protocol.codec import Codec
from chirpbird.realtime.protocol.codes import DecodeError
from chirpbird.realtime.protocol.json_codec import JsonCodec
from chirpbird.realtime.protocol.protobuf_codec import ProtobufCodec
from chirpbird.realtime.transports.asgi_websocket import deny, serve_websocket
from chirpbird.realtime.transports.exchange import (
    HttpLimits,
    answer,
    body_wire,
    cors_fields,
    preflight_fields,
    read_body,
)
from chirpbird.realtime.transports.handshake import (
    WIRES,
    HandshakeRefusedError,
    Headers,
    check_origin,
    choose_wire,
)
from chirpbird.realtime.transports.origins import Origins
from chirpbird.realtime.transports.streams import STREAMS, StreamKind, asked_connect, serve_stream
from chirpbird.realtime.transports.websocket import WebSocketLimits

__all__ = ["PATHS", "realtime_app"]

PATHS: Mapping[str, str] = {
    "websocket": "/connection/websocket",
    "http_stream": "/connection/http_stream",
    "sse": "/connection/sse",
    "emulation": "/emulation",
    "uni_websocket": "/connection/uni_websocket",
    "uni_http_stream": "/connection/uni_http_stream",
    "uni_sse": "/connection/uni_sse",
}
"""Endpoints by name, and where SDKs expect them."""
_WEBSOCKETS = ("websocket", "uni_websocket")
_EMULATION_METHODS = ("POST",)


def realtime_app(
    node: Node,
    *,
    paths: Mapping[str, str] = PATHS,
    wires: Iterable[str] = WIRES,
    allowed_origins: Iterable[str] = (),
    limits: HttpLimits | None = None,
    websocket_limits: WebSocketLimits | None = None,
    otherwise: ASGIApp | None = None,
) -> ASGIApp:
    """An ASGI application that serves the endpoints in ``paths``, some of ``PATHS``, to clients of ``node``, which somebody else
    starts and shuts down.

    ``http_stream`` and ``sse`` are of no use without ``emulation``, where their clients send. ``wires`` are the wire formats
    served, ``json`` and ``protobuf``; events are JSON always. Pages of the server's own origin may connect, and those of
    ``allowed_origins`` (``https://chat.example.org``, ``https://*.example.org``; ``*``: all; see ``Origins``). Requests for
    other paths, and the lifespan, go to ``otherwise``; without one they are not found.

    Errors: ValueError for names and wires that there are not, paths that are not absolute, and what is no origin.
    """
    wires = tuple(wires)
    unknown = sorted({*paths} - {*PATHS}) + sorted({*wires} - {*WIRES})
    if unknown:
        raise ValueError(
            f"endpoints are {', '.join(PATHS)}, wires {', '.join(WIRES)}; not {', '.join(unknown)}"
        )
    relative = sorted(path for path in paths.values() if not path.startswith("/"))
    if relative:
        raise ValueError(f"a path begins with /, unlike {relative[0]!r}")
    size = node.config.command_size_limit
    codecs: dict[str, Codec] = {"json": JsonCodec(size), "protobuf": ProtobufCodec(size)}
    return _RealtimeApp(
        node=node,
        names={path: name for name, path in paths.items()},
        codecs={wire: codecs[wire] for wire in wires},
        origins=Origins(allowed_origins),
        limits=limits or HttpLimits(),
        websocket_limits=websocket_limits or WebSocketLimits(),
        otherwise=otherwise or _not_found,
    )


class _RealtimeApp(msgspec.Struct, frozen=True, kw_only=True):
    node: Node
    names: Mapping[str, str]
    """Of endpoints, by path."""
    codecs: Mapping[str, Codec]
    origins: Origins
    limits: HttpLimits
    websocket_limits: WebSocketLimits
    otherwise: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = self.names.get(_path(scope)) if scope["type"] in ("http", "websocket") else None
        if name is None:
            await self.otherwise(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(name, scope, receive, send)
        else:
            await self._http(name, scope, receive, send)

    async def _websocket(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            wire, subprotocol, first = self._judge(name, scope)
        except HandshakeRefusedError as refusal:
            await deny(refusal, scope, receive, send)
            return
        await serve_websocket(
            self.node, name, wire, subprotocol, first, self.websocket_limits, scope, receive, send
        )

    def _judge(self, name: str, scope: Scope) -> tuple[str, str | None, bytes]:
        """Wire, subprotocol, and what the client begins with in its query. Errors: HandshakeRefusedError."""
        if name not in _WEBSOCKETS:
            raise HandshakeRefusedError(404, "no websocket is served at this path")
        query: bytes = scope["query_string"]
        check_origin(scope["headers"], self.origins)
        wire, subprotocol = choose_wire(parse_qs(query.decode("latin-1")), scope["headers"], self.codecs)
        unidirectional = name == "uni_websocket"
        first = asked_connect(query, self.limits.max_connect_size) if unidirectional else b""
        return wire, subprotocol, first

    async def _http(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        fields: Headers = ()
        try:
            fields = cors_fields(check_origin(scope["headers"], self.origins), self.origins)
            opening = await self._answered(name, fields, scope, receive, send)
        except HandshakeRefusedError as refusal:
            await answer(send, refusal.status, refusal.words, [*refusal.headers, *fields])
            return
        if opening is not None:
            await serve_stream(self.node, *opening, fields, self.limits, scope, receive, send)

    async def _answered(
        self, name: str, fields: Headers, scope: Scope, receive: Receive, send: Send
    ) -> tuple[StreamKind, str, bytes] | None:
        """Answer a request, unless it opens a stream: kind, wire, and what the client begins with.

        Errors: HandshakeRefusedError.
        """
        if name in _WEBSOCKETS:
            upgrade = [(b"upgrade", b"websocket"), (b"connection", b"upgrade")]
            raise HandshakeRefusedError(426, "this is a websocket endpoint", upgrade)
        kind = STREAMS.get(name)
        methods = kind.methods if kind is not None else _EMULATION_METHODS
        if scope["method"] == "OPTIONS":
            await answer(send, 204, "", [*preflight_fields(scope["headers"], methods), *fields])
            return None
        if scope["method"] not in methods:
            allow = ", ".join([*methods, "OPTIONS"]).encode()
            raise HandshakeRefusedError(405, f"{scope['method']} is not served here", [(b"allow", allow)])
        wire = self._wire(kind, scope)
        if kind is None:
            await self._emulate(wire, fields, receive, send)
            return None
        first = await self._first(kind, wire, scope, receive)
        return None if first is None else (kind, wire, first)

    def _wire(self, kind: StreamKind | None, scope: Scope) -> str:
        wire = "json" if kind is not None and kind.events else body_wire(scope["headers"])
        if wire not in self.codecs:
            raise HandshakeRefusedError(415, f"wire format {wire} is not served here")
        return wire

    async def _first(self, kind: StreamKind, wire: str, scope: Scope, receive: Receive) -> bytes | None:
        """What a client begins with; None when it went. Errors: HandshakeRefusedError."""
        limits = self.limits
        if scope["method"] == "POST":
            first = await read_body(receive, limits.max_connect_size, limits.body_timeout)
        else:
            first = asked_connect(scope["query_string"], limits.max_connect_size)
            if not first and not kind.unidirectional:
                raise HandshakeRefusedError(400, "the query parameter cf_connect is missing")
            first = first or b"{}"
        if first is not None and kind.unidirectional:
            try:
                self.codecs[wire].decode_connect(first)
            except DecodeError as error:
                raise HandshakeRefusedError(400, f"the request cannot be read: {error}") from error
        return first

    async def _emulate(self, wire: str, fields: Headers, receive: Receive, send: Send) -> None:
        body = await read_body(receive, self.limits.max_emulation_size, self.limits.body_timeout)
        if body is None:
            return
        try:
            request = self.codecs[wire].decode_emulation(body)
            await self.node.emulate(request.node, request.session, request.data)
        except DecodeError as error:
            raise HandshakeRefusedError(400, f"the request cannot be read: {error}") from error
        except UnknownNode as error:
            raise HandshakeRefusedError(404, "the connection's node is gone") from error
        except SurveyIncomplete as error:
            raise HandshakeRefusedError(504, "the connection's node does not answer") from error
        await answer(send, 204, "", fields)


def _path(scope: Scope) -> str:
    """Below the mount point."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await answer(send, 404, "not found", ())
    elif scope["type"] == "websocket":
        await deny(HandshakeRefusedError(404, "no websocket is served at this path"), scope, receive, send)
    else:
        await _lifespan(receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return
