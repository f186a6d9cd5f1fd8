"""One client's conversation: bytes in, bytes out. It has no socket and no clock of its own.

What a command does is in ``connecting``, ``subscribing`` and ``requests``; here is what they share: the order of things, replies,
waiting for handlers, time, and the end.
"""

from __future__ import annotations

import logging
import secrets
import uuid
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from chirpbird.realtime import connecting, sub_expiry, subscribing
from chirpbird.realtime.asking import notify
from chirpbird.realtime.client import Client
from chirpbird.realtime.commands import dispatch, wants_no_answer
from chirpbird.realtime.events import DisconnectEvent, UnsubscribeEvent
from chirpbird.realtime.expiry import NEVER
from chirpbird.realtime.protocol import disconnects
from chirpbird.realtime.protocol.codes import (
    UNSUBSCRIBED_BY_DISCONNECT,
    DecodeError,
    Disconnect,
    EncodeError,
    ProtocolError,
    Unsubscribe,
)
from chirpbird.realtime.protocol.messages import (
    Command,
    DisconnectPush,
    Error,
    MessagePush,
    Push,
    Reply,
    UnsubscribePush,
)
from chirpbird.realtime.state import State
from chirpbird.realtime.subscription import Subscription, SubState
from chirpbird.realtime.types import ClientInfo

if TYPE_CHECKING:
    from chirpbird.realtime.core import Core
    from chirpbird.realtime.events import PublishEvent
    from chirpbird.realtime.presence import PresenceEntry
    from chirpbird.realtime.transports.base import Connection

__all__ = ["Session"]

E = TypeVar("E")
R = TypeVar("R")

_logger = logging.getLogger("chirpbird.realtime")


