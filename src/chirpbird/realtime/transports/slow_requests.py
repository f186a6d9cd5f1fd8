"""Limits on how long a request may take to arrive. uvicorn has none: clients that send a byte now and then would keep
their connections, and its memory, for ever.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["ImpatientProtocol", "Phase"]


class Phase(StrEnum):
    """What a client owes."""

    NOTHING = "nothing"
    """The answer is ours to give, or uvicorn waits for a next request."""
    REQUEST = "request"
    """A first request, or one of which only blank lines came."""
    HEAD = "request head"
    BODY = "request body"


class ImpatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol, and one timer. Whoever feeds the parser calls ``_watch`` behind that, and ``_forget`` when the
    connection is not HTTP any more.
    """

    _phase = Phase.NOTHING
    _timed: tuple[Phase, int] = (Phase.NOTHING, 0)
    """What the timer is for: the phase, and of which request."""
    _requests = 0
    _patience: asyncio.TimerHandle | None = None

    def time_limit(self, phase: Phase) -> float:
        """Seconds for this part of a request; 0: any time."""
        raise NotImplementedError

    def too_slow(self, phase: Phase) -> None:
        """The time is over. The connection has to be closed."""
        raise NotImplementedError

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._requests += 1
        self._phase = Phase.HEAD

    def on_headers_complete(self) -> None:
        self._phase = Phase.BODY
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._phase = Phase.NOTHING

    def _watch(self) -> None:
        """Have the timer fit what the client owes now. A timer that already does goes on: bytes that drip in earn no time."""
        phase = self._phase
        if phase is Phase.NOTHING and self.timeout_keep_alive_task is None and self._all_answered():
            phase = Phase.REQUEST
        timed = (phase, self._requests)
        if timed == self._timed:
            return
        self._forget()
        self._timed = timed
        if phase is not Phase.NOTHING and (limit := self.time_limit(phase)) > 0:
            self._patience = self.loop.call_later(limit, self._on_timer, limit)

    def _forget(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _all_answered(self) -> bool:
        cycle = self.cycle
        return cycle is None or cycle.response_complete  # type: ignore[redundant-expr]  # uvicorn hides that it may be None

    def _on_timer(self, limit: float) -> None:
        self._patience = None
        if self.transport.is_closing():
            return
        if self.flow.read_paused:  # it is the application that is slow
            self._patience = self.loop.call_later(limit, self._on_timer, limit)
        else:
            self.too_slow(self._timed[0])
