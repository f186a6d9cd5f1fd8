"""The messages on the wire, one struct each, named and shaped as in the protocol.

What belongs to map subscriptions, shared polls and dictionary compression is left out; those fields are unknown to us. Defaults
are the protocol's zero values and are left out when encoding. Unknown fields are ignored. ``Payload`` is a value that is passed
through unread: raw JSON in the JSON format, plain bytes in Protobuf.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

__all__ = [
    "NO_PAYLOAD",
    "Command",
    "ConnectPush",
    "ConnectRequest",
    "ConnectResult",
    "DisconnectPush",
    "Empty",
    "EmulationRequest",
    "Error",
    "FilterNode",
    "HistoryRequest",
    "HistoryResult",
    "Info",
    "JoinPush",
    "MessagePush",
    "Payload",
    "PresenceRequest",
    "PresenceResult",
    "PresenceStatsRequest",
    "PresenceStatsResult",
    "Pub",
    "PublishRequest",
    "Push",
    "RefreshPush",
    "RefreshRequest",
    "RefreshResult",
    "Reply",
    "RpcRequest",
    "RpcResult",
    "SendRequest",
    "Since",
    "SubRefreshRequest",
    "SubRefreshResult",
    "SubscribePush",
    "SubscribeRequest",
    "SubscribeResult",
    "UnsubscribePush",
    "UnsubscribeRequest",
]

Payload: TypeAlias = msgspec.Raw
NO_PAYLOAD = msgspec.Raw()
"""The one absent payload: encoding leaves out a field only when it holds this very object."""

_U32 = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
_U64 = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_I32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
_I64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class _Message(msgspec.Struct, omit_defaults=True, gc=False):
    """Zero values are not sent. Messages hold no cycles, so the collector need not look at them."""


# Requests


class FilterNode(_Message):
    """A tags filter: a leaf compares the tag ``key``; ``and``, ``or`` and ``not`` combine ``nodes``."""

    op: str = ""
    key: str = ""
    cmp: str = ""
    val: str = ""
    vals: list[str] = []
    nodes: list[FilterNode] = []


class SubscribeRequest(_Message):
    channel: str = ""
    token: str = ""
    recover: bool = False
    epoch: str = ""
    offset: _U64 = 0
    data: Payload = NO_PAYLOAD
    positioned: bool = False
    recoverable: bool = False
    join_leave: bool = False
    delta: str = ""
    tf: FilterNode | None = None
    flag: _I64 = 0
    """Bits: 1 offers channel compaction, 2 wants error 112 rather than ``recovered: false``."""
    type: _I32 = 0
    """0: a stream. Others are not served."""


class ConnectRequest(_Message):
    token: str = ""
    data: Payload = NO_PAYLOAD
    subs: dict[str, SubscribeRequest] = {}
    name: str = ""
    version: str = ""
    headers: dict[str, str] = {}
    flag: _I64 = 0
    profile: str = ""


class UnsubscribeRequest(_Message):
    channel: str = ""


class PublishRequest(_Message):
    channel: str = ""
    data: Payload = NO_PAYLOAD
    type: _I32 = 0
    """0: a stream. Others are not served."""


class PresenceRequest(_Message):
    channel: str = ""


class PresenceStatsRequest(_Message):
    channel: str = ""


class Since(_Message):
    offset: _U64 = 0
    epoch: str = ""


class HistoryRequest(_Message):
    channel: str = ""
    limit: _I32 = 0
    since: Since | None = None
    reverse: bool = False


class RpcRequest(_Message):
    data: Payload = NO_PAYLOAD
    method: str = ""


class SendRequest(_Message):
    data: Payload = NO_PAYLOAD


class RefreshRequest(_Message):
    token: str = ""


class SubRefreshRequest(_Message):
    channel: str = ""
    token: str = ""
    type: _I32 = 0
    """0: a refresh. Others are not served."""


class Empty(_Message):
    """A message without fields: results of unsubscribe and publish, and the ping command and its result."""


class Command(_Message):
    """One request. Exactly one body is expected; of several, the first in this order counts."""

    id: _U32 = 0
    connect: ConnectRequest | None = None
    subscribe: SubscribeRequest | None = None
    unsubscribe: UnsubscribeRequest | None = None
    publish: PublishRequest | None = None
    presence: PresenceRequest | None = None
    presence_stats: PresenceStatsRequest | None = None
    history: HistoryRequest | None = None
    ping: Empty | None = None
    send: SendRequest | None = None
    rpc: RpcRequest | None = None
    refresh: RefreshRequest | None = None
    sub_refresh: SubRefreshRequest | None = None


class EmulationRequest(_Message):
    """Commands for a connection whose way out is a stream of another HTTP request."""

    node: str = ""
    session: str = ""
    data: bytes = b""
    """A frame of commands, as ``Codec.decode_frame`` takes it."""


# Parts of results and pushes


class Info(_Message):
    """Has no defaults for its names, so that these are sent when they are empty."""

    user: str
    client: str
    conn_info: Payload = NO_PAYLOAD
    chan_info: Payload = NO_PAYLOAD


class Pub(_Message):
    data: Payload = NO_PAYLOAD
    info: Info | None = None
    offset: int = 0
    tags: dict[str, str] = {}
    delta: bool = False
    time: int = 0
    channel: str = ""
    """Where it was published, when that is not where it was subscribed to."""
    epoch: str = ""
    version: int = 0


class Error(_Message):
    code: int = 0
    message: str = ""
    temporary: bool = False


# Results


class SubscribeResult(_Message):
    expires: bool = False
    ttl: int = 0
    recoverable: bool = False
    epoch: str = ""
    publications: list[Pub] = []
    recovered: bool = False
    offset: int = 0
    positioned: bool = False
    data: Payload = NO_PAYLOAD
    was_recovering: bool = False
    delta: bool = False
    id: int = 0
    """Stands for the channel in pushes to this subscription, from here on; 0: nothing does."""
    publish_debounce: int = 0
    """Milliseconds between the client's publications."""


