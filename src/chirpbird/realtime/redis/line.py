"""A connection that is made again whenever it is lost, and that knows whether the server is there."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from chirpbird.realtime.redis.connection import Connection, Reply
from chirpbird.realtime.redis.dial import Hello, dial
from chirpbird.realtime.redis.errors import CommandRefused, Misconfigured, RedisUnavailable
from chirpbird.realtime.redis.options import RedisOptions
from chirpbird.realtime.redis.url import Access, Address

__all__ = ["Line", "Locate", "Prepare"]

_logger = logging.getLogger("chirpbird.realtime.redis")

Locate = Callable[[], Awaitable[Address]]
"""Where the server is now. Errors: Misconfigured, RedisUnavailable."""
Prepare = Callable[[Connection, Hello], Awaitable[None]]
"""What is to be done on a new connection before it counts as up. Errors: Misconfigured, RedisUnavailable."""


def _ignore(push: list[Reply]) -> None:
    """Of lines that do not listen."""


class Line:
    """``changed`` is told whenever ``up`` may have become another."""

    def __init__(
        self,
        *,
        name: str,
        locate: Locate,
        access: Access,
        options: RedisOptions,
        prepare: Prepare,
        changed: Callable[[], None],
        on_push: Callable[[list[Reply]], None] = _ignore,
        on_error: Callable[[CommandRefused], None] | None = None,
    ) -> None:
        self._name = name
        self._locate = locate
        self._access = access
        self._options = options
        self._prepare = prepare
        self._changed = changed
        self._on_push = on_push
        self._on_error = on_error
        self._task: asyncio.Task[None] | None = None
        self._complaint = ""
        self.connection: Connection | None = None
        """Prepared, and not known to be lost."""
        self.address: Address | None = None
        """Of the connection."""
        self.up = False
        """The server was there a moment ago."""

    async def open(self) -> None:
        """Connect for the first time. Errors: Misconfigured, RedisUnavailable."""
        await self._connect()

    def start(self) -> None:
        """Keep the connection from now on."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Give the connection up for good."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        if self.connection is not None:
            self.connection.close()
        self._set(None)

    def drop(self, reason: str) -> None:
        """Give the connection up, and make another."""
        if self.connection is not None:
            self.connection.close(reason)

    async def _connect(self) -> None:
        address = await self._locate()
        connection, hello = await dial(
            address,
            self._access,
            timeout=self._options.connect_timeout,
            on_push=self._on_push,
            on_error=self._on_error,
        )
        try:
            await self._prepare(connection, hello)
        except BaseException:
            connection.close()
            raise
        self.address = address
        self._set(connection)

    async def _run(self) -> None:
        options = self._options
        pause = options.retry_min
        time = asyncio.get_running_loop().time
        while True:
            if self.connection is None:
                try:
                    await self._connect()
                except (Misconfigured, RedisUnavailable) as error:
                    self._complain(str(error))
                except Exception as error:
                    _logger.exception("connecting to Redis failed")
                    self._complain(repr(error))
            connection = self.connection
            if connection is not None:
                began = time()
                self._complaint = ""
                reason = await self._watch(connection)
                self._set(None)
                _logger.warning(
                    "the connection to Redis (%s, %s) is lost: %s", self._name, self.address, reason
                )
                if time() - began > options.retry_max:
                    pause = options.retry_min
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret
            pause = min(2 * pause, options.retry_max)

    async def _watch(self, connection: Connection) -> str:
        """Until it is lost; why."""
        time = asyncio.get_running_loop().time
        step = self._options.suspect_after / 3
        while not connection.lost.done():
            began = time()
            await asyncio.wait([connection.lost], timeout=step)
            silence = connection.silence()
            if time() - began > 2 * step:
                continue  # this process was held up itself, and has not read yet what has come since
            if silence > self._options.drop_after:
                connection.close(f"no answer for {silence:.1f} s")
            up = silence <= self._options.suspect_after
            if up is not self.up and not connection.lost.done():
                self.up = up
                self._changed()
            connection.ping()
        return connection.lost.result()

    def _set(self, connection: Connection | None) -> None:
        self.connection = connection
        self.up = connection is not None
        self._changed()

    def _complain(self, message: str) -> None:
        """Once for each thing that is wrong, not for each time that it is tried."""
        if message != self._complaint:
            self._complaint = message
            _logger.warning("Redis (%s) cannot be used now, it is tried again: %s", self._name, message)
