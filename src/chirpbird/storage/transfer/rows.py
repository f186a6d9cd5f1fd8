"""What a store consists of, as rows that every store can read and write."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from chirpbird.chat.entities import Channel, Entry, Membership, RefreshToken, User

__all__ = ["ChannelRow", "Key", "Row", "Section", "Source", "Target", "key_of"]


class Section(StrEnum):
    """The parts of a store, in the order in which they are copied."""

    USERS = "users"
    CHANNELS = "channels"
    ENTRIES = "entries"
    MEMBERS = "members"
    SIGN_INS = "sign-ins"


class ChannelRow(msgspec.Struct, frozen=True):
    """A channel; ``pair`` is empty, or has both user ids in order with a space between."""

    channel: Channel
    pair: str


Row = User | ChannelRow | Entry | Membership | RefreshToken
Key = tuple[str | int | bytes, ...]
"""Rows are in ascending order of it, texts by their UTF-8 bytes."""


def key_of(row: Row) -> Key:
    """The row's place in its section."""
    if isinstance(row, User):
        return (row.id,)
    if isinstance(row, ChannelRow):
        return (row.channel.id,)
    if isinstance(row, Entry):
        return (row.channel_id, row.seq)
    if isinstance(row, Membership):
        return (row.channel_id, row.user_id)
    return (row.digest,)


class Source(Protocol):
    """A store as rows. Errors of all methods: StoreUnavailable."""

    async def count(self, section: Section) -> int:
        """How many rows the section has."""
        ...

    async def rows(self, section: Section, *, after: Key | None, limit: int) -> list[Row]:
        """The first ``limit`` rows behind a key; None: from the beginning."""
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...


class Target(Source, Protocol):
    """A store that is being filled. Until it is finished no server opens it."""

    async def last(self, section: Section) -> Key | None:
        """The key of the last row that is there; None: none. All rows before it are there too."""
        ...

    async def write(self, section: Section, rows: Sequence[Row]) -> None:
        """Add rows in the order of their keys; durable when it returns, and a prefix of them is there if it is cut short."""
        ...

    async def finish(self) -> None:
        """Everything is there: from now on it is a store like any other."""
        ...