class ConnectResult(_Message):
    client: str = ""
    version: str = ""
    expires: bool = False
    ttl: int = 0
    data: Payload = NO_PAYLOAD
    subs: dict[str, SubscribeResult] = {}
    ping: int = 0
    pong: bool = False
    session: str = ""
    node: str = ""
    time: int = 0
    """Of the server, in milliseconds since 1970."""
    flag: int = 0


class PresenceResult(_Message, omit_defaults=False):
    """This and the next two are sent with their zero values: the JavaScript SDK passes on what it gets."""

    presence: dict[str, Info] = {}


class PresenceStatsResult(_Message, omit_defaults=False):
    num_clients: int = 0
    num_users: int = 0


class HistoryResult(_Message, omit_defaults=False):
    publications: list[Pub] = []
    epoch: str = ""
    offset: int = 0


class RpcResult(_Message):
    data: Payload = NO_PAYLOAD


class RefreshResult(_Message):
    client: str = ""
    version: str = ""
    expires: bool = False
    ttl: int = 0


class SubRefreshResult(_Message):
    expires: bool = False
    ttl: int = 0


# Pushes


class JoinPush(_Message):
    """Also the shape of leave."""

    info: Info


class UnsubscribePush(_Message):
    code: int = 0
    reason: str = ""


class SubscribePush(_Message):
    recoverable: bool = False
    epoch: str = ""
    offset: int = 0
    positioned: bool = False
    data: Payload = NO_PAYLOAD


class MessagePush(_Message):
    data: Payload = NO_PAYLOAD


class DisconnectPush(_Message):
    code: int = 0
    reason: str = ""
    reconnect: bool = False


class RefreshPush(_Message):
    expires: bool = False
    ttl: int = 0


class ConnectPush(_Message):
    """The connect result of unidirectional transports."""

    client: str = ""
    version: str = ""
    data: Payload = NO_PAYLOAD
    subs: dict[str, SubscribeResult] = {}
    expires: bool = False
    ttl: int = 0
    ping: int = 0
    pong: bool = False
    session: str = ""
    node: str = ""
    time: int = 0


class Push(_Message):
    """Nothing set: the server's ping of unidirectional transports."""

    id: int = 0
    """Stands for the channel, where that was agreed upon."""
    channel: str = ""
    pub: Pub | None = None
    join: JoinPush | None = None
    leave: JoinPush | None = None
    unsubscribe: UnsubscribePush | None = None
    message: MessagePush | None = None
    subscribe: SubscribePush | None = None
    connect: ConnectPush | None = None
    disconnect: DisconnectPush | None = None
    refresh: RefreshPush | None = None


class Reply(_Message):
    """An answer (``id`` > 0), a push, or (nothing set) the server's ping."""

    id: int = 0
    error: Error | None = None
    push: Push | None = None
    connect: ConnectResult | None = None
    subscribe: SubscribeResult | None = None
    unsubscribe: Empty | None = None
    publish: Empty | None = None
    presence: PresenceResult | None = None
    presence_stats: PresenceStatsResult | None = None
    history: HistoryResult | None = None
    ping: Empty | None = None
    rpc: RpcResult | None = None
    refresh: RefreshResult | None = None
    sub_refresh: SubRefreshResult | None = None
