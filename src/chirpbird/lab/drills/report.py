"""What came of the drills, as a table for the terminal and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from chirpbird.lab.drills.checker import Breach
from chirpbird.lab.drills.page import page
from chirpbird.lab.drills.rehearsal import Outcome

__all__ = ["kept", "show", "within", "write"]


def kept(outcomes: Sequence[Outcome]) -> bool:
    """No promise was broken, and nobody waited longer than the bounds say."""
    return all(outcome.verdict.holds and within(outcome) for outcome in outcomes)


def within(outcome: Outcome) -> bool:
    """Nobody waited longer than the drill's bounds say."""
    drill, verdict = outcome.drill, outcome.verdict
    return (drill.sending is None or verdict.sending <= drill.sending) and (
        drill.receiving is None or verdict.receiving <= drill.receiving
    )


def show(outcomes: Sequence[Outcome], console: Console) -> None:
    """The table, and below it what was broken."""
    table = Table(
        caption="Waits: the longest of anybody, in seconds, beside the bound.",
        box=SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for heading in ("drill", "sent", "acked", "delivered", *Breach, "send waits", "receive waits", "verdict"):
        table.add_column(
            heading, justify="left" if heading in ("drill", "verdict") else "right", no_wrap=True
        )
    for outcome in outcomes:
        verdict = outcome.verdict
        table.add_row(
            outcome.drill.name,
            *(f"{count:,}" for count in (verdict.sent, verdict.acknowledged, verdict.delivered)),
            *(_count(verdict.counts[breach]) for breach in Breach),
            _wait(verdict.sending, outcome.drill.sending),
            _wait(verdict.receiving, outcome.drill.receiving),
            _verdict(outcome),
        )
    console.print(table)
    for outcome in outcomes:
        for violation in outcome.verdict.violations:
            console.print(f"{outcome.drill.name}: {violation.breach}: {violation.what}", style="red")


def write(outcomes: Sequence[Outcome], directory: Path) -> tuple[Path, Path]:
    """``drills.json`` (all that happened) and ``drills.html`` (pictures): their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    data, document = directory / "drills.json", directory / "drills.html"
    data.write_bytes(msgspec.json.format(msgspec.json.encode(outcomes), indent=1))
    document.write_text(page(outcomes, good=[one.verdict.holds and within(one) for one in outcomes]))
    return data, document


def _count(count: int) -> str:
    return "[green]0[/]" if count == 0 else f"[bold red]{count:,}[/]"


def _wait(seconds: float, bound: float | None) -> str:
    if bound is None:
        return f"{seconds:.2f}"
    colour = "green" if seconds <= bound else "bold red"
    return f"[{colour}]{seconds:.2f}[/] / {bound:g}"


def _verdict(outcome: Outcome) -> str:
    if not outcome.verdict.holds:
        return "[bold red]broken[/]"
    return "[green]kept[/]" if within(outcome) else "[yellow]kept, but slow[/]"
