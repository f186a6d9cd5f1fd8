"""A realtime node without sockets or time: recorded connections, a clock that tests turn, a bus that loses things."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from chirpbird.realtime import (
    BrokerEvents,
    Client,
    ConnectingEvent,
    ConnectReply,
    HistoryEvent,
    HistoryReply,
    HistoryResult,
    MemoryBroker,
    Node,
    PresenceEvent,
    PresenceReply,
    PresenceStatsEvent,
    Publication,
    PublishEvent,
    PublishOptions,
    PublishReply,
    RpcEvent,
    RpcReply,
    StreamPosition,
    SubscribeEvent,
    SubscribeOptions,
    SubscribeReply,
)
from chirpbird.realtime.transports.base import Framing, Receiver, TransportInfo
from tests.support.wires import WIRES

__all__ = ["Bus", "FakeClock", "Peer", "Recorder", "SlowHistory", "settle", "with_handlers"]

Json = dict[str, Any]


class FakeClock:
    """Time stands still until told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return 1_700_000_000.0 + self.now

    def monotonic(self) -> float:
        return self.now


class _Lines:
    def frame(self, payload: bytes) -> bytes:
        return payload + b"\n"


class _Unframed:
    def frame(self, payload: bytes) -> bytes:
        return payload


LINES = _Lines()
UNFRAMED = _Unframed()


class Recorder:
    """A ``Connection`` that keeps what is written to it."""

    def __init__(
        self,
        *,
        wire: str = "json",
        unidirectional: bool = False,
        emulation: bool = False,
        native_ping: bool = False,
    ) -> None:
        self.info = TransportInfo(
            name="recorder",
            wire=wire,
            remote_addr="192.0.2.1",
            unidirectional=unidirectional,
            emulation=emulation,
            native_ping=native_ping,
        )
        self.framing: Framing = LINES if wire == "json" else UNFRAMED
        self.writes: list[bytes] = []
        self.ended: tuple[int, str] | None = None
        self.stuck = 0
        """What ``buffered`` says."""
        self.on_close: Callable[[], object] = lambda: None

    def write(self, framed: bytes) -> None:
        if self.ended is None:
            self.writes.append(framed)

    def buffered(self) -> int:
        return self.stuck

    def close(self, code: int, reason: str) -> None:
        self.ended = self.ended or (code, reason)
        self.on_close()


class Peer:
    """A client on the other side of a recorder: speaks in commands, and keeps what it was told in order."""

    def __init__(
        self,
        node: Node,
        *,
        wire: str = "json",
        unidirectional: bool = False,
        emulation: bool = False,
        native_ping: bool = False,
    ) -> None:
        self.connection = Recorder(
            wire=wire, unidirectional=unidirectional, emulation=emulation, native_ping=native_ping
        )
        self.receiver: Receiver = node.accept(self.connection)
        self._read = 0
        self._id = 0
        self._kept: list[Json] = []

    @property
    def ended(self) -> tuple[int, str] | None:
        """Code and reason of the server's close."""
        return self.connection.ended

    def send(self, *commands: Json) -> None:
        """In one frame. In Protobuf, payloads are bytes."""
        if self.connection.info.wire == "json":
            self.receiver.received("\n".join(json.dumps(command) for command in commands).encode())
        else:
            self.receiver.received(WIRES["protobuf"].commands(commands))

    def told(self) -> list[Json]:
        """What came since the last call."""
        written = b"".join(self.connection.writes[self._read :])
        self._read = len(self.connection.writes)
        if self.connection.info.wire == "json":
            new = [json.loads(line) for line in written.split(b"\n")[:-1]]
        else:
            new = WIRES["protobuf"].replies(written)
        told, self._kept = self._kept + new, []
        return told

    async def ask(self, **command: Json) -> Json:
        """Send one command and return its reply; what else came is for ``told``."""
        self._id += 1
        self.send({"id": self._id, **command})
        await settle()
        told = self.told()
        replies = [reply for reply in told if reply.get("id") == self._id]
        assert len(replies) == 1, told
        self._kept = [other for other in told if other is not replies[0]]
        del replies[0]["id"]
        return replies[0]

    async def connect(self, token: str = "anna", **fields: Any) -> Json:
        reply = await self.ask(connect={"token": token, **fields})
        result: Json = reply["connect"]
        return result

    async def subscribe(self, channel: str, **fields: Any) -> Json:
        reply = await self.ask(subscribe={"channel": channel, **fields})
        result: Json = reply["subscribe"]
        return result

    def lose(self) -> None:
        """The network goes."""
        self.receiver.closed(1006, "")
        self.connection.ended = self.connection.ended or (1006, "")

    def pubs(self, channel: str) -> list[Json]:
        """Publications of a channel that came since the last call of this or ``told``; fails if anything else came."""
        return [told["push"]["pub"] for told in self.told() if told["push"]["channel"] == channel]


