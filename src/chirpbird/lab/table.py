"""The lab's parts and how they are, for the terminal; 80 columns are enough."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table

from chirpbird.lab.control import Status

__all__ = ["table"]


def table(status: Status) -> Table:
    """One line a part."""
    shown = Table(
        title="Chirpbird lab", title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for heading in ("part", "address", "role", "health"):
        shown.add_column(heading, no_wrap=True)
    for heading in ("conns", "msgs/s", "lag"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for part in status.parts:
        well = part.health == "ok" and not part.cut
        health = "cut off" if part.cut else part.health
        shown.add_row(
            part.name,
            part.address,
            part.role,
            f"[green]{health}[/]" if well else f"[bold red]{health}[/]",
            "" if part.connections is None else f"{part.connections:.0f}",
            "" if part.rate is None else f"{part.rate:.1f}",
            part.lag,
        )
    return shown