class Session:
    """The ``Receiver`` of one connection."""

    __slots__ = (
        "allowance",
        "asked_subs",
        "client",
        "client_refresh",
        "connection",
        "core",
        "expires",
        "in_flight",
        "info",
        "lane",
        "leaving",
        "out",
        "ping_at",
        "pong_due",
        "presence_at",
        "publishing",
        "session_id",
        "stale_at",
        "state",
        "sub_expires",
        "subs",
        "waiting",
        "waiting_bytes",
        "wake_at",
    )

    def __init__(self, core: Core, connection: Connection) -> None:
        self.core = core
        self.connection = connection
        self.lane = core.lanes.of(connection)
        self.client = Client(self, str(uuid.uuid4()), connection.info)
        self.info = ClientInfo("", self.client.id)
        transport = connection.info
        self.session_id = secrets.token_urlsafe(24) if transport.emulation or transport.unidirectional else ""
        """What the client's other requests, and operators, call this connection; nobody can guess it. Empty where there is no
        need of it."""
        self.state = State.NEW
        self.subs: dict[str, Subscription] = {}
        self.asked_subs = 0
        """Those that the client asked for itself."""
        self.out: list[bytes] = []
        """Frames for the end of this turn."""
        self.allowance = core.config.write_queue_limit
        """Bytes that may be written before the connection's buffer has to be looked at again."""
        self.in_flight = 0
        """Requests that handlers are at work on."""
        self.waiting: deque[tuple[Command, int]] | None = None
        """Commands that wait for the connect to finish, or for requests in flight; with their share of bytes."""
        self.waiting_bytes = 0
        self.publishing: dict[str, deque[tuple[int, PublishEvent]]] | None = None
        """Channels in which a coroutine is publishing for this client, and what waits for it."""
        self.leaving: Disconnect | None = None
        """Set: nothing new is begun, and the connection ends with this when nothing is in flight any more."""
        self.client_refresh = False
        self.ping_at = self.pong_due = self.expires = self.presence_at = self.sub_expires = NEVER
        self.stale_at = core.clock.monotonic() + core.config.stale_timeout
        self.wake_at = NEVER
        self.wake_by(self.stale_at)

    # What comes in

    def received(self, data: bytes) -> None:
        if self.state is State.CLOSED:
            return
        if self.lane.unidirectional:
            connecting.begin(self, data)
            return
        try:
            commands = self.lane.codec.decode_frame(data)
        except DecodeError as error:
            _logger.debug("client %s: %s", self.client.id, error)
            self.close(disconnects.BAD_REQUEST)
            return
        self.core.counters.commands += len(commands)
        share = len(data) // len(commands) + 1
        listening = self.state is not State.REFUSED
        for command in commands:
            if listening and self.state is State.REFUSED:
                break  # what was sent along with a refused connect means nothing
            if command.id == 0 and not wants_no_answer(command):
                self._pong()
            elif self.waiting is not None or self.blocked:
                self._put_off(command, share)
            else:
                self._handle(command)

    def closed(self, code: int, reason: str) -> None:
        """The transport lost the connection, or has finished closing it."""
        if self.state is not State.CLOSED:
            was, self.state = self.state, State.CLOSED
            self.out.clear()
            self._end(was, disconnects.CONNECTION_CLOSED)

    @property
    def blocked(self) -> bool:
        """Further commands have to wait."""
        return (
            self.state is State.CONNECTING
            or self.in_flight >= self.core.config.client_concurrency
            or self.leaving is not None
        )

    @property
    def connected(self) -> bool:
        return self.state is State.CONNECTED

    @property
    def is_closed(self) -> bool:
        return self.state is State.CLOSED

    def resume(self) -> None:
        """Go on with the commands that waited, as far as may be."""
        waiting = self.waiting
        if waiting is None:
            return
        if self.leaving is not None:
            if not self.in_flight:
                self.close(self.leaving)
            return
        while waiting and not self.blocked and self.state is not State.CLOSED:
            command, share = waiting.popleft()
            self.waiting_bytes -= share
            self._handle(command)
        if not waiting or self.state is State.CLOSED:
            self.waiting = None
            self.waiting_bytes = 0

    def _put_off(self, command: Command, share: int) -> None:
        if self.state is State.CLOSED:
            return
        self.waiting_bytes += share
        if self.waiting_bytes > self.core.config.client_backlog_bytes:
            self.close(disconnects.TOO_MANY_REQUESTS)
            return
        if self.waiting is None:
            self.waiting = deque()
        self.waiting.append((command, share))

    def _handle(self, command: Command) -> None:
        if self.state is State.CONNECTED:
            self.dispatch(command)
        elif self.state is State.NEW and command.connect is not None:
            connecting.connect(self, command.id, command.connect)
        elif self.state is not State.CLOSED:
            self.close(disconnects.BAD_REQUEST)

    def dispatch(self, command: Command) -> None:
        """Do a command of a connected client."""
        dispatch(self, command)

    def _pong(self) -> None:
        if self.pong_due != NEVER:
            self.pong_due = NEVER
        elif self.connection.info.native_ping:
            pass  # RFC 6455 allows pongs that nobody asked for
        elif self.state is not State.CONNECTED or self.core.config.pong_timeout > 0:
            self.close(disconnects.BAD_REQUEST)

    # What goes out

    def queue(self, frames: bytes) -> None:
        """Send at the end of this turn."""
        out = self.out
        out.append(frames)
        if len(out) == 1:
            self.core.flusher.mark_session(self)

    def flush(self) -> None:
        """Hand what is queued to the connection, unless the client has fallen too far behind."""
        out = self.out
        if not out:
            return
        chunk = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        size = len(chunk)
        self.allowance -= size
        if self.allowance < 0:
            buffered = self.connection.buffered()
            self.allowance = self.core.config.write_queue_limit - buffered - size
            if buffered and self.allowance < 0:
                self.close(disconnects.SLOW)
                return
        self.connection.write(chunk)

    def reply(self, reply: Reply) -> None:
        """Send an answer or a push. What cannot be encoded for this client ends the connection."""
        if self.state is not State.CLOSED:
            self.queue(self.lane.reply(reply))

    def error(self, command_id: int, error: ProtocolError) -> None:
        self.core.counters.errors += 1
        if self.lane.unidirectional:
            self.close(connecting.instead_of(error))
            return
        self.reply(Reply(id=command_id, error=Error(error.code, error.message, error.temporary)))

    def push_message(self, data: bytes) -> None:
        if self.state is State.CONNECTED:
            try:
                payload = self.lane.codec.payload(data)
            except EncodeError:
                self.unencodable()
            else:
                self.reply(Reply(push=Push(message=MessagePush(data=payload))))

    def unencodable(self) -> None:
        """Something that this client has to get cannot be said in its wire format."""
        self.close(disconnects.INAPPROPRIATE_PROTOCOL)

    # Subscriptions

    def is_subscribed(self, channel: str) -> bool:
        sub = self.subs.get(channel)
        return sub is not None and sub.state is SubState.LIVE

    def info_in(self, channel: str) -> ClientInfo:
        """Who this client is to others in the channel."""
        sub = self.subs.get(channel)
        return self.info if sub is None or sub.info is None else sub.info

    def set_info(self, conn_info: bytes) -> None:
        """From here on the client is known by this, in the channels that it is in as well."""
        self.client.info = conn_info
        before, self.info = self.info, ClientInfo(self.client.user, self.client.id, conn_info)
        for sub in self.subs.values():
            if sub.info is before:
                sub.info = self.info
            elif sub.info is not None:
                sub.info = ClientInfo(self.client.user, self.client.id, conn_info, sub.info.chan_info)

    def unsubscribe(self, channel: str, unsubscribe: Unsubscribe) -> None:
        """The server ends a subscription, and tells the client."""
        sub = self.subs.get(channel)
        if sub is None or self.state is not State.CONNECTED:
            return
        if sub.state is SubState.SUBSCRIBING:
            sub.to_end = unsubscribe
            return
        subscribing.end(sub, unsubscribe)
        push = UnsubscribePush(unsubscribe.code, unsubscribe.reason)
        self.reply(Reply(push=Push(channel=channel, unsubscribe=push)))

    # Time

    def wake_by(self, deadline: float) -> None:
        """See to it that ``tick`` is called by then."""
        if deadline < self.wake_at:
            self.wake_at = deadline
            self.core.wheel.put(self, deadline)

    def tick(self, now: float, present: list[PresenceEntry]) -> None:
        """Do what is due; presence entries to be kept alive are added to ``present``."""
        if now >= self.stale_at:
            self.close(disconnects.STALE)
        elif now >= self.pong_due:
            self.close(disconnects.NO_PONG)
        elif now >= self.expires:
            connecting.expired(self)
        if now >= self.sub_expires and self.state is State.CONNECTED:
            self.sub_expires = sub_expiry.end_expired(self, now)
        if self.state is State.CLOSED:
            return
        config = self.core.config
        if now >= self.ping_at:
            self.ping_at = now + config.ping_interval
            if self.pong_due == NEVER and config.pong_timeout > 0 and not self.lane.unidirectional:
                self.pong_due = now + config.pong_timeout
            self.queue(self.lane.ping)
        if now >= self.presence_at:
            entries = [(s.name, s.info) for s in self.subs.values() if s.present and s.info is not None]
            present.extend(entries)
            self.presence_at = now + config.presence_interval if entries else NEVER
        self.wake_at = NEVER
        self.wake_by(
            min(
                self.stale_at,
                self.ping_at,
                self.pong_due,
                self.expires,
                self.presence_at,
                self.sub_expires,
            )
        )

    # The end

    def leave(self, disconnect: Disconnect) -> None:
        """``close``, as soon as the requests in flight are answered. What the client asks for from here on gets no answer."""
        if not self.in_flight:
            self.close(disconnect)
        elif self.state is not State.CLOSED:
            self.leaving = disconnect
            if self.waiting is None:
                self.waiting = deque()

    def close(self, disconnect: Disconnect) -> None:
        """Say why, and go. What was queued before goes out first, except to a slow client."""
        if self.state is State.CLOSED:
            return
        was, self.state = self.state, State.CLOSED
        if disconnect.code != disconnects.SLOW.code:
            if disconnect.code != disconnects.CONNECTION_CLOSED.code:
                push = DisconnectPush(disconnect.code, disconnect.reason)
                self.out.append(self.lane.reply(Reply(push=Push(disconnect=push))))
            if self.out:
                self.connection.write(b"".join(self.out))
        self.out.clear()
        self.connection.close(disconnect.code, disconnect.reason)
        self._end(was, disconnect)

    def _end(self, was: State, disconnect: Disconnect) -> None:
        core = self.core
        self.waiting = self.publishing = None
        self.wake_at = NEVER
        core.connections.discard(self)
        counts = core.counters.disconnects
        counts[disconnect.code] = counts.get(disconnect.code, 0) + 1
        if was is not State.CONNECTED:
            return
        core.hub.remove(self)
        for sub in list(self.subs.values()):
            if sub.state is SubState.LIVE:
                subscribing.end(sub, UNSUBSCRIBED_BY_DISCONNECT)
        notify(self, core.handlers.disconnect, DisconnectEvent(disconnect.code, disconnect.reason))

    def ended(self, sub: Subscription, unsubscribe: Unsubscribe) -> None:
        """A live subscription is over: tell the application."""
        handler = self.core.handlers.unsubscribe
        if handler is not None:
            notify(self, handler, UnsubscribeEvent(sub.name, unsubscribe.code, unsubscribe.reason))
