"""A door into the lab: a port of this machine, led through to whichever balancer answers, so that a browser can look in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["relay"]

_PIECE = 65_536


async def relay(port: int, sockets: Sequence[Path]) -> asyncio.Server:
    """Listens on the loopback address; ``sockets`` are the balancers' own, tried in order.

    Errors: OSError when the port is taken.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for path in sockets:
            with suppress(OSError):  # this balancer is down: the next one
                inner_reader, inner_writer = await asyncio.open_unix_connection(path)
                await asyncio.gather(_pass(reader, inner_writer), _pass(inner_reader, writer))
                return
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", port)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    except OSError:
        return  # either end hung up, which the other is told below
    finally:
        writer.close()
