"""Which PUB/SUB channels one server is asked for: in large commands, and again on each new connection."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from chirpbird.realtime.redis.connection import Connection, Reply, pack
from chirpbird.realtime.redis.errors import CommandRefused, ConnectionLost

__all__ = ["Listening"]

_logger = logging.getLogger("chirpbird.realtime.redis")
_CHUNK = 512
"""Channels in one command."""
_AHEAD = 8192
"""Channels asked for again before the first of them have to be confirmed."""


class _Asked:
    """A command whose confirmations have not all come."""

    __slots__ = ("channels", "confirmed", "done", "subscribing")

    def __init__(self, channels: list[bytes], subscribing: bool, done: asyncio.Future[None] | None) -> None:
        self.channels = channels
        self.subscribing = subscribing
        self.confirmed = 0
        self.done = done


class Listening:
    """``sharded``: with SSUBSCRIBE, one channel a command, as those of different slots do not go together.

    ``on_message`` is told of each message; ``refused`` of channels that the server does not serve (any more), with its words.
    """

    def __init__(
        self,
        *,
        sharded: bool,
        on_message: Callable[[bytes, bytes], None],
        refused: Callable[[list[bytes], str], None],
    ) -> None:
        self._subscribe, self._unsubscribe = (
            (b"SSUBSCRIBE", b"SUNSUBSCRIBE") if sharded else (b"SUBSCRIBE", b"UNSUBSCRIBE")
        )
        self._chunk = 1 if sharded else _CHUNK
        self._on_message = on_message
        self._refused = refused
        self._connection: Connection | None = None
        self._asked: deque[_Asked] = deque()
        self._changes: dict[bytes, bool] = {}
        """Of this turn of the loop: channel -> to be subscribed, or else unsubscribed."""
        self._done: asyncio.Future[None] | None = None
        """When the subscriptions of this turn are confirmed."""
        self.wanted: dict[bytes, None] = {}

    def add(self, channel: bytes) -> asyncio.Future[None] | None:
        """Done when messages come, or when they will not before the next connection; None: that is now."""
        self.wanted[channel] = None
        if self._connection is None:
            return None
        self._change(channel, True)
        if self._done is None:
            self._done = asyncio.get_running_loop().create_future()
        return self._done

    def remove(self, channel: bytes) -> None:
        self.wanted.pop(channel, None)
        if self._connection is not None:
            self._change(channel, False)

    async def resume(self, connection: Connection) -> None:
        """Subscribe everything that is wanted on a new connection, which from now on is the one. Errors: ConnectionLost."""
        self.forget()
        self._connection = connection
        channels = iter(list(self.wanted))
        while some := list(islice(channels, _AHEAD)):
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            # Those that nobody wants any more in the meantime are unsubscribed behind this.
            self._ask(some, True, done)
            await done
            if not connection.is_open:
                raise ConnectionLost("the connection to Redis was lost while channels were subscribed")

    def forget(self) -> None:
        """The connection is gone."""
        self._connection = None
        self._changes.clear()
        self.release()
        self._asked.clear()

    def release(self) -> None:
        """Have nobody wait for confirmations: the server does not answer now."""
        for one in self._asked:
            _finish(one.done)
        done, self._done = self._done, None
        _finish(done)

    def on_push(self, push: list[Reply]) -> None:
        kind = push[0]
        if kind == b"message" or kind == b"smessage":
            _, channel, data = push
            if isinstance(channel, bytes) and isinstance(data, bytes):
                self._on_message(channel, data)
            return
        channel = push[1]
        if not isinstance(channel, bytes):
            return
        if kind in (b"subscribe", b"ssubscribe"):
            self._confirmed(True)
        elif kind in (b"unsubscribe", b"sunsubscribe"):
            head = self._asked[0] if self._asked else None
            if head is not None and not head.subscribing and channel in head.channels:
                self._confirmed(False)
            else:
                self._refused([channel], "it is served elsewhere now")

    def on_error(self, error: CommandRefused) -> None:
        """The oldest command was refused."""
        if not self._asked:
            _logger.error("Redis refused something: %s", error)
            return
        asked = self._asked.popleft()
        _finish(asked.done)
        if asked.subscribing:
            self._refused(asked.channels, error.detail)

    def _confirmed(self, subscribing: bool) -> None:
        if not self._asked or self._asked[0].subscribing is not subscribing:
            return
        head = self._asked[0]
        head.confirmed += 1
        if head.confirmed == len(head.channels):
            self._asked.popleft()
            _finish(head.done)

    def _change(self, channel: bytes, wanted: bool) -> None:
        if not self._changes:
            asyncio.get_running_loop().call_soon(self._flush)
        self._changes[channel] = wanted

    def _flush(self) -> None:
        changes, self._changes = self._changes, {}
        done, self._done = self._done, None
        if self._connection is None:
            _finish(done)
            return
        going = [channel for channel, wanted in changes.items() if not wanted]
        coming = [channel for channel, wanted in changes.items() if wanted]
        if going:
            self._ask(going, False, None)
        if coming:
            self._ask(coming, True, done)
        else:
            _finish(done)

    def _ask(self, channels: list[bytes], subscribing: bool, done: asyncio.Future[None] | None) -> None:
        connection = self._connection
        if connection is None or not connection.is_open:
            _finish(done)
            return
        command = self._subscribe if subscribing else self._unsubscribe
        for chunk in _chunks(channels, self._chunk):
            self._asked.append(_Asked(chunk, subscribing, None))
            connection.send_only(pack(command, *chunk))
        self._asked[-1].done = done


def _chunks(channels: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    rest = iter(channels)
    while chunk := list(islice(rest, size)):
        yield chunk


def _finish(done: asyncio.Future[None] | None) -> None:
    if done is not None and not done.done():
        done.set_result(None)
