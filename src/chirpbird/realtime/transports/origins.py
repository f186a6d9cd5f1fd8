"""Of which origins pages may connect."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator

__all__ = ["Origins"]

_CHOICE = re.compile(r"\{([^{}]*)\}")
_ADDRESS = re.compile(r"\[([0-9a-f:.]*:[0-9a-f:.]*)\]")
"""An IPv6 address, which looks like a set of characters."""
_SET = re.compile(r"\[!?[^\[\]]+\]")
_CHOICES_LIMIT = 256
_LENGTH_LIMIT = 512
"""Characters of a pattern, and of an origin that is held against it."""


class Origins:
    """Patterns of origins: ``*`` stands for any characters, ``?`` for one, ``[a-z]`` and ``[!a-z]`` for one of these or none of
    these, ``{a,b}`` for either. They are held against the whole origin, in small letters; without patterns there are none.

    Errors: ValueError for what is no pattern.
    """

    __slots__ = ("_pattern", "any")

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        wanted = [pattern.lower().rstrip("/") for pattern in patterns]
        self.any = "*" in wanted
        """All of them are allowed, by the pattern ``*``."""
        parts = [fnmatch.translate(one) for pattern in wanted for one in _simple(pattern)]
        self._pattern = re.compile("|".join(parts) or "(?!)")

    def allow(self, origin: str) -> bool:
        return self.any or (
            len(origin) <= _LENGTH_LIMIT and self._pattern.fullmatch(origin.lower()) is not None
        )


def _simple(pattern: str) -> Iterator[str]:
    """The patterns without choices that it stands for."""
    if len(pattern) > _LENGTH_LIMIT:
        raise ValueError(f"found a pattern of {len(pattern)} characters, expected at most {_LENGTH_LIMIT}")
    if set("[]\\") & set(_SET.sub("", _ADDRESS.sub("", pattern))):
        raise ValueError(f"found {pattern!r}, expected brackets in pairs, and no backslash")
    for one in _choices(_ADDRESS.sub(r"[[]\1]", pattern)):
        if "{" in one or "}" in one:
            raise ValueError(f"found {pattern!r}, expected braces in pairs")
        yield one


def _choices(pattern: str) -> list[str]:
    match = _CHOICE.search(pattern)
    if match is None:
        return [pattern]
    found: list[str] = []
    for choice in match[1].split(","):
        found += _choices(pattern[: match.start()] + choice + pattern[match.end() :])
        if len(found) > _CHOICES_LIMIT:
            raise ValueError(f"found a pattern with more than {_CHOICES_LIMIT} choices")
    return found
