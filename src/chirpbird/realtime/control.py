"""What nodes tell each other about users: done on every node, because nobody knows where a user is connected."""

from __future__ import annotations

import msgspec

from chirpbird.realtime.options import SubscribeOptions

__all__ = [
    "ControlMessage",
    "DisconnectUser",
    "RefreshUser",
    "SubscribeUser",
    "UnsubscribeUser",
    "decode",
    "encode",
]


class _Order(msgspec.Struct, frozen=True, kw_only=True, tag_field="do"):
    node: str
    """Id of the node that says so."""
    user: str
    client: str = ""
    """Only this connection, if not empty."""


class SubscribeUser(_Order, frozen=True, kw_only=True, tag="subscribe"):
    channel: str
    options: SubscribeOptions


class UnsubscribeUser(_Order, frozen=True, kw_only=True, tag="unsubscribe"):
    channel: str
    code: int
    reason: str


class DisconnectUser(_Order, frozen=True, kw_only=True, tag="disconnect"):
    code: int
    reason: str
    whitelist: tuple[str, ...] = ()


class RefreshUser(_Order, frozen=True, kw_only=True, tag="refresh"):
    expired: bool
    expire_at: float | None


ControlMessage = SubscribeUser | UnsubscribeUser | DisconnectUser | RefreshUser

_decoder: msgspec.json.Decoder[ControlMessage] = msgspec.json.Decoder(ControlMessage)
encode = msgspec.json.encode


def decode(data: bytes) -> ControlMessage:
    """Errors: msgspec.MsgspecError."""
    return _decoder.decode(data)
