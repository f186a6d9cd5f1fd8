"""A client of a node that has to wait for others: real servers, other nodes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from chirpbird.realtime import Node
from tests.support.realtime import Recorder

__all__ = ["PATIENCE", "PatientPeer"]

PATIENCE = 20.0
"""Seconds after which something that is waited for has failed."""

Json = dict[str, Any]


class _Ringing(Recorder):
    def __init__(self) -> None:
        super().__init__()
        self.rang = asyncio.Event()

    def write(self, framed: bytes) -> None:
        super().write(framed)
        self.rang.set()

    def close(self, code: int, reason: str) -> None:
        super().close(code, reason)
        self.rang.set()


class PatientPeer:
    """Speaks JSON. ``pushes`` are what it was told without asking, in order."""

    def __init__(self, node: Node) -> None:
        self.connection = _Ringing()
        self._receiver = node.accept(self.connection)
        self._id = 0
        self._read = 0
        self._replies: dict[int, Json] = {}
        self.pushes: list[tuple[str, Json]] = []
        """Channel and push."""

    async def ask(self, **command: Json) -> Json:
        """A command's reply."""
        self._id += 1
        number = self._id
        self._receiver.received(json.dumps({"id": number, **command}).encode())
        await self.until(lambda: number in self._replies)
        reply = self._replies.pop(number)
        del reply["id"]
        return reply

    async def connect(self, token: str = "anna") -> Json:
        result: Json = (await self.ask(connect={"token": token}))["connect"]
        return result

    async def subscribe(self, channel: str, **fields: Any) -> Json:
        result: Json = (await self.ask(subscribe={"channel": channel, **fields}))["subscribe"]
        return result

    def pubs(self, channel: str) -> list[Json]:
        """All publications of a channel so far."""
        self._hear()
        return [push["pub"] for name, push in self.pushes if name == channel and "pub" in push]

    def heard(self, channel: str) -> list[Any]:
        """Their data."""
        return [pub["data"] for pub in self.pubs(channel)]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when it holds; looked at whenever something comes."""
        async with asyncio.timeout(PATIENCE):
            while True:
                self._hear()
                if condition():
                    return
                self.connection.rang.clear()
                await self.connection.rang.wait()

    def _hear(self) -> None:
        writes = self.connection.writes[self._read :]
        self._read += len(writes)
        for line in b"".join(writes).split(b"\n"):
            told = json.loads(line) if line else {}
            if "id" in told:
                self._replies[told["id"]] = told
            elif "push" in told:
                push = told["push"]
                self.pushes.append((push.pop("channel"), push))
