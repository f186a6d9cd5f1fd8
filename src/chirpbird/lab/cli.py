"""``chirpbird lab``: a whole cluster on this machine, and the drills that break it."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from chirpbird.lab.control import Act, Action, Down, DrillOrder, Status, StatusRequest, call, stream
from chirpbird.lab.errors import LabError
from chirpbird.lab.launch import Lab, Options, launch
from chirpbird.lab.relay import relay
from chirpbird.lab.table import table

__all__ = ["app"]

app = typer.Typer(
    help="A whole cluster on this machine, from the real programs, and the drills that break it.",
    no_args_is_help=True,
)

EXIT_FAILED = 2
_REFRESH_SECONDS = 1.0

Directory = Annotated[
    Path, typer.Option("--dir", help="Where the lab keeps its files and logs.", file_okay=False)
]
Part = Annotated[str, typer.Argument(help="A part's name, as in the table of lab status.")]
Chats = Annotated[int, typer.Option(help="Chat nodes.", min=1, max=20)]
HERE = Path("lab-data")


@app.command()
def up(
    directory: Directory = HERE,
    chats: Chats = 3,
    port: Annotated[
        int, typer.Option(help="Port of this machine that leads to the balancers.", min=1, max=65535)
    ] = 8000,
) -> None:
    """Start 3 chat nodes, 2 HAProxy, Redis with replicas and Sentinels, and 3 mongod; watch them until Ctrl+C."""
    with _failing_well(), _started(Options(str(directory.resolve()), chats)) as lab:
        _console().print(f"The chat is at [bold]http://127.0.0.1:{port}[/]  (Ctrl+C ends the lab)")
        asyncio.run(_watch(lab, port))


@app.command()
def status(directory: Directory = HERE) -> None:
    """Show every part: role, health, connections, messages a second, lag."""
    with _failing_well():
        _console().print(table(_status(directory.resolve())))


@app.command()
def kill(part: Part, directory: Directory = HERE) -> None:
    """Kill a part at once, as by a power cut."""
    _act(Action.KILL, part, directory)


@app.command()
def stop(part: Part, directory: Directory = HERE) -> None:
    """Stop a part as an operator does: it may say goodbye."""
    _act(Action.STOP, part, directory)


@app.command()
def pause(part: Part, directory: Directory = HERE) -> None:
    """Freeze a part: its connections stay open, and nothing answers."""
    _act(Action.PAUSE, part, directory)


@app.command()
def cut(
    part: Part,
    off: Annotated[
        str,
        typer.Option("--from", help="Only from hosts whose names begin so: redis, mongo2. [default: all]"),
    ] = "",
    directory: Directory = HERE,
) -> None:
    """Pull the network cable of a part's host."""
    _act(Action.CUT, part, directory, off)


@app.command()
def heal(
    part: Annotated[str, typer.Argument(help="A part's name, or all.")] = "all", directory: Directory = HERE
) -> None:
    """Undo what was done to a part: start it, wake it, plug it in."""
    _act(Action.HEAL, part, directory)


@app.command()
def drill(
    name: Annotated[
        str, typer.Argument(help="A drill's name, random, or all; a wrong one lists them.")
    ] = "all",
    directory: Directory = HERE,
    report: Annotated[
        Path | None, typer.Option(help="Directory for drills.json and drills.html. [default: in --dir]")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="The same seed hits the same parts. [default: a new one]")
    ] = None,
    writers: Annotated[int, typer.Option(help="People who write.", min=1, max=200)] = 6,
    readers: Annotated[int, typer.Option(help="People who read.", min=1, max=200)] = 4,
    channels: Annotated[int, typer.Option(help="Groups that they share.", min=1, max=50)] = 3,
    seconds: Annotated[
        float | None,
        typer.Option(help="How long each part stays broken. [default: as the drill says]", min=0.1),
    ] = None,
) -> None:
    """Break parts while people write and read, and judge what they saw. Starts a lab of its own if none is up."""
    where = directory.resolve()
    console = _console()
    order = DrillOrder(
        name,
        str(where),
        str((report or directory).resolve()),
        seed if seed is not None else random.randrange(1_000_000),  # noqa: S311 - picks faults, keeps no secrets
        writers,
        readers,
        channels,
        seconds,
        width=console.width,
    )
    with _failing_well():
        if _is_up(where):
            code = _run(order, console)
        else:
            with _started(Options(str(where))):
                code = _run(order, console)
    raise typer.Exit(code)


@app.command()
def down(directory: Directory = HERE) -> None:
    """End the lab: everything in it stops. Its files and logs stay."""
    with _failing_well():
        call(directory.resolve(), Down())


def _console() -> Console:
    return Console(highlight=False)


def _act(action: Action, part: str, directory: Path, off: str = "") -> None:
    with _failing_well():
        call(directory.resolve(), Act(action, part, off))


def _status(directory: Path) -> Status:
    reply = call(directory, StatusRequest())
    if reply.status is None:
        raise LabError("the lab did not say how its parts are")
    return reply.status


def _is_up(directory: Path) -> bool:
    try:
        _status(directory)
    except LabError:
        return False
    return True


def _run(order: DrillOrder, console: Console) -> int:
    for reply in stream(Path(order.directory), order):
        if reply.text is not None:
            console.file.write(reply.text)
            console.file.flush()
        if reply.code is not None:
            return reply.code
    raise LabError("the lab ended in the middle of the drill")


async def _watch(lab: Lab, port: int) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    lab.when_over(lambda: loop.call_soon_threadsafe(over.set))
    try:
        door = await relay(port, lab.sockets)
    except OSError as error:
        raise LabError(
            f"cannot listen on port {port} ({error.strerror}); choose another with --port"
        ) from error
    async with door:
        with Live(console=_console(), auto_refresh=False) as live:
            while not over.is_set():
                live.update(table(await asyncio.to_thread(_status, lab.directory)), refresh=True)
                try:
                    await asyncio.wait_for(over.wait(), _REFRESH_SECONDS)
                except TimeoutError:
                    continue


@contextmanager
def _started(options: Options) -> Iterator[Lab]:
    console = _console()
    with console.status("Starting the lab") as shown:
        lab = launch(options, lambda step: shown.update(f"Starting the lab: {step}"))
    try:
        yield lab
    finally:
        with console.status("Stopping the lab"):
            lab.end()


@contextmanager
def _failing_well() -> Iterator[None]:
    try:
        yield
    except LabError as error:
        Console(file=sys.stderr, highlight=False, soft_wrap=True).print(
            f"[bold red]chirpbird lab:[/] {error}"
        )
        raise typer.Exit(EXIT_FAILED) from None
