"""The copy itself: goes on where the target ends, and compares both sides when all is written."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Protocol

import msgspec

from chirpbird.chat.errors import CopyFailed
from chirpbird.storage.transfer.rows import Key, Row, Section, Source, Target, key_of

__all__ = ["Progress", "compare", "copy", "is_finished"]

BATCH = 2_000
"""Rows that are read or written at once."""

_encoder = msgspec.msgpack.Encoder()


class Progress(Protocol):
    """Somebody who watches."""

    def begin(self, what: str, done: int, total: int) -> None:
        """A part begins, with so many of its rows done before."""
        ...

    def advance(self, rows: int) -> None:
        """So many more of the part are done."""
        ...


async def copy(source: Source, target: Target, progress: Progress) -> dict[Section, int]:
    """Copy what the target does not have yet, compare everything, and finish the target; how many rows each section has.

    Errors: CopyFailed, StoreUnavailable. After either, and after being killed, the same copy can be started again.
    """
    for section in Section:
        await _copy_section(source, target, section, progress)
    counts = await compare(source, target, progress)
    await target.finish()
    return counts


async def compare(source: Source, target: Source, progress: Progress) -> dict[Section, int]:
    """See that both have the same rows; how many each section has. Errors: CopyFailed, StoreUnavailable."""
    counts = {}
    for section in Section:
        total = await source.count(section)
        progress.begin(f"compare {section}", 0, 2 * total)
        theirs, ours = await _digest(source, section, progress), await _digest(target, section, progress)
        if theirs != ours:
            raise CopyFailed(
                f"{section} differ: the source has {theirs[0]} rows with hash {theirs[1][:16]}, the copy {ours[0]} with "
                f"{ours[1][:16]}; the source must not change while it is copied: stop its servers, drop the copy, copy again"
            )
        counts[section] = ours[0]
    return counts


async def is_finished(source: Source, target: Source, progress: Progress) -> bool:
    """Whether the target is the whole copy already: then the last attempt was cut short when all was done."""
    for section in Section:
        if await source.count(section) != await target.count(section):
            return False
    try:
        await compare(source, target, progress)
    except CopyFailed:
        return False
    return True


async def _digest(store: Source, section: Section, progress: Progress) -> tuple[int, str]:
    """How many rows a section has, and the SHA-256 of them all in order."""
    hashed = hashlib.sha256()
    count = 0
    after: Key | None = None
    while rows := await store.rows(section, after=after, limit=BATCH):
        hashed.update(_encoder.encode(rows))
        count += len(rows)
        after = key_of(rows[-1])
        progress.advance(len(rows))
    return count, hashed.hexdigest()


async def _copy_section(source: Source, target: Target, section: Section, progress: Progress) -> None:
    total, done, last = await asyncio.gather(
        source.count(section), target.count(section), target.last(section)
    )
    progress.begin(f"copy {section}", done, total)
    rows = await source.rows(section, after=last, limit=BATCH)
    while rows:
        # The next rows are read while these are written.
        _, following = await asyncio.gather(
            target.write(section, rows), source.rows(section, after=key_of(rows[-1]), limit=BATCH)
        )
        progress.advance(len(rows))
        rows = list[Row](following)
