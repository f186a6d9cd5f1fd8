"""One connection to a Redis server: commands go out in one write per turn of the event loop, replies come back in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

import hiredis

from chirpbird.realtime.redis.errors import CommandRefused, ConnectionLost, RedisUnavailable

__all__ = ["Argument", "Connection", "Handler", "Reply", "pack"]

Argument = str | int | float | bytes
Reply = object
"""What RESP3 has: bytes, int, float, bool, None, lists and dicts of these."""
Handler = Callable[[Reply | RedisUnavailable], None]
"""Told of a command's reply, or of why there is none."""

_NOTHING = object()
_PING = cast("bytes", hiredis.pack_command((b"PING",)))


def pack(*command: Argument) -> bytes:
    """A command as Redis reads it."""
    return cast("bytes", hiredis.pack_command(cast("tuple[bytes]", command)))  # its stub has a tuple of one


class Connection(asyncio.Protocol):
    """Speaks RESP3. ``on_push`` is told of messages and confirmations of subscriptions; neither it nor handlers may raise.

    Where commands have no reply but pushes (subscribing), ``on_error`` is told of those that were refused: then no command with
    a reply may be sent that can be refused itself.
    """

    def __init__(
        self, on_push: Callable[[list[Reply]], None], on_error: Callable[[CommandRefused], None] | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=_NOTHING)
        self._on_push = on_push
        self._on_error = on_error
        self._handlers: deque[Handler | None] = deque()
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._pinged_at = 0.0
        self.heard_at = self._loop.time()
        """When anything was last read."""
        self.lost: asyncio.Future[str] = self._loop.create_future()
        """Done when the connection is over, with the reason."""

    # Asking

    def send(self, packed: bytes, handler: Handler | None = None) -> None:
        """Put a command with one reply on its way; without a handler nobody cares for the reply."""
        if self._transport is None:
            if handler is not None:
                handler(ConnectionLost("the connection to Redis is lost"))
            return
        self._handlers.append(handler)
        self.send_only(packed)

    def send_only(self, packed: bytes) -> None:
        """A command whose answers are pushes."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(packed)

    def call(self, *command: Argument) -> asyncio.Future[Reply]:
        """A command and its reply. Errors: CommandRefused, ConnectionLost."""
        reply: asyncio.Future[Reply] = self._loop.create_future()
        self.send(pack(*command), lambda answer: settle(reply, answer))
        return reply

    def silence(self) -> float:
        """Seconds for which the server owes an answer to a ping."""
        if not self._pinged_at:
            return 0.0
        return self._loop.time() - max(self._pinged_at, self.heard_at)

    def ping(self) -> None:
        """Ask for a sign of life, unless one is still awaited."""
        if not self._pinged_at:
            self._pinged_at = self._loop.time()
            self.send(_PING, self._ponged)

    def close(self, reason: str = "closed") -> None:
        """At once; what was not answered fails."""
        transport = self._transport
        self._over(reason)
        if transport is not None:
            transport.abort()

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.lost.done():  # given up while it was being made
            cast("asyncio.Transport", transport).abort()
        else:
            self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        self.heard_at = self._loop.time()
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not _NOTHING:
                if type(reply) is hiredis.PushNotification:
                    self._on_push(reply)
                else:
                    self._answered(reply)
        except hiredis.ProtocolError as error:
            self.close(f"what came is not Redis's protocol: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        self._over(str(exc) if exc is not None else "closed by the server")

    def _answered(self, reply: Reply) -> None:
        answer: Reply | RedisUnavailable = reply
        if isinstance(reply, hiredis.ReplyError):
            answer = CommandRefused(str(reply))
            if self._on_error is not None:
                self._on_error(answer)
                return
        if not self._handlers:
            self.close("an answer came to no question")
            return
        handler = self._handlers.popleft()
        if handler is not None:
            handler(answer)

    def _ponged(self, answer: Reply | RedisUnavailable) -> None:
        self._pinged_at = 0.0

    def _flush(self) -> None:
        out, self._out = self._out, []
        if self._transport is not None:
            self._transport.write(out[0] if len(out) == 1 else b"".join(out))

    def _over(self, reason: str) -> None:
        self._transport = None
        if not self.lost.done():
            self.lost.set_result(reason)
        handlers, self._handlers = self._handlers, deque()
        for handler in handlers:
            if handler is not None:
                handler(ConnectionLost(f"the connection to Redis is lost: {reason}"))


def settle(future: asyncio.Future[Reply], answer: Reply | RedisUnavailable) -> None:
    """Give a future what a handler was told."""
    if future.done():
        return
    if isinstance(answer, RedisUnavailable):
        future.set_exception(answer)
    else:
        future.set_result(answer)
