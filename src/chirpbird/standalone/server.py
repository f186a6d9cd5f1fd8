"""Runs a configuration: one node, one port."""

from __future__ import annotations

import signal
import socket
from importlib.util import find_spec

import uvicorn
import uvloop
from rich.console import Console
from rich.markup import escape

from chirpbird.realtime import Broker, Node, RealtimeError
from chirpbird.realtime.transports.listener import CannotListen, listen
from chirpbird.realtime.transports.server import RealtimeServer
from chirpbird.realtime.transports.uvicorn import RealtimeHttpProtocol
from chirpbird.realtime.transports.websocket import WebSocketLimits
from chirpbird.standalone.application import create_app
from chirpbird.standalone.config import Config
from chirpbird.standalone.engine import engine
from chirpbird.standalone.errors import CannotStart
from chirpbird.standalone.greeting import served, warnings
from chirpbird.standalone.node import create_node
from chirpbird.standalone.rules import Rules
from chirpbird.standalone.tls import server_context

__all__ = ["check", "run"]

_WEBSOCKETS = "websockets"
"""What serves the WebSockets that have no SDK; the others have a way of their own."""
_DRAIN = 5.0
"""Seconds over which clients are sent elsewhere, at most."""
_MIN_FRAME = 1 << 20
"""Bytes of a WebSocket message that are allowed at least: SDKs send all their subscriptions in one."""


def check(config: Config) -> None:
    """Everything about a configuration that can be told without a port. Errors: CannotStart."""
    engine(config.engine)
    if config.uni_websocket.enabled and find_spec(_WEBSOCKETS) is None:
        raise CannotStart(f"uni_websocket.enabled needs the package {_WEBSOCKETS}, which is not installed")
    server_context(config.http_server.tls)
    for warning in warnings(config):
        _say(f"[bold yellow]chirpbird:[/] {warning}", warning=True)


def run(config: Config) -> None:
    """Serve until SIGINT or SIGTERM. Errors: CannotStart."""
    check(config)
    # uvicorn raises the signal that stopped it once more at its end; by then everything is closed.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    uvloop.run(_serve(config))


async def _serve(config: Config) -> None:
    try:
        address = config.http_server.address or "0.0.0.0"  # noqa: S104 as configured
        listener = listen(address, config.http_server.port, setting="http_server.port")
    except CannotListen as error:
        raise CannotStart(str(error)) from error
    try:
        broker, presence = engine(config.engine)
        rules = Rules(config)
        node = create_node(config, broker, presence, rules)
        server = RealtimeServer(
            _uvicorn_config(config, node, broker, rules),
            lambda: node.shutdown(within=min(config.shutdown.timeout, _DRAIN)),
        )
        try:
            await node.start()
        except (RealtimeError, OSError) as error:
            raise CannotStart(f"the {config.engine.type} engine does not start: {error}") from error
        _greet(config, listener)
        await server.serve(sockets=[listener])
    finally:
        listener.close()


def _uvicorn_config(config: Config, node: Node, broker: Broker, rules: Rules) -> uvicorn.Config:
    limits = WebSocketLimits(max_message_size=max(config.websocket.message_size_limit, _MIN_FRAME))
    origins = config.client.allowed_origins
    protocol = RealtimeHttpProtocol.bind(
        node, config.websocket.handler_prefix, allowed_origins=origins, limits=limits
    )
    tls = server_context(config.http_server.tls)
    return uvicorn.Config(
        create_app(config, node, broker, rules),
        http="httptools" if config.websocket.disabled else protocol,
        ws="websockets-sansio" if config.uni_websocket.enabled else "none",
        ws_max_size=max(config.uni_websocket.message_size_limit, _MIN_FRAME),
        interface="asgi3",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(int(config.shutdown.timeout), 1),
        ssl_context_factory=None if tls is None else lambda _config, _default: tls,
    )


def _greet(config: Config, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    address = f"[{host}]" if ":" in host else host
    scheme = "https" if config.http_server.tls.enabled else "http"
    _say(f"Chirpbird realtime is at [bold]{scheme}://{address}:{port}[/]  (Ctrl+C stops it)")
    _say(f"{config.engine.type} engine; {escape(served(config))}")


def _say(text: str, *, warning: bool = False) -> None:
    Console(stderr=warning, soft_wrap=True, highlight=False).print(text)
