"""What people type into the search: words, "phrases", from:name, in:channel, before:2026-01-31, after:2026-01-31."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec

from chirpbird.chat.errors import InvalidInput
from chirpbird.chat.search_terms import tokens

__all__ = ["MAX_QUERY", "Phrase", "SearchQuery", "parse"]

MAX_QUERY = 256
"""Characters."""
MAX_TERMS = 20

_PART = re.compile(r'(?:(from|in|before|after):)?(?:"([^"]*)"?|(\S+))', re.IGNORECASE)
_SHORTEST_PREFIX = 2


class Phrase(msgspec.Struct, frozen=True):
    """Terms that stand side by side in the text."""

    terms: tuple[str, ...]
    is_prefix: bool = False
    """The last term may go on: the person is typing it still."""
    is_unspaced: bool = False
    """Characters of a script without spaces."""

    @property
    def needed(self) -> tuple[str, ...]:
        """Terms of the index (``index_terms``) that a text with this phrase has, but for a prefix."""
        whole = self.terms[:-1] if self.is_prefix else self.terms
        if self.is_unspaced and len(whole) > 1:
            return tuple(first + second for first, second in pairwise(whole))
        return whole

    @property
    def prefix(self) -> str:
        """What one term of the text begins with; empty: there is no such condition."""
        return self.terms[-1] if self.is_prefix else ""

    @property
    def is_certain(self) -> bool:
        """Whether having the needed terms is having the phrase."""
        return len(self.terms) == 1 or (self.is_unspaced and len(self.terms) == 2)


class SearchQuery(msgspec.Struct, frozen=True):
    """A query taken apart. At least one phrase, or somebody in ``sender``."""

    phrases: tuple[Phrase, ...] = ()
    sender: str = ""
    """A username, or ``me``. Empty: anybody."""
    channel: str = ""
    """A channel's name or id. Empty: all of one's own."""
    after: int | None = None
    """Milliseconds since the epoch: the beginning of the day after the one named; entries from then on."""
    before: int | None = None
    """The beginning of the day named; entries before it."""


def parse(text: str) -> SearchQuery:
    """Errors: InvalidInput when it is too long, a date is none, or there is nothing to look for."""
    if len(text) > MAX_QUERY:
        raise InvalidInput(
            f"query is {len(text)} characters long, at most {MAX_QUERY} are expected", field="query"
        )
    phrases: list[Phrase] = []
    named = {"from": "", "in": ""}
    dates: dict[str, int] = {}
    for part in _PART.finditer(text):
        operator, quoted, bare = (part[1] or "").lower(), part[2], part[3]
        value = quoted if quoted is not None else bare
        if operator in ("from", "in"):
            named[operator] = value.lstrip("@#").strip()
        elif operator:
            dates[operator] = _day(operator, value)
        else:
            typing = bare is not None and part.end() == len(text)
            phrases.extend(_phrases(value, typing=typing))
    if sum(len(phrase.terms) for phrase in phrases) > MAX_TERMS:
        raise InvalidInput(f"query has more than {MAX_TERMS} words, fewer are expected", field="query")
    if not phrases and not named["from"]:
        raise InvalidInput("query has nothing to look for, a word or from:name is expected", field="query")
    after = dates.get("after")
    if after is not None:
        after += _DAY_MS
    return SearchQuery(tuple(phrases), named["from"], named["in"], after, dates.get("before"))


_DAY_MS = int(timedelta(days=1).total_seconds() * 1000)


def _day(operator: str, value: str) -> int:
    try:
        day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InvalidInput(
            f"{operator}: is followed by {value[:20]!r}, a day like 2026-01-31 is expected", field="query"
        ) from None
    return int(day.timestamp()) * 1000


def _phrases(value: str, *, typing: bool) -> list[Phrase]:
    """One, or several where words meet characters of a script without spaces."""
    found: list[Phrase] = []
    run: list[str] = []
    kind: bool | None = None
    for token in tokens(value):
        if run and token.is_word is not kind:
            found.append(_phrase(run, is_word=bool(kind), typing=False))
            run = []
        kind = token.is_word
        run.append(token.term)
    if run:
        found.append(_phrase(run, is_word=bool(kind), typing=typing))
    return found


def _phrase(terms: list[str], *, is_word: bool, typing: bool) -> Phrase:
    is_prefix = typing and is_word and len(terms[-1]) >= _SHORTEST_PREFIX
    return Phrase(tuple(terms), is_prefix, not is_word)
