"""Entries as clients see them: the log's ids filled in with names, answers with what they answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import UNSET

from chirpbird.chat.directory import Directory
from chirpbird.chat.entities import Channel, Entry, EntryKind, User
from chirpbird.chat.folding import Message, fold
from chirpbird.chat.people import People
from chirpbird.chat.permissions import no_such_channel
from chirpbird.chat.ports import EntryId, Log
from chirpbird.chat.views import (
    REACTION_USERS,
    EntryView,
    QuoteView,
    encode,
    entry_view,
    message_view,
    quote_view,
    render_entry,
)

__all__ = ["Renderer"]


class Renderer:
    """Renders entries with the names that the directories know."""

    def __init__(self, people: People, channels: Directory[Channel], log: Log) -> None:
        self._people = people
        self._channels = channels
        self._log = log

    def render_now(self, entry: Entry) -> bytes | None:
        """The entry as JSON if everything in it is at hand, else None: then ``render`` will fetch it. Never
        waits.

        What was just sent is at hand nearly always: sending looks its sender and channel up. Answers are not: they quote.
        """
        people = self._people.directory
        sender = people.peek(entry.sender_id)
        channel = self._channels.peek(entry.channel_id)
        if sender is None or channel is None:
            return None
        if entry.kind is EntryKind.MESSAGE:
            return None if entry.target else render_entry(entry, sender, channel)
        members = people.known(entry.members)
        if members is None:
            return None
        return render_entry(entry, sender, channel, members)

    async def render(self, entries: Sequence[Entry]) -> list[bytes]:
        """Each entry as JSON, in order.

        Errors: NotFound for entries of a channel that is gone; StoreUnavailable.
        """
        return [encode(view) for view in await self.views(entries)]

    async def views(self, entries: Sequence[Entry]) -> list[EntryView]:
        """Each entry as it was appended, in order. Errors as of ``render``."""
        people = await self._people.named(
            user_id for entry in entries for user_id in (entry.sender_id, *entry.members)
        )
        channels = await self._channels.get_many(entry.channel_id for entry in entries)
        quotes = await self._quotes(entries)
        views = []
        for entry in entries:
            channel = channels.get(entry.channel_id)
            if channel is None:
                raise no_such_channel()
            members = [people[user_id] for user_id in entry.members]
            quote = quotes.get((entry.channel_id, entry.target), UNSET)
            views.append(entry_view(entry, people[entry.sender_id], channel, members, quote))
        return views

    async def folded(self, entries: Sequence[Entry], asker: str) -> list[EntryView]:
        """Each entry in order, messages as they are now and ``asker`` shall see them. Errors as of ``render``."""
        said = [entry for entry in entries if entry.kind is EntryKind.MESSAGE]
        now = await self.now(said)
        people = await self._people.named(_reacting(now.values()))
        views = []
        for entry, view in zip(entries, await self.views(entries), strict=True):
            message = now.get((entry.channel_id, entry.seq))
            views.append(view if message is None else message_view(view, message, people, asker))
        return views

    async def now(self, said: Sequence[Entry]) -> dict[EntryId, Message]:
        """MESSAGE entries as they are now. Errors: StoreUnavailable."""
        if not said:
            return {}
        changes = await self._log.changes((entry.channel_id, entry.seq) for entry in said)
        places = {(entry.channel_id, entry.seq): entry for entry in said}
        return {place: fold(entry, changes.get(place, ())) for place, entry in places.items()}

    async def _quotes(self, entries: Sequence[Entry]) -> dict[EntryId, QuoteView]:
        wanted = {
            (entry.channel_id, entry.target)
            for entry in entries
            if entry.kind is EntryKind.MESSAGE and entry.target and entry.text
        }
        if not wanted:
            return {}
        said = await self._log.messages(wanted)
        now = await self.now(list(said.values()))
        people: dict[str, User] = await self._people.named(entry.sender_id for entry in said.values())
        return {
            place: quote_view(entry.seq, people[entry.sender_id], now[place]) for place, entry in said.items()
        }


def _reacting(messages: Iterable[Message]) -> Iterable[str]:
    return (
        user_id
        for message in messages
        for reaction in message.reactions
        for user_id in reaction.user_ids[:REACTION_USERS]
    )
