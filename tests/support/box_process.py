"""``chirpbird realtime`` in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

__all__ = ["BoxProcess"]


class BoxProcess:
    """Serves a configuration on any free port for as long as the context lasts, and ends without an error."""

    def __init__(self, config: Path | dict[str, Any], directory: Path) -> None:
        if isinstance(config, dict):
            content, config = config, directory / "config.json"
            config.write_text(json.dumps(content))
        self._config = config
        self.url = ""
        self.output = ""

    @property
    def address(self) -> str:
        """Host and port."""
        return self.url.partition("://")[2]

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/connection/websocket"

    async def __aenter__(self) -> BoxProcess:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "chirpbird", "realtime", "--config", str(self._config), "--port", "0"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert self._process.stdout is not None
        while (found := re.search(r"(https?://\S+) .*\n.*\n", self.output)) is None:
            line = await self._process.stdout.readline()
            assert line, f"it ended with {await self._process.wait()}:\n{self.output}"
            self.output += line.decode()
        self.url = found[1]
        return self

    async def kill(self) -> None:
        """As a power cut does."""
        self._process.kill()
        await self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode == -signal.SIGKILL:
            return
        self._process.send_signal(signal.SIGTERM)
        rest, _nothing = await self._process.communicate()
        self.output += rest.decode()
        assert self._process.returncode == 0, self.output
