"""What broker and presence ask of a set of servers, however they belong together; and a set with one master."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from chirpbird.realtime.redis.connection import Argument, Connection, Reply
from chirpbird.realtime.redis.dial import Hello
from chirpbird.realtime.redis.errors import CommandRefused, Misconfigured, RedisUnavailable
from chirpbird.realtime.redis.line import Locate
from chirpbird.realtime.redis.link import Link, evaluate
from chirpbird.realtime.redis.options import RedisOptions
from chirpbird.realtime.redis.scripts import Script
from chirpbird.realtime.redis.url import Address, RedisSet

__all__ = ["LAYOUT", "OnMessage", "Servers", "SingleServers", "check_layout"]

LAYOUT = b"1"
"""Version of what the keys mean."""

OnMessage = Callable[[bytes, bytes], None]


class Servers(Protocol):
    """One Redis. ``key`` is a channel, which decides upon the server in a cluster."""

    publish_command: bytes
    """PUBLISH, or SPUBLISH in clusters."""

    @property
    def up(self) -> bool:
        """All that is needed is there."""
        ...

    async def open(self) -> None:
        """Connect for the first time. Errors: Misconfigured, RedisUnavailable."""
        ...

    def start(self) -> None:
        """Keep the connections from now on, whether or not ``open`` succeeded."""
        ...

    async def close(self) -> None: ...

    def cast(self, key: bytes, packed: bytes) -> bool:
        """Send a packed command and forget it; False: that is not possible now."""
        ...

    def run(
        self, key: bytes, script: Script, keys: Sequence[bytes], *arguments: Argument
    ) -> asyncio.Future[Reply]:
        """Run a script; the name of the process that runs it comes before the arguments.

        Errors: CommandRefused, ConnectionLost."""
        ...

    def call(self, key: bytes, *command: Argument) -> asyncio.Future[Reply]:
        """Errors: CommandRefused, ConnectionLost."""
        ...

    def subscribe(self, channel: bytes) -> asyncio.Future[None] | None:
        """Never fails: without a connection, it is done when there is one."""
        ...

    def unsubscribe(self, channel: bytes) -> None: ...


async def check_layout(connection: Connection, key: bytes, name: str) -> None:
    """Whether the keys are of this version. Errors: Misconfigured, RedisUnavailable."""
    try:
        found = await connection.call("SET", key, LAYOUT, "NX", "GET")
    except CommandRefused as error:
        if error.word == "NOPERM":
            raise Misconfigured(
                f"Redis ({name}) does not let this user use its keys ({error.detail}): allow ~{key.decode()[:-8]}:* "
                f"&{key.decode()[:-8]}:* +@all -@dangerous +info"
            ) from error
        if error.word == "WRONGTYPE":
            found = b"something else"
        else:
            raise
    if found not in (None, LAYOUT):
        said = found.decode(errors="replace") if isinstance(found, bytes) else repr(found)
        raise Misconfigured(
            f"the keys in Redis ({name}) are of layout {said}, expected {LAYOUT.decode()}: another version of this program "
            f"uses them; stop it and delete {key.decode()}, or choose another prefix"
        )


class SingleServers:
    """A standalone server, or the master that Sentinels name."""

    publish_command = b"PUBLISH"

    def __init__(
        self,
        one: RedisSet,
        options: RedisOptions,
        *,
        locate: Locate,
        moves: bool,
        version_key: bytes,
        changed: Callable[[], None],
        on_message: OnMessage,
        on_error: Callable[[str], None],
    ) -> None:
        self._name = one.name
        self._locate = locate
        self._moves = moves
        self._interval = options.watch_interval
        self._version_key = version_key
        self._on_error = on_error
        self._watcher: asyncio.Task[None] | None = None
        self._link = Link(
            name=one.name,
            locate=locate,
            access=one.access,
            options=options,
            sharded=False,
            check=self._check,
            changed=changed,
            on_message=on_message,
            refused=self._refused,
        )

    @property
    def up(self) -> bool:
        return self._link.up

    async def open(self) -> None:
        await self._link.open()

    def start(self) -> None:
        self._link.start()
        if self._moves:
            self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait([self._watcher])
            self._watcher = None
        await self._link.close()

    def cast(self, key: bytes, packed: bytes) -> bool:
        return self._link.cast(packed)

    def run(
        self, key: bytes, script: Script, keys: Sequence[bytes], *arguments: Argument
    ) -> asyncio.Future[Reply]:
        return evaluate(self._link.send, script, keys, (self._link.era, *arguments))

    def call(self, key: bytes, *command: Argument) -> asyncio.Future[Reply]:
        return self._link.call(*command)

    def subscribe(self, channel: bytes) -> asyncio.Future[None] | None:
        return self._link.subscribe(channel)

    def unsubscribe(self, channel: bytes) -> None:
        self._link.listening.remove(channel)

    async def _check(self, connection: Connection, hello: Hello) -> None:
        if hello.mode != "standalone":
            scheme = f"redis+{hello.mode}://" + ("…?master=name" if hello.mode == "sentinel" else "")
            raise Misconfigured(
                f"Redis ({self._name}) is a {hello.mode}, expected a server: write {scheme} in the URL"
            )
        if hello.role != "master":
            if self._moves:
                raise RedisUnavailable(
                    f"the server that Sentinels call master of {self._name} is a {hello.role} yet"
                )
            raise Misconfigured(
                f"Redis ({self._name}) is a {hello.role}, expected the master: name that one in the URL, or Sentinels"
            )
        await check_layout(connection, self._version_key, self._name)

    def _refused(self, channels: list[bytes], words: str) -> None:
        self._on_error(f"Redis ({self._name}) does not let this user listen: {words}")

    async def _watch(self) -> None:
        """Sentinels may have made another server master, without this one having noticed."""
        while True:
            await asyncio.sleep(self._interval if self._link.up else self._interval / 4)
            try:
                master: Address = await self._locate()
            except (Misconfigured, RedisUnavailable):
                continue  # the link says so when it has need of them
            for line in self._link.lines:
                if line.connection is not None and line.address != master:
                    line.drop(f"the master is {master} now")
