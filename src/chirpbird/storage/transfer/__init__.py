"""Copying everything from one store to another: row by row in the order of keys, resumable, verified at the end."""

from __future__ import annotations

from chirpbird.storage.transfer.addresses import open_source, open_target
from chirpbird.storage.transfer.copying import Progress, copy, is_finished
from chirpbird.storage.transfer.rows import Section, Source

__all__ = [
    "Progress",
    "Section",
    "Source",
    "copy",
    "is_finished",
    "open_source",
    "open_target",
]
