"""Bodies of API requests. Fields that are not listed are ignored, as Centrifugo does."""

from __future__ import annotations

from typing import Annotated

import msgspec

from chirpbird.standalone.grants import NOTHING, Override

__all__ = [
    "BatchRequest",
    "BroadcastRequest",
    "ChannelRequest",
    "ChannelsRequest",
    "Command",
    "DisconnectRequest",
    "Empty",
    "HistoryRequest",
    "PublishRequest",
    "Publishing",
    "RefreshRequest",
    "RpcRequest",
    "SubscribeRequest",
    "UnsubscribeRequest",
]

_U64 = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_I32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
_Seconds = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
MAX_BATCH = 10_000
"""Commands of one batch."""


class Position(msgspec.Struct, frozen=True):
    """A place in a stream."""

    offset: _U64 = 0
    epoch: str = ""


class Publishing(msgspec.Struct, kw_only=True):
    """What is to be published, and how."""

    data: msgspec.Raw = NOTHING
    b64data: str = ""
    skip_history: bool = False
    tags: dict[str, str] | None = None
    idempotency_key: str = ""
    delta: bool = False
    version: _U64 = 0
    version_epoch: str = ""


class PublishRequest(Publishing):
    channel: str = ""


class BroadcastRequest(Publishing):
    channels: list[str] = []


class _Whose(msgspec.Struct, kw_only=True):
    """Connections of a user, or of these the one of a client or session id."""

    user: str = ""
    client: str = ""
    session: str = ""


class SubscribeRequest(_Whose):
    channel: str = ""
    info: msgspec.Raw = NOTHING
    b64info: str = ""
    data: msgspec.Raw = NOTHING
    b64data: str = ""
    expire_at: _Seconds = 0
    """Unix seconds; 0: never."""
    recover_since: Position | None = None
    override: Override | None = None


class UnsubscribeRequest(_Whose):
    channel: str = ""


class WireDisconnect(msgspec.Struct, frozen=True):
    """What a client is told."""

    code: int = 0
    reason: str = ""


class DisconnectRequest(_Whose):
    whitelist: list[str] | None = None
    """Client ids that stay."""
    disconnect: WireDisconnect | None = None


class RefreshRequest(_Whose):
    expired: bool = False
    expire_at: _Seconds = 0
    """Unix seconds; 0: never."""
    info: msgspec.Raw = NOTHING


class ChannelRequest(msgspec.Struct):
    """Presence, its stats, and removal of history."""

    channel: str = ""


class HistoryRequest(msgspec.Struct):
    channel: str = ""
    limit: _I32 = 0
    """0: only the position; less: all."""
    since: Position | None = None
    reverse: bool = False


class ChannelsRequest(msgspec.Struct):
    pattern: str = ""


class Empty(msgspec.Struct):
    """``info`` asks for nothing in particular."""


class RpcRequest(msgspec.Struct):
    method: str = ""
    params: msgspec.Raw = NOTHING


class Command(msgspec.Struct):
    """One command of a batch. Of several, the first in this order counts."""

    publish: PublishRequest | None = None
    broadcast: BroadcastRequest | None = None
    subscribe: SubscribeRequest | None = None
    unsubscribe: UnsubscribeRequest | None = None
    disconnect: DisconnectRequest | None = None
    history: HistoryRequest | None = None
    history_remove: ChannelRequest | None = None
    presence: ChannelRequest | None = None
    presence_stats: ChannelRequest | None = None
    info: Empty | None = None
    rpc: RpcRequest | None = None
    refresh: RefreshRequest | None = None
    channels: ChannelsRequest | None = None


class BatchRequest(msgspec.Struct):
    commands: Annotated[list[Command | None], msgspec.Meta(max_length=MAX_BATCH)] = []
    parallel: bool = False
