"""``python -m chirpbird.lab.drills REQUEST``, inside the lab's network: what ``chirpbird lab drill`` has the supervisor start."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from random import Random

import msgspec
from rich.console import Console

from chirpbird.lab.control import Act, DrillOrder, Status, StatusRequest, call
from chirpbird.lab.drills.catalogue import held, named
from chirpbird.lab.drills.nemesis import Control
from chirpbird.lab.drills.rehearsal import Cast, Outcome, rehearse
from chirpbird.lab.drills.report import kept, show, write
from chirpbird.lab.errors import LabError
from chirpbird.lab.plan import CHAT_PORT, SHARED

EXIT_BROKEN = 1
EXIT_FAILED = 2
_TABLE_WIDTH = 140


async def _drill(order: DrillOrder, console: Console) -> list[Outcome]:
    directory = Path(order.directory)

    async def act(request: Act) -> None:
        await asyncio.to_thread(call, directory, request)

    async def status() -> Status:
        reply = await asyncio.to_thread(call, directory, StatusRequest())
        if reply.status is None:
            raise LabError("the lab did not say how its parts are")
        return reply.status

    outcomes = []
    chance = Random(order.seed)  # noqa: S311 - a seed must give the same drill again
    for drill in held(named(order.name, chance), order.seconds):
        console.print(f"[bold]{drill.name}[/] (seed {order.seed})")
        outcomes.append(
            await rehearse(
                drill,
                url=f"http://{SHARED}:{CHAT_PORT}",
                control=Control(act, status),
                cast=Cast(order.writers, order.readers, order.channels, catch_up=order.catch_up),
                seed=order.seed,
                say=console.print,
            )
        )
    return outcomes


def main() -> None:
    """Exit code 0: everything held. 1: a promise was broken, or somebody waited too long. 2: the drill itself failed."""
    console = Console(force_terminal=True, highlight=False, soft_wrap=True)
    order = msgspec.json.decode(sys.argv[1], type=DrillOrder)
    try:
        outcomes = asyncio.run(_drill(order, console))
    except LabError as error:
        console.print(f"[bold red]the drill failed:[/] {error}")
        raise SystemExit(EXIT_FAILED) from None
    show(outcomes, Console(force_terminal=True, highlight=False, width=max(order.width, _TABLE_WIDTH)))
    for path in write(outcomes, Path(order.report)):
        console.print(f"written: {path}")
    raise SystemExit(0 if kept(outcomes) else EXIT_BROKEN)


if __name__ == "__main__":
    main()
