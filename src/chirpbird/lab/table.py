"""The lab's parts and how they are, for the terminal."""

from __future__ import annotations

from rich.table import Table

from chirpbird.lab.control import Status

__all__ = ["table"]


def table(status: Status) -> Table:
    """One line a part."""
    shown = Table(title="Chirpbird lab", title_justify="left")
    for heading in ("part", "address", "state", "role", "health"):
        shown.add_column(heading)
    for heading in ("connections", "messages/s", "lag"):
        shown.add_column(heading, justify="right")
    for part in status.parts:
        state = f"{part.state}, cut off" if part.cut else part.state
        well = part.health == "ok" and not part.cut
        shown.add_row(
            part.name,
            part.address,
            state,
            part.role,
            f"[green]{part.health}[/]" if well else f"[bold red]{part.health}[/]",
            "" if part.connections is None else f"{part.connections:.0f}",
            "" if part.rate is None else f"{part.rate:.1f}",
            part.lag,
        )
    return shown
