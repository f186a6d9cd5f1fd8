"""The ``chirpbird`` command."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from chirpbird import __version__
from chirpbird.cli_chat import chat
from chirpbird.cli_realtime import realtime
from chirpbird.lab.cli import app as lab

__all__ = ["app", "main"]

app = typer.Typer(
    name="chirpbird",
    help="A self-hosted team messenger on the Centrifuge realtime protocol.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


EXIT_CANNOT_START = 1
EXIT_INTERRUPTED = 130
_Config = Annotated[
    Path | None,
    typer.Option(
        envvar="CHIRPBIRD_CONFIG",
        help="TOML file with settings. \\[default: none]",
        show_default=False,
        show_envvar=False,
    ),
]


def main() -> None:
    """Entry point of the installed command."""
    app()


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chirpbird {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """A self-hosted team messenger on the Centrifuge realtime protocol."""


@app.command()
def serve(
    host: Annotated[
        str | None,
        typer.Option(
            help="Address to listen on; 0.0.0.0 for all. \\[default: 127.0.0.1]", show_default=False
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            help="Port for HTTP and WebSocket; 0 for any. \\[default: 8000]",
            min=0,
            max=65535,
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Directory for everything that is kept. \\[default: ./data]",
            show_default=False,
        ),
    ] = None,
    config: _Config = None,
) -> None:
    """Serve the chat: web client, API and realtime on one port, history in one directory.

    Every other setting is an environment variable, CHIRPBIRD_…, or a line of the file: see docs/operations.md.
    """
    # Imported here so that --help and a bad option answer at once.
    from pydantic import ValidationError

    from chirpbird.app import CannotStart, run
    from chirpbird.settings import SettingsError, explain, unknown_variables
    from chirpbird.settings_file import load_settings

    for sentence in unknown_variables(os.environ):
        _complain(sentence)
    given: dict[str, Any] = {"host": host, "port": port, "data": data}
    try:
        run(load_settings(config, **{name: value for name, value in given.items() if value is not None}))
    except ValidationError as error:
        for sentence in explain(error):
            _complain(sentence)
        raise typer.Exit(EXIT_CANNOT_START) from None
    except (SettingsError, CannotStart) as error:
        _complain(str(error))
        raise typer.Exit(EXIT_CANNOT_START) from None


@app.command()
def migrate(
    source: Annotated[
        str,
        typer.Option(
            "--from", help="What to copy: sqlite:DIRECTORY, mongodb://…, or mongodb.", show_default=False
        ),
    ],
    target: Annotated[
        str,
        typer.Option("--to", help="Where to: the same, and nothing may be in it yet.", show_default=False),
    ],
) -> None:
    """Copy everything from one store to another, and compare both. Stop the servers first.

    The word mongodb alone means the URI in CHIRPBIRD_MONGODB_URI, so that no password shows in a list of processes.
    Interrupted or killed, the same command goes on where it was.
    """
    from chirpbird.chat.errors import ChatError
    from chirpbird.migration import run

    try:
        run(source, target)
    except ChatError as error:
        _complain(str(error))
        raise typer.Exit(EXIT_CANNOT_START) from None
    except KeyboardInterrupt:
        _complain("interrupted; run the same command again to go on")
        raise typer.Exit(EXIT_INTERRUPTED) from None


app.command()(chat)
app.command()(realtime)
app.add_typer(lab, name="lab")


def _complain(message: str) -> None:
    Console(file=sys.stderr, highlight=False, soft_wrap=True).print(
        f"[bold red]chirpbird:[/] {escape(message)}", markup=True
    )
