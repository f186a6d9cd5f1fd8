"""What the engine and its users pass to each other: publications, positions, people."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TypeAlias, TypeVar

import msgspec

__all__ = [
    "ClientInfo",
    "HistoryResult",
    "MaybeAwaitable",
    "PresenceStats",
    "Publication",
    "PublishResult",
    "StreamPosition",
]

T = TypeVar("T")

MaybeAwaitable: TypeAlias = T | Awaitable[T]
"""The value itself, or something to await for it. Stores in this process answer at once, and nobody pays for a task."""


class ClientInfo(msgspec.Struct, frozen=True, gc=False):
    """Who published, joined or is present. ``conn_info`` and ``chan_info`` are JSON values towards JSON clients."""

    user: str
    client: str
    conn_info: bytes = b""
    chan_info: bytes = b""


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a channel. ``data`` is kept byte for byte; towards JSON clients it has to be one JSON value."""

    data: bytes
    offset: int = 0
    """Position in the channel's stream, from 1 on; 0: not in any stream."""
    info: ClientInfo | None = None
    """The client that published, if one did."""
    tags: Mapping[str, str] | None = None
    time: int = 0
    """Milliseconds since the Unix epoch; 0: not told."""
    delta: bool = False
    """Subscribers who agreed upon deltas may be told how it differs from the one before."""


class StreamPosition(msgspec.Struct, frozen=True, gc=False):
    """A place in a stream. Offsets of different epochs have nothing to do with each other."""

    offset: int = 0
    epoch: str = ""


class HistoryResult(msgspec.Struct, frozen=True):
    """Publications, and the stream's top at the same instant."""

    publications: list[Publication]
    position: StreamPosition


class PublishResult(msgspec.Struct, frozen=True, gc=False):
    """Where a publication went: 0 and "" when the channel keeps no history."""

    offset: int = 0
    epoch: str = ""


class PresenceStats(msgspec.Struct, frozen=True, gc=False):
    """How many connections, and how many different users among them."""

    num_clients: int = 0
    num_users: int = 0
