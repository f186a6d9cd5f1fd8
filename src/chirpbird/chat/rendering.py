"""Entries as clients see them: the log's ids filled in with names."""

from __future__ import annotations

from collections.abc import Sequence

from chirpbird.chat.directory import Directory
from chirpbird.chat.entities import Channel, Entry, EntryKind
from chirpbird.chat.people import People
from chirpbird.chat.permissions import no_such_channel
from chirpbird.chat.views import EntryView, encode, entry_view, render_entry

__all__ = ["Renderer"]


class Renderer:
    """Renders entries with the names that the directories know."""

    def __init__(self, people: People, channels: Directory[Channel]) -> None:
        self._people = people
        self._channels = channels

    def render_now(self, entry: Entry) -> bytes | None:
        """The entry as JSON if every name in it is at hand, else None: then ``render`` will fetch them. Never
        waits.

        What was just sent is at hand nearly always: sending looks its sender and channel up.
        """
        people = self._people.directory
        sender = people.peek(entry.sender_id)
        channel = self._channels.peek(entry.channel_id)
        if sender is None or channel is None:
            return None
        if entry.kind is EntryKind.MESSAGE:
            return render_entry(entry, sender, channel)
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
        """Each entry, in order. Errors as of ``render``."""
        people = await self._people.named(
            user_id for entry in entries for user_id in (entry.sender_id, *entry.members)
        )
        channels = await self._channels.get_many(entry.channel_id for entry in entries)
        views = []
        for entry in entries:
            channel = channels.get(entry.channel_id)
            if channel is None:
                raise no_such_channel()
            members = [people[user_id] for user_id in entry.members]
            views.append(entry_view(entry, people[entry.sender_id], channel, members))
        return views
