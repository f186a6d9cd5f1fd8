"""The composition root: makes a store, a chat, a realtime node and a web application, and serves them on one port."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path

import uvicorn
import uvloop
from rich.console import Console

from chirpbird.chat.errors import StoreCannotOpen
from chirpbird.chat.limits import ChatLimits
from chirpbird.chat.ports import Store
from chirpbird.chat.service import Chat
from chirpbird.gateway.announcer import Announcer
from chirpbird.gateway.audience import NodeAudience
from chirpbird.gateway.handlers import Handlers
from chirpbird.gateway.history import LogHistory
from chirpbird.logs import configure_logging
from chirpbird.realtime import Node, NodeConfig
from chirpbird.realtime.transports.asgi import PATHS, realtime_app
from chirpbird.realtime.transports.uvicorn import RealtimeHttpProtocol, RealtimeServer
from chirpbird.settings import Settings, SettingsError, signing_secret
from chirpbird.storage.sqlite import SqliteStore
from chirpbird.web.application import create_app

__all__ = ["CannotStart", "run"]

CLIENT_DIRECTORY = Path(__file__).parent / "web" / "client"
FALLBACKS = ("http_stream", "sse", "emulation")
"""For people behind proxies that let no WebSocket through."""
SWEEP_SECONDS = 3600
"""How often refresh tokens that ran out are deleted."""
LISTEN_BACKLOG = 2048


class CannotStart(Exception):
    """The server cannot start. ``str(error)`` says why, and what to do."""


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Errors: CannotStart."""
    configure_logging(settings.log_level, settings.log_format)
    # uvicorn raises the signal that stopped it once more at its end; by then everything is closed.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    listener = _listen(settings.host, settings.port)
    try:
        store = await SqliteStore.open(settings.data)
    except StoreCannotOpen as error:
        listener.close()
        raise CannotStart(str(error)) from error
    try:
        await _serve_store(settings, store, listener)
    except SettingsError as error:
        raise CannotStart(str(error)) from error
    finally:
        listener.close()
        await store.close()


async def _serve_store(settings: Settings, store: Store, listener: socket.socket) -> None:
    chat = Chat(store=store, secret=signing_secret(settings), limits=_limits(settings))
    node = Node(
        NodeConfig(client_channel_limit=settings.channels_per_client),
        history=LogHistory(store.log, chat.renderer),
    )
    Handlers(node, chat)
    chat.tell(NodeAudience(node, chat))
    store.log.add_commit_listener(Announcer(node, chat.renderer, chat.access.directory).committed)
    application = realtime_app(
        node,
        paths={name: PATHS[name] for name in FALLBACKS},
        allowed_origins=settings.allowed_origins,
        otherwise=create_app(chat, client_dir=CLIENT_DIRECTORY),
    )
    config = uvicorn.Config(
        application,
        http=RealtimeHttpProtocol.bind(node, allowed_origins=settings.allowed_origins),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.forwarded_allow_ips),
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_graceful_shutdown=10,
    )
    server = RealtimeServer(config, lambda: node.shutdown(within=settings.drain_seconds))
    await node.start()
    sweeper = asyncio.create_task(_sweep(store))
    host, port = listener.getsockname()[:2]
    _greet(f"[{host}]" if ":" in host else host, port)
    try:
        await server.serve(sockets=[listener])
    finally:
        sweeper.cancel()
        with suppress(asyncio.CancelledError):
            await sweeper


def _listen(host: str, port: int) -> socket.socket:
    """Bound before anything else: a port in use is the commonest mistake, and must not touch the data."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(LISTEN_BACKLOG)
    except OSError as error:
        listener.close()
        if isinstance(error, PermissionError):
            hint = "ports below 1024 are for root; choose a higher one with --port"
        else:
            hint = "another program may listen there; choose another port with --port"
        raise CannotStart(f"cannot listen on port {port} of {host}: {error.strerror} ({hint})") from error
    return listener


def _limits(settings: Settings) -> ChatLimits:
    return ChatLimits(
        sends_at_once=settings.sends_burst,
        sends_per_second=settings.sends_per_second,
        sign_ins_per_name=settings.sign_ins_per_name,
        sign_ins_per_address=settings.sign_ins_per_address,
        registrations_per_address=settings.sign_ins_per_address,
        access_token_seconds=settings.access_token_seconds,
        refresh_token_seconds=settings.refresh_token_days * 86_400,
    )


async def _sweep(store: Store) -> None:
    while True:
        await store.sign_ins.purge(now=time.time_ns() // 1_000_000)
        await asyncio.sleep(SWEEP_SECONDS)


def _greet(host: str, port: int) -> None:
    Console(soft_wrap=True, highlight=False).print(
        f"Chirpbird is at [bold]http://{host}:{port}[/]  (Ctrl+C stops it)"
    )
