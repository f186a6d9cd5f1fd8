"""What may be chosen for a subscription and for a publication."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import msgspec

from chirpbird.realtime.protocol.messages import FilterNode
from chirpbird.realtime.tag_filter import check_filter

__all__ = ["PublishOptions", "RecoveryMode", "SubscribeOptions"]


class RecoveryMode(Enum):
    """What a client gets that comes back with its position."""

    STREAM = "stream"
    """Every publication it missed, or none."""
    CACHE = "cache"
    """The latest publication only: the channel is a value, not a history."""


class SubscribeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How one client is subscribed to one channel. What the client wished for is in ``SubscribeEvent``; this is what it gets.

    Make one and use it for all subscriptions that are alike: the engine keeps a reference to it.
    """

    expire_at: float | None = None
    """Unix seconds; None: never. Past it (and a grace) the subscription ends unless it is refreshed."""
    info: bytes = b""
    """``chan_info`` in this client's ``ClientInfo`` for this channel."""
    data: bytes = b""
    """Given to the client in the subscribe result."""
    presence: bool = False
    """The client is listed in the channel's presence."""
    join_leave: bool = False
    """Others are told when it comes and goes."""
    push_join_leave: bool = False
    """It is told when others come and go."""
    positioned: bool = False
    """The client sees every publication of the stream, in order and once, or is told that this was not possible."""
    recoverable: bool = False
    """Positioned, and what it misses while away is made up when it returns with its position."""
    recovery_mode: RecoveryMode = RecoveryMode.STREAM
    recovery_limit: int | None = None
    """Most publications made up at once; None: the node's ``recovery_limit``. More missed: ``recovered`` is false."""
    auto_cache_recover: bool = False
    """Recoverable in cache mode: the latest publication is given to those who do not come back with a position as well."""
    allowed_delta_types: tuple[str, ...] = ()
    """``("fossil",)``: a client that asks for it gets publications as differences from the one before, where they are published
    with ``delta``. Does not go together with a tags filter; the filter wins."""
    allow_tags_filter: bool = False
    """A client may ask for publications with certain tags only."""
    server_tags_filter: FilterNode | None = None
    """The client gets publications with certain tags only, whether it asks for that or not; of these, those that its own filter
    lets through, if it may have one. What it is told when it subscribes is filtered as well; what it asks for with history is
    not, and is for ``on_history`` to refuse. No deltas then. Errors: FilterError, a ValueError."""
    allow_channel_compaction: bool = False
    """To a client that knows how, pushes name the channel by a number."""
    publish_debounce: float = 0.0
    """Seconds between publications of the client to the channel, which its SDK sees to; 0: at once."""

    def __post_init__(self) -> None:
        if self.server_tags_filter is not None:
            check_filter(self.server_tags_filter)


class PublishOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a broker stores a publication."""

    history_size: int = 0
    """Publications kept; 0 keeps no history, and the publication has no offset."""
    history_ttl: float = 0.0
    """Seconds until the kept ones go; 0 keeps no history."""
    history_meta_ttl: float = 0.0
    """Seconds until the offset and epoch are forgotten; 0: the broker's own (30 days)."""
    idempotency_key: str = ""
    """A second publication of a channel with the same key within ``idempotency_ttl`` is not made; it gets the first one's
    result."""
    idempotency_ttl: float = 300.0
    version: int = 0
    """With history: publications whose version is not above the channel's last are dropped; 0 does not compare."""
    version_epoch: str = ""
    """Versions of another epoch start anew."""
    tags: Mapping[str, str] | None = None
    delta: bool = False
    """Subscribers that negotiated deltas may get one."""


NO_OPTIONS = PublishOptions()
