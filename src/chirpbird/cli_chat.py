"""The ``chirpbird chat`` command."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

__all__ = ["chat"]

EXIT_CANNOT_START = 1


def chat(
    server: Annotated[
        str,
        typer.Argument(
            help="Where Chirpbird is, such as https://chat.example.org.", envvar="CHIRPBIRD_SERVER"
        ),
    ] = "http://127.0.0.1:8000",
    user: Annotated[
        str | None, typer.Option(help="Who signs in. [default: who did last]", show_default=False)
    ] = None,
) -> None:
    """Chat in the terminal. Needs the extra packages of chirpbird[chat]."""
    # Imported here so that --help and a bad option answer at once, and servers do without the packages.
    try:
        from chirpbird.terminal.app import ChatApp
    except ModuleNotFoundError as error:
        typer.echo(
            f"chirpbird: {error.name} is missing; install it with: pip install 'chirpbird[chat]'", err=True
        )
        raise typer.Exit(EXIT_CANNOT_START) from None
    from chirpbird.terminal.account import Account, server_address
    from chirpbird.terminal.errors import TerminalError
    from chirpbird.terminal.keyring import Keyring

    async def run() -> None:
        account = Account(server_address(server), Keyring())
        try:
            await ChatApp(account, user).run_async()
        finally:
            await account.close()

    try:
        asyncio.run(run())
    except TerminalError as error:
        typer.echo(f"chirpbird: {error}", err=True)
        raise typer.Exit(EXIT_CANNOT_START) from None
