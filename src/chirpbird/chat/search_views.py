"""What clients see of a search, as docs/API.md has it."""

from __future__ import annotations

import msgspec

from chirpbird.chat.views import EntryView

__all__ = ["FoundView", "FragmentView", "SearchView"]


class FragmentView(msgspec.Struct, frozen=True):
    """A piece of a text that was found; ``match``: it is what was looked for."""

    text: str
    match: bool


class FoundView(msgspec.Struct, frozen=True):
    """A message that was found; its text is the fragments one after the other."""

    message: EntryView
    fragments: list[FragmentView]


class SearchView(msgspec.Struct, frozen=True):
    """A page of what was found, newest first; ``cursor`` None: that was all."""

    found: list[FoundView]
    cursor: str | None
