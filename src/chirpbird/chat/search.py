"""Finding what was said, in the channels that one is in."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chirpbird.chat.clock import Clock
from chirpbird.chat.directory import Directory
from chirpbird.chat.entities import Channel, Entry
from chirpbird.chat.errors import InvalidInput
from chirpbird.chat.limits import MAX_SEARCH, ChatLimits, bounded
from chirpbird.chat.ports import Channels, Place, Search, Users, Wanted
from chirpbird.chat.rendering import Renderer
from chirpbird.chat.search_query import Phrase, SearchQuery, parse
from chirpbird.chat.search_terms import holds, tokens
from chirpbird.chat.search_views import FoundView, FragmentView, SearchView
from chirpbird.chat.throttle import Throttle

__all__ = ["MessageSearch"]

_CANDIDATES = 100
"""Entries read at a time where phrases have to be looked for in them."""
_MOST_CANDIDATES = 1_000
"""Of one request; it then answers with what it has, and where to go on."""


class MessageSearch:
    """Full-text search. Who is no longer in a channel finds nothing there from that moment on."""

    def __init__(
        self,
        search: Search,
        channels: Channels,
        users: Users,
        directory: Directory[Channel],
        renderer: Renderer,
        clock: Clock,
        limits: ChatLimits,
    ) -> None:
        self._search = search
        self._channels = channels
        self._users = users
        self._directory = directory
        self._renderer = renderer
        self._throttle = Throttle(
            "searches",
            burst=limits.searches_at_once,
            per_second=limits.searches_per_second,
            now=clock.monotonic,
        )

    async def find(self, user_id: str, query: str, *, cursor: str = "", limit: int = 20) -> SearchView:
        """Messages that hold all of the query, newest first; ``limit`` is 1-50, ``cursor`` the one of the page before.

        Errors: InvalidInput, TooMany, StoreUnavailable.
        """
        bounded(limit, field="limit", minimum=1, maximum=MAX_SEARCH)
        asked = parse(query)
        before = _place(cursor) if cursor else None
        self._throttle.check(user_id)
        wanted = await self._wanted(user_id, asked)
        if wanted is None:
            return SearchView([], None)
        uncertain = [phrase for phrase in asked.phrases if not phrase.is_certain]
        entries, end = await self._collect(wanted, uncertain, before, limit)
        views = await self._renderer.folded(entries, user_id)
        found = [
            FoundView(view, _fragments(view.data, asked.phrases))
            for view in views
            if isinstance(view.data, str)
        ]
        return SearchView(found, None if end is None else _cursor(end))

    async def _collect(
        self, wanted: Wanted, uncertain: Sequence[Phrase], before: Place | None, limit: int
    ) -> tuple[list[Entry], Place | None]:
        """Up to ``limit`` entries, and the place behind which there may be more."""
        entries: list[Entry] = []
        seen = 0
        size = max(limit, _CANDIDATES) if uncertain else limit
        while True:
            candidates = await self._search.find(wanted, before=before, limit=size)
            now = await self._renderer.now(candidates) if uncertain else {}
            for entry in candidates:
                before = Place(entry.created_at, entry.channel_id, entry.seq)
                if not uncertain or _has_all(now[entry.channel_id, entry.seq].text, uncertain):
                    entries.append(entry)
                    if len(entries) == limit:
                        return entries, before
            seen += len(candidates)
            if len(candidates) < size:
                return entries, None
            if seen >= _MOST_CANDIDATES:
                return entries, before

    async def _wanted(self, user_id: str, asked: SearchQuery) -> Wanted | None:
        """None: nothing can fit."""
        channel_ids = await self._channels.ids_of_user(user_id)
        if asked.channel:
            known = await self._directory.get_many(channel_ids)
            name = asked.channel.casefold()
            channel_ids = [
                channel_id
                for channel_id in channel_ids
                if channel_id.casefold() == name
                or (channel_id in known and known[channel_id].name.casefold() == name)
            ]
        sender = ""
        if asked.sender.casefold() == "me":
            sender = user_id
        elif asked.sender:
            found = await self._users.by_username(asked.sender)
            if found is None:
                return None
            sender = found.id
        if not channel_ids:
            return None
        return Wanted(
            channel_ids=tuple(channel_ids),
            terms=tuple(dict.fromkeys(term for phrase in asked.phrases for term in phrase.needed)),
            prefix=next((phrase.prefix for phrase in asked.phrases if phrase.prefix), ""),
            sender_id=sender,
            after=asked.after,
            before=asked.before,
        )


def _has_all(text: str, phrases: Sequence[Phrase]) -> bool:
    there = list(tokens(text))
    return all(holds(there, phrase.terms, prefix=phrase.is_prefix) for phrase in phrases)


def _fragments(text: str, phrases: Sequence[Phrase]) -> list[FragmentView]:
    """The whole text in pieces, those that were looked for marked."""
    there = list(tokens(text))
    spans = sorted(span for phrase in phrases for span in holds(there, phrase.terms, prefix=phrase.is_prefix))
    fragments: list[FragmentView] = []
    at = 0
    for start, end in spans:
        if end <= at:
            continue
        if start > at:
            fragments.append(FragmentView(text[at:start], match=False))
        fragments.append(FragmentView(text[max(start, at) : end], match=True))
        at = end
    if at < len(text):
        fragments.append(FragmentView(text[at:], match=False))
    return fragments


def _cursor(place: Place) -> str:
    return f"{place.created_at}.{place.channel_id}.{place.seq}"


def _place(cursor: str) -> Place:
    try:
        created_at, channel_id, seq = cursor.split(".")
        return msgspec.convert((int(created_at), channel_id, int(seq)), Place)
    except (ValueError, msgspec.ValidationError):
        raise InvalidInput("cursor is not one that a search gave", field="cursor") from None
