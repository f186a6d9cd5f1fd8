"""What handlers are told and what they answer."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from chirpbird.realtime.options import PublishOptions, SubscribeOptions
from chirpbird.realtime.protocol.messages import FilterNode
from chirpbird.realtime.tag_filter import check_filter
from chirpbird.realtime.types import ClientInfo, HistoryResult, PresenceStats, PublishResult, StreamPosition

__all__ = [
    "ConnectReply",
    "ConnectingEvent",
    "DisconnectEvent",
    "HistoryEvent",
    "HistoryReply",
    "MessageEvent",
    "PresenceEvent",
    "PresenceReply",
    "PresenceStatsEvent",
    "PublishEvent",
    "PublishReply",
    "RefreshEvent",
    "RefreshReply",
    "RpcEvent",
    "RpcReply",
    "SubRefreshEvent",
    "SubRefreshReply",
    "SubscribeEvent",
    "SubscribeReply",
    "UnsubscribeEvent",
]


class ConnectingEvent(msgspec.Struct, frozen=True):
    """A client wants in. Nothing in it has been verified."""

    token: str
    data: bytes
    name: str
    """The SDK's name for itself, at most 16 characters."""
    version: str
    """At most 64 characters."""
    headers: Mapping[str, str]
    """What the client calls its HTTP headers; it can claim anything."""
    subs: tuple[str, ...]
    """Channels that it would like to be subscribed to by the server."""
    profile: str = ""
    """Which kind of client, or part of an application, it says it is; at most 64 characters. A hint."""


class ConnectReply(msgspec.Struct, frozen=True, kw_only=True):
    """The client may come in, as ``user`` ("" is anonymous)."""

    user: str
    expire_at: float | None = None
    """Unix seconds; None: never."""
    client_refresh: bool = True
    """The client is told when to come with a fresh token. False: ``on_refresh`` is asked with an empty token when the time
    has come."""
    info: bytes = b""
    """``conn_info`` in this client's ``ClientInfo``."""
    data: bytes = b""
    """Given to the client in the connect result."""
    subscriptions: Mapping[str, SubscribeOptions] = {}
    """Channels that the server subscribes it to."""
    context: object = None
    """Becomes ``Client.context``."""
    meta: bytes = b""
    """Becomes ``Client.meta``. Clients are never told."""


class RefreshEvent(msgspec.Struct, frozen=True):
    """The client brings a fresh token; or, with an empty one, its time is up and the server is to decide."""

    token: str


class RefreshReply(msgspec.Struct, frozen=True):
    """The connection goes on until ``expire_at`` (Unix seconds; None: for ever)."""

    expire_at: float | None = None
    expired: bool = False
    """It does not: disconnect 3005."""
    info: bytes | None = None
    """Becomes the client's ``conn_info`` from here on, if given."""
    meta: bytes | None = None
    """Becomes ``Client.meta``, if given."""


class SubscribeEvent(msgspec.Struct, frozen=True):
    """A client wants to subscribe. ``recoverable``, ``positioned`` and ``join_leave`` are its wishes."""

    channel: str
    token: str
    data: bytes
    recoverable: bool
    positioned: bool
    join_leave: bool
    recover: bool
    """It comes back with a position: ``since``."""
    since: StreamPosition


class SubscribeReply(msgspec.Struct, frozen=True):
    """It may."""

    options: SubscribeOptions = SubscribeOptions()


class SubRefreshEvent(msgspec.Struct, frozen=True):
    """A client brings a fresh token for a subscription."""

    channel: str
    token: str


class SubRefreshReply(msgspec.Struct, frozen=True):
    """The subscription goes on until ``expire_at`` (Unix seconds; None: for ever)."""

    expire_at: float | None = None
    info: bytes = b""
    """Becomes the client's ``chan_info`` in this channel from here on; empty: that stays what it is."""
    server_tags_filter: FilterNode | None = None
    """The server's filter from here on, instead of that of ``SubscribeOptions``; None: that stays. A subscription that gets
    deltas is ended instead (2500), and its client subscribes again. Errors: FilterError, a ValueError."""

    def __post_init__(self) -> None:
        if self.server_tags_filter is not None:
            check_filter(self.server_tags_filter)


class UnsubscribeEvent(msgspec.Struct, frozen=True):
    """A subscription ended: 0 by the client, 1 by its disconnect, from 2000 on by the server."""

    channel: str
    code: int
    reason: str


class PublishEvent(msgspec.Struct, frozen=True):
    """A client wants to publish. ``info`` is what subscribers will see of it."""

    channel: str
    data: bytes
    info: ClientInfo


class PublishReply(msgspec.Struct, frozen=True):
    """It may. Without ``result`` the engine publishes, with ``options``; with it, the application has already seen to that."""

    result: PublishResult | None = None
    options: PublishOptions = PublishOptions()


class PresenceEvent(msgspec.Struct, frozen=True):
    """A client asks who is in a channel."""

    channel: str


class PresenceReply(msgspec.Struct, frozen=True):
    """It may know: the answer to both presence events. ``presence`` (client id to info) and ``stats`` replace the engine's
    own."""

    presence: Mapping[str, ClientInfo] | None = None
    stats: PresenceStats | None = None


class PresenceStatsEvent(msgspec.Struct, frozen=True):
    """A client asks how many are in a channel."""

    channel: str


class HistoryEvent(msgspec.Struct, frozen=True):
    """A client asks for a channel's past. ``limit`` is already within the node's bounds; 0 asks for the position only."""

    channel: str
    limit: int
    since: StreamPosition | None
    reverse: bool


class HistoryReply(msgspec.Struct, frozen=True):
    """It may have it; ``result`` instead of the engine's own, if given."""

    result: HistoryResult | None = None


class RpcEvent(msgspec.Struct, frozen=True):
    """A client calls a method."""

    method: str
    data: bytes


class RpcReply(msgspec.Struct, frozen=True):
    """The call's result; one JSON value towards JSON clients, b"" for none."""

    data: bytes = b""


class MessageEvent(msgspec.Struct, frozen=True):
    """A client sent something that wants no answer."""

    data: bytes


class DisconnectEvent(msgspec.Struct, frozen=True):
    """The connection is gone. 3000: the client's doing."""

    code: int
    reason: str
