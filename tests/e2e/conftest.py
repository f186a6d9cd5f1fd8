"""A real server in a process of its own, real browsers, and the words to drive them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, async_playwright

from tests.support.ports import free_port

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Server:
    """``chirpbird serve`` in a process of its own, on one port and one data directory for as many lives as a test needs."""

    def __init__(
        self,
        data: Path,
        environment: dict[str, str] | None = None,
        *,
        inside: Sequence[str] = (),
        command: Sequence[str] = (sys.executable, "-m", "chirpbird"),
    ) -> None:
        """``inside``: the command that runs what follows it, as the same process, where the data are."""
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.websocket_url = f"ws://127.0.0.1:{self.port}/connection/websocket"
        self._environment = environment or {}
        self._command = (*inside, *command)
        self._process: asyncio.subprocess.Process | None = None
        self._stderr = b""

    async def start(self) -> None:
        """Start and wait until it says where it serves; fails with what it printed if it ends instead."""
        said = await self.try_to_start()
        if said is not None:
            pytest.fail(f"the server did not start:\n{said}")

    async def try_to_start(self) -> str | None:
        """The same; what it printed if it ended instead of serving."""
        assert self._process is None
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            *("serve", "--port", str(self.port), "--data", str(self.data)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **self._environment},
        )
        assert self._process.stdout is not None
        printed = []
        async for line in self._process.stdout:
            printed.append(line.decode())
            if self.url in printed[-1]:
                self._drain = asyncio.create_task(self._keep_output(printed))
                return None
        await self._process.wait()
        self._process = None
        return "".join(printed)

    async def _keep_output(self, printed: list[str]) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        printed += [line.decode() async for line in self._process.stdout]
        self.output = "".join(printed)

    def send(self, with_signal: signal.Signals) -> None:
        """Send the signal, and go on."""
        assert self._process is not None
        self._process.send_signal(with_signal)

    async def end(self, with_signal: signal.Signals) -> int:
        """Send the signal, wait for the end, and give back the exit code."""
        self.send(with_signal)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for the end, and give back the exit code."""
        assert self._process is not None
        code = await self._process.wait()
        await self._drain
        self._process = None
        return code

    async def kill(self) -> None:
        """``kill -9``: no goodbye, no flush."""
        assert await self.end(signal.SIGKILL) == -signal.SIGKILL

    async def close(self) -> None:
        """End it if it lives."""
        if self._process is not None:
            await self.end(signal.SIGKILL)

    async def register(self, username: str, password: str = "correct horse") -> dict[str, object]:
        """Make an account over REST; its user, access token and refresh token."""
        async with httpx.AsyncClient(base_url=self.url) as http:
            answer = await http.post(
                "/users", json={"username": username, "password": password, "wantRefreshToken": True}
            )
            assert answer.status_code == 201, answer.text
            data: dict[str, object] = answer.json()["data"]
            return data


StartServer = Callable[..., Awaitable[Server]]


@pytest.fixture
async def start_server(tmp_path: Path) -> AsyncIterator[StartServer]:
    """Start servers that end with the test. Keyword arguments are ``CHIRPBIRD_`` settings in lower case."""
    servers: list[Server] = []

    async def start(**settings: str) -> Server:
        environment = {f"CHIRPBIRD_{name.upper()}": value for name, value in settings.items()}
        server = Server(tmp_path / f"data-{len(servers)}", environment)
        servers.append(server)
        await server.start()
        return server

    yield start
    for server in servers:
        await server.close()


@pytest.fixture
async def server(start_server: StartServer) -> Server:
    """One server with a fresh directory."""
    return await start_server()


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium. A test's people are contexts of it: each has cookies and storage of its own."""
    executable = shutil.which("chromium")
    assert executable, "chromium is not installed; `make test` installs it"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield browser
        await browser.close()
