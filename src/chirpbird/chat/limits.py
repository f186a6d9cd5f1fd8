"""How much of everything: the numbers of docs/API.md's Limits that are not about the form of text."""

from __future__ import annotations

from dataclasses import dataclass

from chirpbird.chat.errors import InvalidInput

__all__ = [
    "MAX_MEMBERS_AT_ONCE",
    "MAX_PAGE",
    "MAX_SEARCH",
    "MAX_SEQ",
    "ChatLimits",
    "bounded",
]

MAX_PAGE = 300
"""Entries of one page of history."""
MAX_SEARCH = 50
MAX_MEMBERS_AT_ONCE = 200
"""People added by one call, and members on one page."""
MAX_SEQ = 2**53 - 1
"""The largest whole number that every JSON reader gets right."""


@dataclass(frozen=True, kw_only=True)
class ChatLimits:
    """What an operator may turn. All rates are per node."""

    sends_at_once: int = 20
    sends_per_second: float = 5.0
    """Per person, after the first ``sends_at_once``."""
    searches_at_once: int = 20
    searches_per_second: float = 3.0
    """Per person, in the messages."""
    sign_ins_per_name: int = 10
    sign_ins_per_address: int = 30
    registrations_per_address: int = 30
    refreshes_per_address: int = 1000
    """An office behind one address has this many pages in half the life of an access token."""
    sign_in_window: float = 300.0
    """Seconds that the four counts above are for."""
    access_token_seconds: int = 600
    refresh_token_seconds: int = 30 * 24 * 3600
    """How long a device stays signed in without being used."""
    refresh_grace_seconds: int = 30
    """How long a used refresh token still works: for two tabs at once, or an answer that got lost."""
    people_remembered: int = 50_000
    channels_remembered: int = 50_000
    """Records kept at hand for rendering."""


def bounded(value: int, *, field: str, minimum: int, maximum: int) -> int:
    """``value`` if it is between the two, both included. Errors: InvalidInput."""
    if not minimum <= value <= maximum:
        raise InvalidInput(f"{field} is {value}, {minimum} to {maximum} is expected", field=field)
    return value
