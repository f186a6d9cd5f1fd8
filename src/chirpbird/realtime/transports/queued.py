"""Connections whose bytes a coroutine carries away, as ASGI has it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable

from chirpbird.realtime.transports.base import Framing, TransportInfo

__all__ = ["ASCII_LINES", "BARE", "CONNECTION_CLOSED", "EVENTS", "LINES", "QueuedConnection"]

CONNECTION_CLOSED = (3000, "connection closed")
_SLOW = 3008

_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


class _Bare:
    """Protobuf, which comes with its length."""

    def frame(self, payload: bytes) -> bytes:
        return payload


class _Lines:
    def frame(self, payload: bytes) -> bytes:
        return payload + b"\n"


class _AsciiLines:
    """Lines of JSON that may be cut anywhere: the JavaScript SDK decodes each piece of a stream by itself, so a character that
    were cut in two would be lost.
    """

    def frame(self, payload: bytes) -> bytes:
        if not payload.isascii():
            payload = _NOT_ASCII.sub(_escape, payload.decode()).encode()
        return payload + b"\n"


class _Events:
    """Server-sent events."""

    def frame(self, payload: bytes) -> bytes:
        return b"".join((b"data: ", payload, b"\n\n"))


BARE: Framing = _Bare()
LINES: Framing = _Lines()
ASCII_LINES: Framing = _AsciiLines()
EVENTS: Framing = _Events()


class QueuedConnection:
    """A ``Connection`` of which ``carry`` takes everything that is written in one turn of the event loop as one piece, and
    everything that is written while the peer is slow as the next one.
    """

    __slots__ = (
        "_close_timeout",
        "_deadline",
        "_lost",
        "_queue",
        "_size",
        "_waker",
        "end",
        "framing",
        "info",
    )

    def __init__(self, info: TransportInfo, framing: Framing, close_timeout: float) -> None:
        self.info = info
        self.framing = framing
        self.end: tuple[int, str] | None = None
        """Code and reason, from when it is over."""
        self._close_timeout = close_timeout
        self._queue: list[bytes] = []
        self._size = 0
        self._lost = False
        self._waker: asyncio.Future[None] | None = None
        self._deadline: asyncio.Timeout | None = None

    # What the engine calls

    def write(self, framed: bytes) -> None:
        if self.end is None:
            self._queue.append(framed)
            self._size += len(framed)
            self._wake()

    def buffered(self) -> int:
        return self._size

    def close(self, code: int, reason: str) -> None:
        if self.end is None:
            self.end = code, reason
            if code == _SLOW:
                self._queue.clear()  # who does not read would not read the rest either
                self._lost = True
                self._limit_time(0)
            else:
                self._limit_time(self._close_timeout)
            self._wake()

    # What the transport calls

    def lose(self, code: int = CONNECTION_CLOSED[0], reason: str = CONNECTION_CLOSED[1]) -> None:
        """The peer went: nothing can be sent any more."""
        if self.end is None:
            self.end = code, reason
        self._lost = True
        self._wake()

    async def carry(
        self, send: Callable[[bytes], Awaitable[None]], finish: Callable[[], Awaitable[None]]
    ) -> bool:
        """Give ``send`` what is written until the connection ends, and ``finish`` it if the peer is still there: then True.

        Errors: TimeoutError when the peer does not take the rest in ``close_timeout``; those of ``send`` and ``finish``.
        """
        async with asyncio.timeout(None) as self._deadline:
            if self.end is not None:
                self._limit_time(self._close_timeout)
            while not self._lost:
                if self._queue:
                    queue, self._queue = self._queue, []
                    piece = queue[0] if len(queue) == 1 else b"".join(queue)
                    await send(piece)
                    self._size -= len(piece)
                elif self.end is None:
                    self._waker = asyncio.get_running_loop().create_future()
                    await self._waker
                else:
                    await finish()
                    return True
        return False

    def _limit_time(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.reschedule(asyncio.get_running_loop().time() + seconds)

    def _wake(self) -> None:
        waker, self._waker = self._waker, None
        if waker is not None and not waker.done():
            waker.set_result(None)


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]
