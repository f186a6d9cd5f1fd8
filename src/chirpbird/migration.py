"""``chirpbird migrate``: a copy between stores with a progress bar."""

from __future__ import annotations

import asyncio
import os
import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from chirpbird.chat.errors import StoreCannotOpen, StoreNotEmpty
from chirpbird.storage.transfer import (
    Section,
    Source,
    copy,
    is_finished,
    open_source,
    open_target,
)

__all__ = ["run"]

_FROM_ENVIRONMENT = "mongodb"
_VARIABLE = "CHIRPBIRD_MONGODB_URI"


def run(source: str, target: str) -> None:
    """Copy the store at one address to another. Errors: ChatError."""
    source, target = _address(source), _address(target)
    if source == target:
        raise StoreCannotOpen("--from and --to are the same store, two are expected")
    console = Console(highlight=False)
    with Bars(
        TextColumn("{task.description}", justify="right"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
    ) as bars:
        counts = asyncio.run(_copy(source, target, _Watcher(bars)))
    table = Table("", "copied")
    for section, count in counts.items():
        table.add_row(section, f"{count:,}")
    console.print(table)
    console.print("Both stores have the same content.")


async def _copy(source: str, target: str, watcher: _Watcher) -> dict[Section, int]:
    origin = await open_source(source)
    try:
        try:
            destination = await open_target(target, origin.name)
        except StoreNotEmpty:
            if not await _is_finished(origin, target, watcher):
                raise
            return {section: await origin.count(section) for section in Section}
        try:
            return await copy(origin, destination, watcher)
        finally:
            await destination.close()
    finally:
        await origin.close()


async def _is_finished(origin: Source, target: str, watcher: _Watcher) -> bool:
    whole = await open_source(target)
    try:
        return await is_finished(origin, whole, watcher)
    finally:
        await whole.close()


class _Watcher:
    """One bar for each part."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def begin(self, what: str, done: int, total: int) -> None:
        self._task = self._bars.add_task(what, completed=done, total=total)

    def advance(self, rows: int) -> None:
        if self._task is not None:
            self._bars.advance(self._task, rows)


def _address(given: str) -> str:
    if given != _FROM_ENVIRONMENT:
        return given
    uri = os.environ.get(_VARIABLE)
    if not uri:
        raise StoreCannotOpen(
            f"{_VARIABLE} is not set; set it, or write the whole mongodb://… instead of mongodb"
        )
    return uri
