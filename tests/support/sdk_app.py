"""The application that the SDKs' tests talk to: a node with a few handlers and the memory broker, on a port; no chat.

``python -m tests.support.sdk_app`` serves it in a process of its own, on any free port, until it is told to end. Its first
line is the address.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable

import msgspec
import uvicorn
from uvicorn.server import ServerState

from chirpbird import realtime
from chirpbird.realtime import Node
from chirpbird.realtime.transports.asgi import realtime_app
from chirpbird.realtime.transports.uvicorn import RealtimeHttpProtocol

__all__ = ["MOST_CHANNELS", "SdkApp"]

MOST_CHANNELS = 2000
_HISTORY = realtime.PublishOptions(history_size=100, history_ttl=60)
_OPTIONS = realtime.SubscribeOptions(
    presence=True,
    join_leave=True,
    push_join_leave=True,
    positioned=True,
    recoverable=True,
    info=b'{"in":"it"}',
    allowed_delta_types=("fossil",),
    allow_tags_filter=True,
)
_NUMBERED = msgspec.structs.replace(_OPTIONS, allow_channel_compaction=True)
_PLAIN = realtime.SubscribeOptions()


class _Args(msgspec.Struct):
    """Of the methods with which a test makes the server do something."""

    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    count: int = 1
    code: int = 0
    tag: str = "server"


class SdkApp:
    """A token is the user's name; a name in capitals expires in a second, the token ``stale`` has done so.

    The channel ``private`` is nobody's and nobody publishes in ``readonly``; those that begin with ``expiring`` expire in a
    second, those that begin with ``secret`` take the token ``sesame``, those that begin with ``plain`` have neither people nor
    a past, and those that begin with ``numbered`` go by number. Methods are ``echo`` and those below.
    """

    def __init__(self) -> None:
        self.node = Node(realtime.NodeConfig(client_channel_limit=MOST_CHANNELS))
        self.url = ""
        """``ws://`` and on."""
        self.address = ""
        """``127.0.0.1:port``."""
        self.transports: list[asyncio.Transport] = []
        self.refreshed: asyncio.Queue[str] = asyncio.Queue()
        """Tokens that were brought when those before them ran out."""
        self._told: dict[str, list[object]] = defaultdict(list)
        """By user: what refreshed and what was sent, for the methods that ask for it."""
        self._methods: dict[str, Callable[[realtime.Client, _Args], Awaitable[object]]] = {
            "cut": self._cut_and_publish,
            "publish": self._publish,
            "unsubscribe": self._unsubscribe,
            "disconnect": self._disconnect,
            "push": self._push,
            "told": self._tell,
        }
        self._handle_connections()
        self._handle_channels()

    async def listen(self) -> asyncio.Server:
        transports = self.transports

        class Watched(RealtimeHttpProtocol.bind(self.node)):  # type: ignore[misc]
            def connection_made(self, transport: asyncio.Transport) -> None:
                transports.append(transport)
                super().connection_made(transport)

        config = uvicorn.Config(
            realtime_app(self.node), http=Watched, ws="none", lifespan="off", log_config=None
        )
        config.load()
        state = ServerState()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Watched(config, state, {}), "127.0.0.1", 0)
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.url = f"ws://{self.address}/connection/websocket"
        return server

    def publish(self, channel: str, data: bytes) -> None:
        published = self.node.publish(channel, data, history_size=100, history_ttl=60)
        assert published.done()  # with the memory broker

    def cut(self) -> None:
        """Break all connections, as a network does: without a word."""
        for transport in self.transports:
            transport.abort()
        self.transports.clear()

    def _handle_connections(self) -> None:
        @self.node.on_connecting
        def connecting(client: realtime.Client, event: realtime.ConnectingEvent) -> realtime.ConnectReply:
            if event.token == "stale":
                raise realtime.errors.TOKEN_EXPIRED
            if not event.token:
                raise realtime.disconnects.INVALID_TOKEN
            return realtime.ConnectReply(
                user=event.token,
                expire_at=time.time() + 1 if event.token.isupper() else None,
                data=event.data or b'{"hello":true}',
                info=b'{"n":1}',
                subscriptions={f"#{event.token}": _PLAIN},
            )

        @self.node.on_refresh
        def refresh(client: realtime.Client, event: realtime.RefreshEvent) -> realtime.RefreshReply:
            self.refreshed.put_nowait(event.token)
            self._told[client.user].append({"refreshed": event.token})
            return realtime.RefreshReply()

        @self.node.on_rpc
        async def rpc(client: realtime.Client, event: realtime.RpcEvent) -> realtime.RpcReply:
            await asyncio.sleep(0)
            if event.method == "echo":
                return realtime.RpcReply(event.data)
            method = self._methods.get(event.method)
            if method is None:
                raise realtime.errors.METHOD_NOT_FOUND
            args = msgspec.json.decode(event.data or b"{}", type=_Args)
            return realtime.RpcReply(json.dumps(await method(client, args)).encode())

        @self.node.on_message
        def message(client: realtime.Client, event: realtime.MessageEvent) -> None:
            self._told[client.user].append({"sent": json.loads(event.data)})

    def _handle_channels(self) -> None:
        @self.node.on_subscribe
        def subscribe(client: realtime.Client, event: realtime.SubscribeEvent) -> realtime.SubscribeReply:
            if event.channel == "private":
                raise realtime.errors.PERMISSION_DENIED
            if event.channel.startswith("secret") and event.token != "sesame":
                raise realtime.errors.TOKEN_EXPIRED if event.token else realtime.errors.PERMISSION_DENIED
            if event.channel.startswith("plain"):
                return realtime.SubscribeReply(_PLAIN)
            if event.channel.startswith("expiring"):
                return realtime.SubscribeReply(realtime.SubscribeOptions(expire_at=time.time() + 1))
            if event.channel.startswith("numbered"):
                return realtime.SubscribeReply(_NUMBERED)
            return realtime.SubscribeReply(_OPTIONS)

        @self.node.on_sub_refresh
        def sub_refresh(client: realtime.Client, event: realtime.SubRefreshEvent) -> realtime.SubRefreshReply:
            self._told[client.user].append({"refreshed": event.token, "channel": event.channel})
            return realtime.SubRefreshReply()

        @self.node.on_publish
        def publish(client: realtime.Client, event: realtime.PublishEvent) -> realtime.PublishReply:
            if event.channel == "readonly":
                raise realtime.errors.PERMISSION_DENIED
            return realtime.PublishReply(options=_HISTORY)

        @self.node.on_presence
        def presence(client: realtime.Client, event: realtime.PresenceEvent) -> realtime.PresenceReply:
            return realtime.PresenceReply()

        @self.node.on_presence_stats
        def stats(client: realtime.Client, event: realtime.PresenceStatsEvent) -> realtime.PresenceReply:
            return realtime.PresenceReply()

        @self.node.on_history
        def history(client: realtime.Client, event: realtime.HistoryEvent) -> realtime.HistoryReply:
            return realtime.HistoryReply()

    # Methods

    async def _cut_and_publish(self, client: realtime.Client, args: _Args) -> object:
        """Break all connections, and publish the numbers up to ``count`` before anybody is back."""
        self.cut()
        for number in range(args.count):
            self.publish(args.channel, b"%d" % number)
        return None

    async def _publish(self, client: realtime.Client, args: _Args) -> object:
        """From the server, with tags, and as a difference to those who agreed upon that."""
        tags = {"from": args.tag}
        result = await self.node.publish(
            args.channel, bytes(args.data), tags=tags, delta=True, history_size=100, history_ttl=60
        )
        return {"offset": result.offset}

    async def _unsubscribe(self, client: realtime.Client, args: _Args) -> object:
        client.unsubscribe(args.channel, realtime.Unsubscribe(args.code or 2000, "because"))
        return None

    async def _disconnect(self, client: realtime.Client, args: _Args) -> object:
        client.disconnect(realtime.Disconnect(args.code or 3503, "because"))
        return None

    async def _push(self, client: realtime.Client, args: _Args) -> object:
        client.send(bytes(args.data))
        return None

    async def _tell(self, client: realtime.Client, args: _Args) -> object:
        """What was refreshed and sent by this user."""
        return self._told[client.user]


async def _serve() -> None:
    app = SdkApp()
    await app.node.start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with await app.listen():
        print(app.address, flush=True)
        await ended.wait()
        await app.node.shutdown()


if __name__ == "__main__":
    asyncio.run(_serve())
