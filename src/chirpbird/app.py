"""The composition root: makes a store, a chat, a realtime node and a web application, and serves them on one port."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import uvicorn
import uvloop
from prometheus_client import ProcessCollector
from rich.console import Console
from starlette.types import ASGIApp

from chirpbird.chat.errors import StoreCannotOpen, StoreUnavailable
from chirpbird.chat.limits import ChatLimits
from chirpbird.chat.ports import Store
from chirpbird.chat.service import Chat
from chirpbird.gateway.announcer import Announcer
from chirpbird.gateway.audience import NodeAudience
from chirpbird.gateway.figures import Figures
from chirpbird.gateway.handlers import Handlers
from chirpbird.gateway.history import LogHistory
from chirpbird.gateway.resync import Resync
from chirpbird.logs import configure_logging
from chirpbird.realtime import Node, NodeConfig
from chirpbird.realtime.redis import Misconfigured, RedisBroker, RedisOptions, RedisPresence, redis_engine
from chirpbird.realtime.transports.asgi import PATHS, realtime_app
from chirpbird.realtime.transports.exchange import HttpLimits
from chirpbird.realtime.transports.listener import CannotListen, listen
from chirpbird.realtime.transports.server import RealtimeServer
from chirpbird.realtime.transports.uvicorn import RealtimeHttpProtocol
from chirpbird.realtime.transports.websocket import WebSocketLimits
from chirpbird.settings import Settings, SettingsError, signing_secret
from chirpbird.storage import open_store
from chirpbird.web.application import create_app
from chirpbird.web.heartbeat import Heartbeat
from chirpbird.web.metrics import Metrics

__all__ = ["CannotStart", "run"]

CLIENT_DIRECTORY = Path(__file__).parent / "web" / "client"
FALLBACKS = ("http_stream", "sse", "emulation")
"""For people behind proxies that let no WebSocket through."""
SWEEP_SECONDS = 3600
"""How often refresh tokens that ran out are deleted."""

logger = logging.getLogger(__name__)


class CannotStart(Exception):
    """The server cannot start. ``str(error)`` says why, and what to do."""


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Errors: CannotStart."""
    configure_logging(settings.log_level, settings.log_format)
    uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    try:
        listener = listen(settings.host, settings.port, setting="--port")
    except CannotListen as error:
        raise CannotStart(str(error)) from error
    try:
        # Of one server alone the secret is in the data directory, which is made with the store.
        secret = None if settings.mongodb_uri is None else signing_secret(settings)
        store = await open_store(settings.data, settings.mongodb_address(), secret=secret)
    except (SettingsError, StoreCannotOpen) as error:
        listener.close()
        raise CannotStart(str(error)) from error
    try:
        await _serve_store(settings, store, listener)
    except (SettingsError, Misconfigured) as error:
        raise CannotStart(str(error)) from error
    finally:
        listener.close()
        await store.close()


async def _serve_store(settings: Settings, store: Store, listener: socket.socket) -> None:
    chat = Chat(store=store, secret=signing_secret(settings), limits=_limits(settings))
    node = _node(settings, chat, store)
    audience = NodeAudience(node, chat)
    chat.tell(audience)
    resync = Resync(node, store.channels, audience)
    heartbeat = Heartbeat(settings.stall_seconds)
    application = _application(settings, chat, node, heartbeat)
    server = RealtimeServer(
        _uvicorn(settings, application, node),
        lambda: node.shutdown(within=settings.drain_seconds),
        begin=node.begin_shutdown,
    )
    await node.start()
    heartbeat.start()
    sweeper = asyncio.create_task(_sweep(store))
    host, port = listener.getsockname()[:2]
    _greet(f"[{host}]" if ":" in host else host, port)
    try:
        await server.serve(sockets=[listener])
    finally:
        await chat.close()
        await resync.close()
        heartbeat.stop()
        sweeper.cancel()
        with suppress(asyncio.CancelledError):
            await sweeper


def _node(settings: Settings, chat: Chat, store: Store) -> Node:
    """The engine, with the chat's rules and the chat's log behind it. Errors: Misconfigured."""
    broker, presence = _redis(settings)
    node = Node(
        NodeConfig(client_channel_limit=settings.channels_per_client),
        broker=broker,
        presence=presence,
        history=LogHistory(store.log, chat.renderer),
    )
    Handlers(node, chat)
    store.log.add_commit_listener(Announcer(node, chat.renderer, chat.access.directory).committed)
    return node


def _application(settings: Settings, chat: Chat, node: Node, heartbeat: Heartbeat) -> ASGIApp:
    """What answers HTTP: the web side, and the transports that are not WebSockets."""
    figures = Figures(node)
    chat.store.log.add_commit_listener(figures.committed)
    metrics = Metrics()
    metrics.register(figures)
    ProcessCollector(registry=metrics.registry)
    metrics.gauge(
        "loop_lag_seconds", "Longest that the event loop stood still within 5 s.", lambda: heartbeat.lag
    )

    async def node_health() -> Sequence[str]:
        return (*(("this node is shutting down",) if node.closing else ()), *heartbeat.reasons())

    web = create_app(
        chat,
        node_health=node_health,
        client_dir=CLIENT_DIRECTORY,
        metrics=metrics,
        allowed_origins=settings.allowed_origins,
    )
    paths = {name: PATHS[name] for name in FALLBACKS}
    return realtime_app(
        node,
        paths=paths,
        allowed_origins=settings.allowed_origins,
        limits=HttpLimits(body_timeout=settings.body_seconds),
        otherwise=web,
    )


def _uvicorn(settings: Settings, application: ASGIApp, node: Node) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=RealtimeHttpProtocol.bind(
            node,
            allowed_origins=settings.allowed_origins,
            limits=WebSocketLimits(head_timeout=settings.head_seconds, body_timeout=settings.body_seconds),
            closing=lambda: node.closing,
        ),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.forwarded_allow_ips),
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_graceful_shutdown=10,
    )


def _redis(settings: Settings) -> tuple[RedisBroker, RedisPresence] | tuple[None, None]:
    """What joins this node to others, if there are any. Errors: Misconfigured."""
    if settings.redis_url is None:
        return None, None
    url = settings.redis_url.get_secret_value()
    # Not required: the logs are the channels, and without Redis they are followed.
    return redis_engine(RedisOptions(url=url, prefix=settings.redis_prefix, required=False))


def _limits(settings: Settings) -> ChatLimits:
    return ChatLimits(
        sends_at_once=settings.sends_burst,
        sends_per_second=settings.sends_per_second,
        sign_ins_per_name=settings.sign_ins_per_name,
        sign_ins_per_address=settings.sign_ins_per_address,
        registrations_per_address=settings.sign_ins_per_address,
        refreshes_per_address=settings.refreshes_per_address,
        access_token_seconds=settings.access_token_seconds,
        refresh_token_seconds=settings.refresh_token_days * 86_400,
    )


async def _sweep(store: Store) -> None:
    try:
        await store.check_writable()
    except StoreUnavailable as error:
        logger.warning("nothing can be saved for now: %s", error)
    while True:
        try:
            await store.sign_ins.purge(now=time.time_ns() // 1_000_000)
        except StoreUnavailable as error:
            logger.warning("refresh tokens that ran out are kept for now: %s", error)
        await asyncio.sleep(SWEEP_SECONDS)


def _greet(host: str, port: int) -> None:
    Console(soft_wrap=True, highlight=False).print(
        f"Chirpbird is at [bold]http://{host}:{port}[/]  (Ctrl+C stops it)"
    )
