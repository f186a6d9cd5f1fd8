"""Starts the supervisor in its own world and waits until the lab is up."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from chirpbird.lab.control import Down, call
from chirpbird.lab.enter import in_own_world
from chirpbird.lab.errors import LabError

__all__ = ["Lab", "Options", "Progress", "launch"]

_END_SECONDS = 60.0


class Options(msgspec.Struct, frozen=True):
    """What the supervisor is asked for."""

    directory: str
    chats: int = 3
    settings: dict[str, str] = {}
    """Environment variables for the chat nodes."""
    program: tuple[str, ...] = (sys.executable, "-m", "chirpbird")
    """What chat nodes run: ``chirpbird``, or another build of it."""


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the supervisor's standard output while the lab comes up."""

    step: str = ""
    ready: bool = False
    error: str = ""


class Lab:
    """A lab that is up."""

    def __init__(self, directory: Path, process: subprocess.Popen[bytes]) -> None:
        self.directory = directory
        self.sockets = (directory / "lb1" / "chat.sock", directory / "lb2" / "chat.sock")
        """Of the balancers: the way in from outside."""
        self._process = process

    def when_over(self, tell: Callable[[], object]) -> None:
        """``tell`` is called, in another thread, when the lab ends, by whatever cause."""

        def wait() -> None:
            self._process.wait()
            tell()

        threading.Thread(target=wait, daemon=True).start()

    def end(self) -> None:
        """Everything in it stops; after a minute, it is killed. Nothing is left behind either way."""
        if self._process.poll() is None:
            try:
                call(self.directory, Down())
                self._process.wait(_END_SECONDS)
            except (LabError, subprocess.TimeoutExpired):
                self._process.kill()
        with self._process:  # waits, and closes its output
            return


def launch(options: Options, report: Callable[[str], None]) -> Lab:
    """``report`` is told each step. Errors: LabError when the lab does not come up; then nothing of it is left."""
    directory = Path(options.directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "logs").mkdir(exist_ok=True)
    command = (sys.executable, "-m", "chirpbird.lab.supervisor", msgspec.json.encode(options).decode())
    with (directory / "logs" / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            in_own_world(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl+C is for us; the lab is told by its socket
        )
    lab = Lab(directory, process)
    try:
        _await_ready(process, directory, report)
    except BaseException:
        lab.end()
        raise
    return lab


def _await_ready(process: subprocess.Popen[bytes], directory: Path, report: Callable[[str], None]) -> None:
    if process.stdout is None:
        raise LabError("the lab has no output")
    for line in process.stdout:
        progress = msgspec.json.decode(line, type=Progress)
        if progress.error:
            raise LabError(progress.error)
        if progress.ready:
            return
        report(progress.step)
    raise LabError(f"the lab did not start; see {directory}/logs/supervisor.log")
