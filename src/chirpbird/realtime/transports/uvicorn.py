"""One port for HTTP and WebSocket: uvicorn's HTTP protocol, which hands WebSocket upgrades at one path to us.

    config = uvicorn.Config(app, http=RealtimeHttpProtocol.bind(node), ws="none")
    server = RealtimeServer(config, node.shutdown)

A connection that was handed over is not uvicorn's any more: it is not among the connections that uvicorn
counts, and uvicorn neither closes it nor waits for it at shutdown. Closing is the business of whoever
accepted.
"""

from __future__ import annotations

import asyncio
import socket
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, cast

import httptools
import msgspec
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from chirpbird.realtime.protocol.codec import MAX_COMMAND_SIZE
from chirpbird.realtime.transports.base import Acceptor, Connection, Receiver, TransportInfo
from chirpbird.realtime.transports.handover import take_over
from chirpbird.realtime.transports.handshake import (
    WIRES,
    Handshake,
    HandshakeRefusedError,
    HandshakeRules,
    negotiate,
)
from chirpbird.realtime.transports.local import LocalTransport
from chirpbird.realtime.transports.origins import Origins
from chirpbird.realtime.transports.slow_requests import ImpatientProtocol, Phase
from chirpbird.realtime.transports.streams import asked_connect
from chirpbird.realtime.transports.websocket import WebSocketLimits

__all__ = ["RealtimeHttpProtocol"]

_NO_SERVICE = "bind() gives the class that can be used"
_INVALID = "Invalid HTTP request received."


class _Service(msgspec.Struct, frozen=True):
    """What ``bind`` was told."""

    acceptor: Acceptor
    names: Mapping[str, str]
    """Of transports, by path."""
    rules: HandshakeRules
    limits: WebSocketLimits
    uni_limits: WebSocketLimits
    closing: Callable[[], bool]


