"""Whom a text mentions: ``@username`` and ``@all``, outside of code."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from chirpbird.chat.entities import EVERYBODY, User
from chirpbird.chat.ports import Channels, Users
from chirpbird.chat.text import MAX_USERNAME, MIN_USERNAME

__all__ = ["ALL", "MAX_MENTIONS", "Mentioning", "names_in", "resolve"]

ALL = "all"
"""The name that stands for everybody in the channel."""
MAX_MENTIONS = 50
"""Different names of one text that are looked at: the first ones."""

_PUNCTUATION = "._-"
_CODE = re.compile(r"(?ms)^[ ]{0,3}(?P<fence>`{3,}|~{3,}).*?(?:^[ ]{0,3}(?P=fence)|\Z)")
_TICKS = re.compile("`+")


def names_in(text: str) -> list[tuple[str, ...]]:
    """What each mention may mean, the likelier first: in "@ann." a user of that name, or Ann at the end of a sentence. Names are
    case folded; each comes once, in the order of the text.
    """
    found: dict[tuple[str, ...], None] = {}
    text = _without_code(text)
    at = text.find("@")
    while at >= 0 and len(found) < MAX_MENTIONS:
        end = at + 1
        if at == 0 or not (_is_word(text[at - 1]) or text[at - 1] in _PUNCTUATION + "@/"):
            while end < len(text) and end - at <= MAX_USERNAME and _belongs(text[end]):
                end += 1
            if end == len(text) or not _belongs(text[end]):
                found.setdefault(_readings(text[at + 1 : end]))
        at = text.find("@", end)
    found.pop((), None)
    return list(found)


def resolve(names: Iterable[tuple[str, ...]], members: Mapping[str, User]) -> tuple[str, ...]:
    """The ids behind ``names_in``; ``members`` are those of the named who are in the channel, by case-folded username."""
    found: dict[str, None] = {}
    for readings in names:
        for name in readings:
            if name == ALL:
                found.setdefault(EVERYBODY)
                break
            if name in members:
                found.setdefault(members[name].id)
                break
    return tuple(found)


def _readings(name: str) -> tuple[str, ...]:
    name = name.casefold()
    readings = []
    while len(name) >= MIN_USERNAME:
        readings.append(name)
        if name[-1] not in _PUNCTUATION:
            break
        name = name[:-1]
    return tuple(readings)


def _without_code(text: str) -> str:
    """Code stays out: there ``@`` is a decorator or an address."""
    if "`" not in text and "~~~" not in text:
        return text
    text = _CODE.sub(" ", text)
    pieces, start, runs = [], 0, list(_TICKS.finditer(text))
    # For each length of backticks, where its runs are: a code span ends at the next run as long as the one that opened it.
    later: dict[int, list[int]] = {}
    for index in range(len(runs) - 1, -1, -1):
        later.setdefault(len(runs[index][0]), []).append(index)
    index = 0
    while index < len(runs):
        same = later[len(runs[index][0])]
        while same and same[-1] <= index:
            same.pop()
        if not same:
            index += 1
            continue
        pieces.append(text[start : runs[index].start()])
        start, index = runs[same[-1]].end(), same[-1] + 1
    return " ".join([*pieces, text[start:]])


def _belongs(character: str) -> bool:
    return character in _PUNCTUATION or _is_word(character)


def _is_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character) in {"Mn", "Mc"}


class Mentioning:
    """Finds the people that are mentioned."""

    def __init__(self, users: Users, channels: Channels) -> None:
        self._users = users
        self._channels = channels

    async def find(self, channel_id: str, text: str) -> tuple[str, ...]:
        """The members whom a text mentions, each once, EVERYBODY among them. Errors: StoreUnavailable."""
        names = names_in(text) if "@" in text else []
        if not names:
            return ()
        wanted = {name for readings in names for name in readings if name != ALL}
        known = await self._users.by_usernames(wanted) if wanted else []
        inside = await self._channels.memberships(channel_id, [user.id for user in known]) if known else {}
        members = {user.username.casefold(): user for user in known if user.id in inside}
        return resolve(names, members)