class Bus(MemoryBroker):
    """A memory broker whose announcements can be lost, repeated or kept back: ``judge`` says what becomes of each."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.judge: Callable[[str, Publication], str] = lambda channel, publication: "deliver"
        self.kept: deque[tuple[str, Publication, str]] = deque()
        self.subscribed: set[str] = set()
        self.controls: list[bytes] = []
        self.events: BrokerEvents | None = None
        self.reads = 0
        self.tops = 0
        self.broken = False
        self.delay = 0
        """Turns of the event loop between a reading and its answer."""

    async def start(self, events: BrokerEvents, node_id: str) -> None:
        self.events = events
        await super().start(events, node_id)

    def subscribe(self, channel: str) -> None:
        self.subscribed.add(channel)

    def unsubscribe(self, channel: str) -> None:
        self.subscribed.discard(channel)

    def publish_control(self, data: bytes) -> None:
        self.controls.append(data)

    def announce(self, channel: str, publication: Publication, epoch: str) -> None:
        verdict = self.judge(channel, publication)
        if verdict == "keep":
            self.kept.append((channel, publication, epoch))
        elif verdict != "lose":
            super().announce(channel, publication, epoch)
            if verdict == "repeat":
                super().announce(channel, publication, epoch)

    def release(self, index: int = 0) -> None:
        """Announce one that was kept back."""
        channel, publication, epoch = self.kept[index]
        del self.kept[index]
        super().announce(channel, publication, epoch)

    async def read(
        self, channel: str, *, since: int | None, limit: int, reverse: bool = False
    ) -> HistoryResult:
        self.reads += 1
        if self.broken:
            raise ConnectionError("the stream cannot be read")
        result = await super().read(channel, since=since, limit=limit, reverse=reverse)
        await settle(self.delay)
        return result

    async def top(self, channel: str) -> StreamPosition:
        self.tops += 1
        if self.broken:
            raise ConnectionError("the stream cannot be read")
        result = await super().top(channel)
        await settle(self.delay)
        return result


class SlowHistory:
    """A ``History`` whose answers are made when asked, and given when the test says so."""

    def __init__(self, source: MemoryBroker) -> None:
        self._source = source
        self._gate = asyncio.Event()
        self._gate.set()
        self.asked = 0

    def hold(self) -> None:
        self._gate.clear()

    def go(self) -> None:
        self._gate.set()

    async def read(
        self, channel: str, *, since: int | None, limit: int, reverse: bool = False
    ) -> HistoryResult:
        self.asked += 1
        result = await self._source.read(channel, since=since, limit=limit, reverse=reverse)
        await self._gate.wait()
        return result

    async def top(self, channel: str) -> StreamPosition:
        self.asked += 1
        result = await self._source.top(channel)
        await self._gate.wait()
        return result


async def settle(turns: int = 40) -> None:
    """Let the event loop run dry."""
    for _ in range(turns):
        await asyncio.sleep(0)


STREAM = PublishOptions(history_size=1000, history_ttl=3600)
OPTIONS = {
    "plain": SubscribeOptions(),
    "positioned": SubscribeOptions(positioned=True),
    "stream": SubscribeOptions(positioned=True, recoverable=True),
    "people": SubscribeOptions(presence=True, join_leave=True, push_join_leave=True),
}
"""By the channel's name up to a colon."""


def with_handlers(node: Node) -> Node:
    """Everybody may do everything: the token is the user, the channel's prefix decides how it is subscribed."""

    @node.on_connecting
    def connecting(client: Client, event: ConnectingEvent) -> ConnectReply:
        return ConnectReply(user=event.token, info=b'{"name":"%b"}' % event.token.encode())

    @node.on_subscribe
    def subscribe(client: Client, event: SubscribeEvent) -> SubscribeReply:
        return SubscribeReply(OPTIONS.get(event.channel.partition(":")[0], OPTIONS["plain"]))

    @node.on_publish
    def publish(client: Client, event: PublishEvent) -> PublishReply:
        kept = event.channel.partition(":")[0] in ("positioned", "stream")
        return PublishReply(options=STREAM) if kept else PublishReply()

    @node.on_presence
    def presence(client: Client, event: PresenceEvent) -> PresenceReply:
        return PresenceReply()

    @node.on_presence_stats
    def presence_stats(client: Client, event: PresenceStatsEvent) -> PresenceReply:
        return PresenceReply()

    @node.on_history
    def history(client: Client, event: HistoryEvent) -> HistoryReply:
        return HistoryReply()

    @node.on_rpc
    def rpc(client: Client, event: RpcEvent) -> RpcReply:
        return RpcReply(event.data)

    return node
