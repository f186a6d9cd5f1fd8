"""The ``chirpbird realtime`` command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["realtime"]

EXIT_CANNOT_START = 1
_LEVELS = {"none": "error", "trace": "debug", "warn": "warning"}
"""Centrifugo's names that are not ours."""


def realtime(
    config: Annotated[
        Path, typer.Option(help="Configuration in JSON or YAML, with the option names of Centrifugo v6.")
    ],
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on, instead of http_server.address.", show_default=False),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            help="Port to listen on, 0 for any, instead of http_server.port.",
            min=0,
            max=65535,
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether the configuration can be used.")
    ] = False,
) -> None:
    """Serve the realtime engine alone, without the chat. See docs/standalone.md."""
    # Imported here so that --help and a bad option answer at once.
    from chirpbird.logs import configure_logging
    from chirpbird.settings import LogFormat, LogLevel
    from chirpbird.standalone import server
    from chirpbird.standalone.config import ConfigError, load
    from chirpbird.standalone.errors import CannotStart

    try:
        loaded = load(config, os.environ)
        if check:
            server.check(loaded)
            typer.echo("ok")
            return
        level = _LEVELS.get(loaded.log.level, loaded.log.level)
        configure_logging(LogLevel(level), LogFormat.TEXT)
        server.run(loaded.listening_on(host, port))
    except (ConfigError, CannotStart) as error:
        typer.echo(f"chirpbird: {error}", err=True)
        raise typer.Exit(EXIT_CANNOT_START) from None
