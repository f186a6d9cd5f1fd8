"""uvicorn's server, taught how realtime connections end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Awaitable, Callable
from types import FrameType

import uvicorn

__all__ = ["RealtimeServer"]


class RealtimeServer(uvicorn.Server):
    """A uvicorn server that closes the realtime connections at shutdown while HTTP requests are still
    answered.

    ``begin`` is called at the first SIGINT or SIGTERM, in the signal handler: from then on the acceptor should refuse, and
    health checks should fail. ``close_connections`` is awaited next, while the port is still open, so that a load balancer
    learns from its health checks and not from refused connections. Then the port is closed, and uvicorn waits for what
    is unfinished and ends the application. (An application that closes its connections in its lifespan is called too late on
    asyncio's own loop from Python 3.12 on, where uvicorn waits for every connection that the port ever accepted.)

    A second signal ends the process at once, as if nobody handled it.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        close_connections: Callable[[], Awaitable[object]],
        begin: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(config)
        self._close_connections = close_connections
        self._begin = begin

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        self.should_exit = True
        self._begin()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._close_connections()
        await super().shutdown(sockets)
