"""What nodes tell each other: orders about users (done on every node, because nobody knows where a user is connected), who is
there, surveys and notifications."""

from __future__ import annotations

import msgspec

from chirpbird.realtime.options import SubscribeOptions
from chirpbird.realtime.stats import NodeInfo
from chirpbird.realtime.types import StreamPosition

__all__ = [
    "Announcement",
    "ClusterMessage",
    "ControlMessage",
    "Departure",
    "DisconnectUser",
    "Notification",
    "RefreshUser",
    "SubscribeUser",
    "SurveyAnswer",
    "SurveyQuestion",
    "UnsubscribeUser",
    "UserOrder",
    "decode",
    "encode",
]


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="do"):
    node: str
    """Id of the node that says so."""
    to: str = ""
    """Only that node, if not empty."""


class _Order(_Message, frozen=True, kw_only=True):
    user: str | None
    """None: everybody."""
    client: str = ""
    """Only this connection, if not empty."""
    session: str = ""
    """Only the connection of this session, if not empty."""


class SubscribeUser(_Order, frozen=True, kw_only=True, tag="subscribe"):
    channel: str
    options: SubscribeOptions
    recover_since: StreamPosition | None = None


class UnsubscribeUser(_Order, frozen=True, kw_only=True, tag="unsubscribe"):
    channel: str
    """Empty: all of them."""
    code: int
    reason: str


class DisconnectUser(_Order, frozen=True, kw_only=True, tag="disconnect"):
    code: int
    reason: str
    whitelist: tuple[str, ...] = ()


class RefreshUser(_Order, frozen=True, kw_only=True, tag="refresh"):
    expired: bool
    expire_at: float | None
    info: bytes | None = None


class Announcement(_Message, frozen=True, kw_only=True, tag="node"):
    """The node is there."""

    info: NodeInfo


class Departure(_Message, frozen=True, kw_only=True, tag="shutdown"):
    """The node is about to go."""


class SurveyQuestion(_Message, frozen=True, kw_only=True, tag="survey"):
    id: int
    op: str
    data: bytes


class SurveyAnswer(_Message, frozen=True, kw_only=True, tag="answer"):
    id: int
    code: int
    data: bytes


class Notification(_Message, frozen=True, kw_only=True, tag="notify"):
    op: str
    data: bytes


UserOrder = SubscribeUser | UnsubscribeUser | DisconnectUser | RefreshUser
ClusterMessage = Announcement | Departure | SurveyQuestion | SurveyAnswer | Notification
ControlMessage = UserOrder | ClusterMessage

_decoder: msgspec.msgpack.Decoder[ControlMessage] = msgspec.msgpack.Decoder(ControlMessage)
encode = msgspec.msgpack.encode


def decode(data: bytes) -> ControlMessage:
    """Errors: msgspec.MsgspecError."""
    return _decoder.decode(data)