class RealtimeHttpProtocol(ImpatientProtocol):
    """Serves HTTP as uvicorn does, and opens WebSockets at one path. Use the class that ``bind`` gives.

    Upgrades at other paths are left to uvicorn's WebSocket implementation, if it is configured with one, and
    are not found otherwise. The limits on the size of a request's head, and on the time that head and body may take,
    hold for every request: uvicorn has none with httptools.
    """

    service: ClassVar[_Service | None] = None

    _deaf = False  # a request was refused, and what follows it does not matter
    _handshake: Handshake | None = None
    _first = b""  # what a unidirectional client says in its query
    _name: str | None = None  # of the transport that is served at the request's path
    _refusal: HandshakeRefusedError | None = None
    _in_head = True
    _head_ended = False  # during the chunk at hand
    _head_size = 0
    _linger: asyncio.TimerHandle | None = None

    @classmethod
    def bind(
        cls,
        acceptor: Acceptor,
        path: str = "/connection/websocket",
        *,
        uni_path: str = "",
        allowed_origins: Iterable[str] = (),
        limits: WebSocketLimits | None = None,
        uni_limits: WebSocketLimits | None = None,
        wires: Iterable[str] = WIRES,
        closing: Callable[[], bool] = lambda: False,
    ) -> type[RealtimeHttpProtocol]:
        """A protocol class for ``uvicorn.Config(http=...)`` whose WebSockets go to ``acceptor``.

        ``allowed_origins`` are those of which pages may connect besides the server's own (``https://chat.example.org``,
        ``https://*.example.org``; ``*``: all; see ``Origins``); ``wires`` are the wire formats that the acceptor speaks,
        ``json`` and ``protobuf``, both if not told. At ``uni_path``, if there is one, clients get pushes and send nothing
        after their connect request; the ``max_message_size`` of ``uni_limits`` is theirs, which is that of ``limits`` if not
        told. An empty ``path`` leaves these the only ones. While ``closing`` says so, WebSockets are refused with 503, upon
        which a load balancer can try another server.

        Errors: ValueError for a wire that it does not know, or paths that are not absolute or are the same.
        """
        served = tuple(wires)
        unknown = sorted(set(served) - set(WIRES))
        if unknown or not served:
            raise ValueError(f"wires are some of {', '.join(WIRES)}, not {', '.join(unknown) or 'none'}")
        names = {at: name for at, name in ((path, "websocket"), (uni_path, "uni_websocket")) if at}
        if len(names) != bool(path) + bool(uni_path) or not names:
            raise ValueError(
                f"path and uni_path are {path!r} and {uni_path!r}, expected one or two, not the same"
            )
        for absolute in names:
            if not absolute.startswith("/"):
                raise ValueError(f"a path begins with /, unlike {absolute!r}")
        origins = Origins(allowed_origins)
        rules = HandshakeRules(wires=served, allowed_origins=origins)
        limits = limits or WebSocketLimits()
        service = _Service(acceptor, names, rules, limits, uni_limits or limits, closing)
        return cast("type[RealtimeHttpProtocol]", type(f"Bound{cls.__name__}", (cls,), {"service": service}))

    # Calls by the transport

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._unset_keepalive_if_required()
        self._head_ended = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._on_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            if self._refusal is not None:
                self._refuse(self._refusal)
            else:
                self.logger.warning(_INVALID)
                self.send_400_response(_INVALID)
        else:
            self._check_head_size(len(data))
            if not self._deaf:
                self._watch()

    def time_limit(self, phase: Phase) -> float:
        limits = self._service.limits
        return limits.body_timeout if phase is Phase.BODY else limits.head_timeout

    def too_slow(self, phase: Phase) -> None:
        cycle: RequestResponseCycle | None = self.cycle
        unfinished = cycle if phase is Phase.BODY else None
        if phase is Phase.REQUEST or (unfinished and (self.pipeline or unfinished.response_started)):
            # Nothing was asked, or no answer has a place here.
            self.transport.abort()
            return
        if unfinished:
            # The application learns that the client is gone, and answers no more.
            unfinished.disconnected = unfinished.response_complete = True
            unfinished.message_event.set()
        limit = self.time_limit(phase)
        self._refuse(HandshakeRefusedError(408, f"the {phase} did not arrive within {limit:g} s"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._linger is not None:
            self._linger.cancel()
        super().connection_lost(exc)

    # Calls by the HTTP parser

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"chirpbird.abort": {"abort": self.transport.abort}}
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_ended = True
        limits = self._service.limits
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > limits.max_head_size:
            raise self._refused(_too_large(limits))
        self._name = self._find_name()
        if self._name is None:
            super().on_headers_complete()
        elif self.parser.should_upgrade() and self._should_upgrade():
            super().on_headers_complete()
            self._negotiate()
        else:
            app, self.app = self.app, _upgrade_required
            super().on_headers_complete()
            self.app = app

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True

    def _should_upgrade(self) -> bool:
        """Whether uvicorn should leave this request alone. Any WebSocket is: those that nobody serves get
        an answer of ours.
        """
        return self._get_upgrade() == b"websocket"

    # The upgrade

    @property
    def _service(self) -> _Service:
        if self.service is None:
            raise TypeError(_NO_SERVICE)
        return self.service

    def _find_name(self) -> str | None:
        path = httptools.parse_url(self.url).path.decode("ascii")
        return self._service.names.get(urllib.parse.unquote(path))

    def _negotiate(self) -> None:
        query = httptools.parse_url(self.url).query or b""
        try:
            self._handshake = negotiate(
                self.parser.get_method(),
                self.parser.get_http_version(),
                query,
                self.headers,
                self._service.rules,
            )
            if self._name == "uni_websocket":
                self._first = asked_connect(query, MAX_COMMAND_SIZE)
        except HandshakeRefusedError as error:
            raise self._refused(error) from None

    def _refused(self, error: HandshakeRefusedError) -> HandshakeRefusedError:
        """Remember an error that ends parsing; the parser reports no more than that a callback failed."""
        self._refusal = error
        return error

    def _on_upgrade(self, early: bytes) -> None:
        if not self._should_upgrade():
            self._unsupported_upgrade_warning()
        elif self._is_answering():
            self._refuse(HandshakeRefusedError(400, "a websocket upgrade behind an unanswered request"))
        elif self._handshake is not None and self._service.closing():
            self._refuse(HandshakeRefusedError(503, "this server is shutting down"))
        elif self._handshake is not None:
            self._hand_over(self._handshake, early)
        elif self._should_upgrade_to_ws():
            self.handle_websocket_upgrade()
        else:
            self._refuse(HandshakeRefusedError(404, "no websocket is served at this path"))

    def _hand_over(self, handshake: Handshake, early: bytes) -> None:
        self.connections.discard(self)
        self._forget()
        transport = self.transport
        if transport.get_extra_info("socket").family == getattr(socket, "AF_UNIX", None):
            transport = cast("asyncio.Transport", LocalTransport(transport))
        acceptor: Acceptor = self._service.acceptor
        if self._first:
            acceptor = _Begun(acceptor, self._first)
        unidirectional = self._name == "uni_websocket"
        info = TransportInfo(
            name=self._name or "",
            wire=handshake.wire,
            remote_addr=self._remote_addr(),
            unidirectional=unidirectional,
            native_ping=handshake.native_ping and not unidirectional,
        )
        # These hold each other and us, and nobody would let go of them before the next garbage collection.
        self.parser = self.cycle = self.flow = None  # type: ignore[assignment]
        limits = self._service.uni_limits if unidirectional else self._service.limits
        take_over(transport, handshake, info, acceptor, limits, early)

    def _remote_addr(self) -> str:
        """The client's address as uvicorn would tell an application: forwarded ones count if the peer is a
        trusted proxy.
        """
        peer = self.client[0] if self.client else ""
        if not isinstance(self.app, ProxyHeadersMiddleware):  # config.proxy_headers is off
            return peer
        trusted = self.app.trusted_hosts
        forwarded = [value.decode("latin-1") for name, value in self.headers if name == b"x-forwarded-for"]
        if not forwarded or peer not in trusted:
            return peer
        return trusted.get_trusted_client_address(", ".join(forwarded))[0] or peer

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's annotation hides that there may be none
        return cycle is not None and not cycle.response_complete

    # Refusals

    def _check_head_size(self, count: int) -> None:
        """Called when ``count`` more bytes were parsed. What came before this head's first chunk cannot be
        told apart, and is not counted.
        """
        if not self._in_head or self._head_ended:
            self._head_size = 0
            return
        self._head_size += count
        if self._head_size > self._service.limits.max_head_size:
            self._refuse(_too_large(self._service.limits))

    def _refuse(self, error: HandshakeRefusedError) -> None:
        """Answer, and close once the client has read the answer: to close over unread bytes would reset
        the connection before.
        """
        self._deaf = True
        self._forget()
        if self._is_answering():
            # There is no place for an answer before the earlier request has its own; close behind that one.
            self.cycle.keep_alive = False
            return
        body = error.words.encode()
        fields = [
            *self.server_state.default_headers,
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *error.headers,
        ]
        head = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
        self.transport.write(STATUS_LINE[error.status] + head + b"\r\n" + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._linger = self.loop.call_later(self._service.limits.close_timeout, self.transport.abort)
        else:
            self.transport.close()


class _Begun:
    """Takes connections of which the first message is known already."""

    __slots__ = ("_acceptor", "_first")

    def __init__(self, acceptor: Acceptor, first: bytes) -> None:
        self._acceptor = acceptor
        self._first = first

    def accept(self, connection: Connection) -> Receiver:
        receiver = self._acceptor.accept(connection)
        receiver.received(self._first)
        return receiver


def _too_large(limits: WebSocketLimits) -> HandshakeRefusedError:
    return HandshakeRefusedError(431, f"request head has more than {limits.max_head_size} bytes")


async def _upgrade_required(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answers plain HTTP requests at the WebSocket's path."""
    body = b"this is a websocket endpoint"
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"upgrade", b"websocket"),
        (b"connection", b"upgrade"),
    ]
    await send({"type": "http.response.start", "status": 426, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
