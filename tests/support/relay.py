"""A TCP relay on a loopback port, to cut or to hold up what goes through it."""

from __future__ import annotations

import asyncio
from typing import Self

__all__ = ["Relay"]


class Relay:
    """``async with Relay(port) as relay``: what connects to ``relay.port`` talks to ``port``."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self._open.set()
        self.port = 0
        self._accepting = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def __aenter__(self) -> Self:
        await self.heal()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()
        await self.cut()
        await self._idle.wait()

    async def heal(self) -> None:
        """Take connections (again)."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break all connections and refuse new ones."""
        if self._server is not None:
            self._server.close()
        self._server = None
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

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._accepting += 1
        self._idle.clear()
        try:
            await self._connect(reader, writer)
        finally:
            self._accepting -= 1
            if not self._accepting:
                self._idle.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = self._server
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        if server is not self._server:  # cut in the meantime
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
