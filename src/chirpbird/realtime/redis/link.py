"""One Redis server that takes writes: a line for commands, and a line that listens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from chirpbird.realtime.redis.connection import Argument, Connection, Handler, Reply, pack, settle
from chirpbird.realtime.redis.dial import Hello
from chirpbird.realtime.redis.errors import CommandRefused, ConnectionLost, RedisUnavailable
from chirpbird.realtime.redis.line import Line, Locate, Prepare
from chirpbird.realtime.redis.listening import Listening
from chirpbird.realtime.redis.options import RedisOptions
from chirpbird.realtime.redis.scripts import SCRIPTS, Script
from chirpbird.realtime.redis.url import Access

__all__ = ["Link", "evaluate"]

_LAST_WORDS = 0.5
"""Seconds."""

Send = Callable[[bytes, Handler], None]


class Link:
    """``check`` looks at a server before it is used, and raises if it is not the right one."""

    def __init__(
        self,
        *,
        name: str,
        locate: Locate,
        access: Access,
        options: RedisOptions,
        sharded: bool,
        check: Prepare,
        changed: Callable[[], None],
        on_message: Callable[[bytes, bytes], None],
        refused: Callable[[list[bytes], str], None],
    ) -> None:
        self._check = check
        self._changed = changed
        self.listening = Listening(sharded=sharded, on_message=on_message, refused=refused)
        self._commands = Line(
            name=f"commands of {name}",
            locate=locate,
            access=access,
            options=options,
            prepare=self._prepare_commands,
            changed=changed,
        )
        self._listener = Line(
            name=f"channels of {name}",
            locate=locate,
            access=access,
            options=options,
            prepare=self._prepare_listener,
            changed=self._listener_changed,
            on_push=self.listening.on_push,
            on_error=self.listening.on_error,
        )
        self.lines = (self._commands, self._listener)
        self.era = ""
        """Which process it is: what was written to another may be missing here."""

    @property
    def up(self) -> bool:
        return self._commands.up and self._listener.up

    async def open(self) -> None:
        """Connect for the first time. Errors: Misconfigured, RedisUnavailable."""
        opened = await asyncio.gather(*(line.open() for line in self.lines), return_exceptions=True)
        for error in opened:
            if error is not None:
                raise error

    def start(self) -> None:
        """Keep the connections from now on."""
        for line in self.lines:
            line.start()

    async def close(self) -> None:
        """Once what was sent last has arrived, if that does not take long."""
        with suppress(RedisUnavailable, TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await self.call("PING")
        for line in self.lines:
            await line.close()
        self.listening.forget()

    def cast(self, packed: bytes, handler: Handler | None = None) -> bool:
        """Send if that makes sense just now; otherwise nothing happens, and False is returned."""
        if not self._commands.up or self._commands.connection is None:
            return False
        self._commands.connection.send(packed, handler)
        return True

    def send(self, packed: bytes, handler: Handler) -> None:
        """Send, or tell the handler that it cannot be done."""
        if self._commands.up and self._commands.connection is not None:
            self._commands.connection.send(packed, handler)
        else:
            handler(ConnectionLost("there is no connection to Redis now"))

    def call(self, *command: Argument) -> asyncio.Future[Reply]:
        """Errors: CommandRefused, ConnectionLost."""
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.send(pack(*command), lambda answer: settle(reply, answer))
        return reply

    def subscribe(self, channel: bytes) -> asyncio.Future[None] | None:
        """See ``Listening.add``; never waits for a server that does not answer."""
        done = self.listening.add(channel)
        return done if self._listener.up else None

    async def _prepare_commands(self, connection: Connection, hello: Hello) -> None:
        await self._check(connection, hello)
        info = await connection.call("INFO", "server")
        lines = info.split(b"\r\n") if isinstance(info, bytes) else []
        self.era = next((line[7:].decode() for line in lines if line.startswith(b"run_id:")), "")
        for script in SCRIPTS:
            await connection.call("SCRIPT", "LOAD", script.source)

    async def _prepare_listener(self, connection: Connection, hello: Hello) -> None:
        await self.listening.resume(connection)

    def _listener_changed(self) -> None:
        if self._listener.connection is None:
            self.listening.forget()
        elif not self._listener.up:
            self.listening.release()
        self._changed()


def evaluate(
    send: Send, script: Script, keys: Sequence[bytes], arguments: Sequence[Argument]
) -> asyncio.Future[Reply]:
    """Run a script that the server should know; if it does not, it is told. Errors: CommandRefused, ConnectionLost."""
    result: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def answered(answer: Reply | RedisUnavailable) -> None:
        if isinstance(answer, CommandRefused) and answer.word == "NOSCRIPT":
            send(pack("EVAL", script.source, len(keys), *keys, *arguments), lambda late: settle(result, late))
        else:
            settle(result, answer)

    send(pack("EVALSHA", script.digest, len(keys), *keys, *arguments), answered)
    return result
