"""A part that runs, is paused, dies, and comes back."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

from chirpbird.lab.errors import LabError
from chirpbird.lab.plan import Host, Part

__all__ = ["PartState", "Process"]

_STOP_SECONDS = 20.0
"""A part that does not stop when asked to is killed after this."""


class PartState(StrEnum):
    """How the lab left a part."""

    RUNNING = "running"
    PAUSED = "paused"
    DEAD = "dead"


class Process:
    """One part's process, started again as often as need be. Its output goes to ``NAME.log``."""

    def __init__(
        self, part: Part, directory: Path, inside: Callable[[Host, Sequence[str]], Sequence[str]]
    ) -> None:
        self.part = part
        self._home = directory / part.name
        self._log = directory / "logs" / f"{part.name}.log"
        self._inside = inside
        self._process: asyncio.subprocess.Process | None = None
        self._paused = False

    @property
    def state(self) -> PartState:
        if self._process is None or self._process.returncode is not None:
            return PartState.DEAD
        return PartState.PAUSED if self._paused else PartState.RUNNING

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def prepare(self) -> None:
        """Write the files that the part is configured by."""
        for name, text in self.part.files.items():
            path = self._home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            if name in self.part.programs:
                path.chmod(0o755)
        self._home.mkdir(parents=True, exist_ok=True)
        self._log.parent.mkdir(parents=True, exist_ok=True)

    async def start(self) -> None:
        if self.state is not PartState.DEAD:
            raise LabError(f"{self.part.name} is {self.state} already")
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._inside(self.part.host, self.part.command),
                env={**os.environ, **self.part.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._paused = False

    async def kill(self) -> None:
        """As a power cut does it."""
        self._signal(signal.SIGKILL)
        await self._gone()

    async def stop(self) -> None:
        """As an operator does it."""
        self._signal(signal.SIGTERM)
        if self._paused:
            self.resume()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._gone()
        except TimeoutError:
            await self.kill()
            raise LabError(
                f"{self.part.name} did not stop within {_STOP_SECONDS:g} s and was killed"
            ) from None

    def pause(self) -> None:
        """As a machine that is overwhelmed, or a disk that hangs: connections stay open, and nothing answers."""
        self._signal(signal.SIGSTOP)
        self._paused = True

    def resume(self) -> None:
        self._signal(signal.SIGCONT)
        self._paused = False

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None or self._process.returncode is not None:
            raise LabError(f"{self.part.name} is dead already")
        self._process.send_signal(number)

    async def _gone(self) -> None:
        if self._process is not None:
            await self._process.wait()
