"""The wire between a page and its server, to cut and to lose things on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from playwright.async_api import Page, WebSocketRoute

__all__ = ["Line"]

Command = dict[str, Any]


class Line:
    """Every WebSocket of one page, from the next load or reconnect on."""

    def __init__(self) -> None:
        self.opened = 0
        """How often the page connected."""
        self.commands: list[Command] = []
        """What the page sent, in order."""
        self.refuse_with: int | None = None
        """Close new sockets at once with this code."""
        self.answer: Callable[[Command], Command | None] = lambda command: None
        """A reply instead of the server's, which then never sees the command; None: the server's own."""
        self.lose: Callable[[Command], bool] = lambda reply: False
        """True: the reply does not arrive, and the line is dead from then on."""
        self._sockets: list[WebSocketRoute] = []

    @classmethod
    async def of(cls, page: Page) -> Line:
        """Take the wire of this page; reload it to have it at once."""
        line = cls()
        await page.route_web_socket("**/connection/websocket", line._open)
        return line

    async def cut(self, code: int = 1001) -> None:
        """End what is open and refuse what comes, until ``mend``."""
        self.refuse_with = code
        for socket in self._sockets:
            await socket.close(code=code, reason="cut")
        self._sockets.clear()

    def mend(self) -> None:
        """Let the page connect again."""
        self.refuse_with = None

    async def _open(self, page_side: WebSocketRoute) -> None:
        self.opened += 1
        if self.refuse_with is not None:
            await page_side.close(code=self.refuse_with, reason="refused")
            return
        server_side = page_side.connect_to_server()
        self._sockets.append(page_side)

        def from_page(frame: str | bytes) -> None:
            passed = []
            for line in str(frame).split("\n"):
                command = json.loads(line)
                self.commands.append(command)
                reply = self.answer(command)
                if reply is None:
                    passed.append(line)
                else:
                    page_side.send(json.dumps({"id": command["id"], **reply}))
            if passed:
                server_side.send("\n".join(passed))

        def from_server(frame: str | bytes) -> None:
            if page_side not in self._sockets:
                return
            if any(self.lose(json.loads(line)) for line in str(frame).split("\n") if line):
                self._sockets.remove(page_side)
                return
            page_side.send(frame)

        page_side.on_message(from_page)
        server_side.on_message(from_server)
