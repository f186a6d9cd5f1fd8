"""A TCP relay on a loopback port, to cut or to hold up what goes through it."""

from __future__ import annotations

import asyncio
import socket
from typing import Self

__all__ = ["Relay"]


class Relay:
    """``async with Relay(port) as relay``: what connects to ``relay.port`` talks to ``port``."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener: socket.socket | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self._open.set()
        self.port = 0
        self._accepting: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.heal()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()
        await self.cut()
        if self._accepting:
            await asyncio.wait(self._accepting)

    async def heal(self) -> None:
        """Take connections (again)."""
        # Not by asyncio's server: that drops what it has accepted, unclosed, when it is closed in the same turn of the loop.
        if self._listener is not None:
            return
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._listener, self._ready, self._listener)

    async def cut(self) -> None:
        """Break all connections and refuse new ones."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
        self._listener = None
        self.drop()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def drop(self, index: int | None = None) -> None:
        """Break all connections, or the one that was made as number ``index`` of those that are left."""
        writers = self._writers if index is None else self._writers[2 * index : 2 * index + 2]
        for writer in list(writers):
            writer.transport.abort()
            self._writers.remove(writer)

    def hold(self) -> None:
        """Nothing goes through any more, and nothing breaks."""
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def _ready(self, listener: socket.socket) -> None:
        try:
            accepted, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # who came is gone already
        accepted.setblocking(False)
        task = asyncio.get_running_loop().create_task(self._connect(accepted, listener))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)

    async def _connect(self, accepted: socket.socket, listener: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=accepted)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        if listener is not self._listener:  # cut in the meantime
            writer.transport.abort()
            back.transport.abort()
            return
        self._writers += [writer, back]
        for source, target in ((reader, back), (there, writer)):
            task = asyncio.get_running_loop().create_task(self._pass(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self._open.wait()
                target.write(data)
        except OSError:
            pass  # broken on purpose
        finally:
            target.transport.abort()
