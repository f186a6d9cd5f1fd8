"""What the person sees: channels, their entries by seq, and what waits to be sent. Knows of no screen and no network."""

from __future__ import annotations

import unicodedata
from bisect import insort
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

__all__ = ["Conversation", "Conversations", "Entry", "Person", "Sending", "visible"]

MAX_HELD = 2_000
"""Entries that a conversation keeps; older ones are asked for again when they are scrolled to."""


class Person(msgspec.Struct, frozen=True):
    id: str
    username: str
    name: str


class _ChannelRef(msgspec.Struct, frozen=True):
    id: str
    name: str = ""


class Entry(msgspec.Struct, frozen=True, rename="camel"):
    """``Entry`` of docs/API.md, as far as a terminal shows it."""

    seq: int
    type: str
    sender: Person
    created_at: str
    channel: _ChannelRef = _ChannelRef("")
    data: str = ""
    key: str = ""
    members: tuple[Person, ...] = ()


class _Channel(msgspec.Struct, frozen=True):
    id: str
    kind: str
    name: str
    participants: tuple[Person, ...] = ()


class _State(msgspec.Struct, frozen=True, rename="camel"):
    channel: _Channel
    last_message: Entry | None = None


class Sending(msgspec.Struct):
    """A message of one's own that is not acknowledged yet."""

    channel_id: str
    key: str
    text: str
    refused: str = ""
    """Why the server will not have it. Empty: it is on its way, and tried again until it arrives."""


class Conversation:
    """One channel."""

    def __init__(self, channel: _Channel, me: str) -> None:
        self.id = channel.id
        self.kind = channel.kind
        others = [person for person in channel.participants if person.id != me]
        self.title = visible(channel.name or ", ".join(person.name for person in others) or "Notes to self")
        self.entries: list[Entry] = []
        """Ascending by seq, each once."""
        self.has_older = True
        self.unread = 0
        self.last_at = ""
        self._me = me
        self._seqs: set[int] = set()

    @property
    def first_seq(self) -> int | None:
        return self.entries[0].seq if self.entries else None

    def add(self, entry: Entry) -> bool:
        """False: it is here already."""
        if entry.seq in self._seqs:
            return False
        self._seqs.add(entry.seq)
        insort(self.entries, entry, key=lambda one: one.seq)
        self.last_at = max(self.last_at, entry.created_at)
        return True

    def arrived(self, entry: Entry, *, seen: bool) -> bool:
        """A live one; ``seen``: the conversation is on the screen. False: it is here already."""
        if not self.add(entry):
            return False
        if entry.type == "message" and entry.sender.id != self._me and not seen:
            self.unread += 1
        self._shed()
        return True

    def begin_again(self) -> None:
        """What is here may not be next to what comes."""
        self.entries.clear()
        self._seqs.clear()
        self.has_older = True

    def _shed(self) -> None:
        if len(self.entries) > MAX_HELD + MAX_HELD // 4:
            gone, self.entries = self.entries[:-MAX_HELD], self.entries[-MAX_HELD:]
            self._seqs.difference_update(entry.seq for entry in gone)
            self.has_older = True


class Conversations:
    """All of them, and the outbox."""

    def __init__(self) -> None:
        self.me: Person | None = None
        self._by_id: dict[str, Conversation] = {}
        self.outbox: list[Sending] = []

    def __getitem__(self, channel_id: str) -> Conversation:
        return self._by_id[channel_id]

    def __contains__(self, channel_id: str) -> bool:
        return channel_id in self._by_id

    def find(self, channel_id: str) -> Conversation | None:
        return self._by_id.get(channel_id)

    def ordered(self) -> list[Conversation]:
        """Most recently written first."""
        return sorted(self._by_id.values(), key=lambda one: (one.last_at, one.id), reverse=True)

    @property
    def unread(self) -> int:
        return sum(one.unread for one in self._by_id.values())

    def take_state(self, data: Any) -> list[str]:
        """The connect reply's data. Ids of the channels that are gone. Errors: msgspec.ValidationError."""
        self.me = msgspec.convert(data["user"], Person)
        states = msgspec.convert(data["channels"], list[_State])
        for state in states:
            self._take(state)
        here = {state.channel.id for state in states}
        return [self.lose(channel_id) for channel_id in list(self._by_id) if channel_id not in here]

    def gain(self, state: Any) -> Conversation:
        """A ``ChannelState``. Errors: msgspec.ValidationError."""
        return self._take(msgspec.convert(state, _State))

    def lose(self, channel_id: str) -> str:
        self._by_id.pop(channel_id, None)
        return channel_id

    def _take(self, state: _State) -> Conversation:
        conversation = self._by_id.get(state.channel.id)
        if conversation is None:
            me = self.me.id if self.me is not None else ""
            conversation = self._by_id[state.channel.id] = Conversation(state.channel, me)
        if state.last_message is not None:
            conversation.last_at = max(conversation.last_at, state.last_message.created_at)
        return conversation

    def is_me(self, person: Person) -> bool:
        return self.me is not None and person.id == self.me.id

    # The outbox

    def waiting_in(self, channel_id: str) -> Sequence[Sending]:
        return [sending for sending in self.outbox if sending.channel_id == channel_id]

    def sent(self, key: str) -> None:
        """It is in the log."""
        self.outbox = [sending for sending in self.outbox if sending.key != key]


def visible(text: str) -> str:
    """Text of others as a terminal may show it: nothing that moves the cursor, changes colours or turns the direction of
    writing."""
    return "".join(_shown(text))


def _shown(text: str) -> Iterable[str]:
    for character in text:
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs"):
            yield "" if "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069" else character
        else:
            yield "\N{REPLACEMENT CHARACTER}"
