"""The numbers of the messages' fields in Protobuf, and classes of Google's runtime made of them at import.

This table and ``messages`` are all that is known of the schema: there is no generated code. Numbers and types are those of the
client protocol; fields that our messages leave out are unknown here too, and skipped by the runtime.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from chirpbird.realtime.protocol import messages as m

__all__ = ["FIELDS", "Kind", "ListOf", "MapOf", "Of", "message_classes"]

_PACKAGE = "chirpbird.client"


class Kind(enum.Enum):
    """How a value is written. The number is Protobuf's own for the type."""

    BOOL = FieldDescriptorProto.TYPE_BOOL
    TEXT = FieldDescriptorProto.TYPE_STRING
    BYTES = FieldDescriptorProto.TYPE_BYTES
    U32 = FieldDescriptorProto.TYPE_UINT32
    U64 = FieldDescriptorProto.TYPE_UINT64
    I32 = FieldDescriptorProto.TYPE_INT32
    I64 = FieldDescriptorProto.TYPE_INT64
    PAYLOAD = "payload"
    """Bytes on the wire, ``messages.Payload`` in our structs."""


Struct: TypeAlias = type[msgspec.Struct]
One: TypeAlias = Kind | Struct


class ListOf(msgspec.Struct, frozen=True):
    of: One


class MapOf(msgspec.Struct, frozen=True):
    """By text."""

    of: One


Of: TypeAlias = One | ListOf | MapOf

_BOOL, _TEXT, _BYTES, _PAYLOAD = Kind.BOOL, Kind.TEXT, Kind.BYTES, Kind.PAYLOAD
_U32, _U64, _I32, _I64 = Kind.U32, Kind.U64, Kind.I32, Kind.I64

FIELDS: Final[Mapping[Struct, Mapping[str, tuple[int, Of]]]] = {
    m.Empty: {},
    # Requests
    m.FilterNode: {
        "op": (1, _TEXT),
        "key": (2, _TEXT),
        "cmp": (3, _TEXT),
        "val": (4, _TEXT),
        "vals": (5, ListOf(_TEXT)),
        "nodes": (6, ListOf(m.FilterNode)),
    },
    m.SubscribeRequest: {
        "channel": (1, _TEXT),
        "token": (2, _TEXT),
        "recover": (3, _BOOL),
        "epoch": (6, _TEXT),
        "offset": (7, _U64),
        "data": (8, _PAYLOAD),
        "positioned": (9, _BOOL),
        "recoverable": (10, _BOOL),
        "join_leave": (11, _BOOL),
        "delta": (12, _TEXT),
        "tf": (13, m.FilterNode),
        "flag": (14, _I64),
        "type": (15, _I32),
    },
    m.ConnectRequest: {
        "token": (1, _TEXT),
        "data": (2, _PAYLOAD),
        "subs": (3, MapOf(m.SubscribeRequest)),
        "name": (4, _TEXT),
        "version": (5, _TEXT),
        "headers": (6, MapOf(_TEXT)),
        "flag": (7, _I64),
        "profile": (9, _TEXT),
    },
    m.UnsubscribeRequest: {"channel": (1, _TEXT)},
    m.PublishRequest: {"channel": (1, _TEXT), "data": (2, _PAYLOAD), "type": (3, _I32)},
    m.PresenceRequest: {"channel": (1, _TEXT)},
    m.PresenceStatsRequest: {"channel": (1, _TEXT)},
    m.Since: {"offset": (1, _U64), "epoch": (2, _TEXT)},
    m.HistoryRequest: {
        "channel": (1, _TEXT),
        "limit": (7, _I32),
        "since": (8, m.Since),
        "reverse": (9, _BOOL),
    },
    m.RpcRequest: {"data": (1, _PAYLOAD), "method": (2, _TEXT)},
    m.SendRequest: {"data": (1, _PAYLOAD)},
    m.RefreshRequest: {"token": (1, _TEXT)},
    m.SubRefreshRequest: {"channel": (1, _TEXT), "token": (2, _TEXT), "type": (3, _I32)},
    m.Command: {
        "id": (1, _U32),
        "connect": (4, m.ConnectRequest),
        "subscribe": (5, m.SubscribeRequest),
        "unsubscribe": (6, m.UnsubscribeRequest),
        "publish": (7, m.PublishRequest),
        "presence": (8, m.PresenceRequest),
        "presence_stats": (9, m.PresenceStatsRequest),
        "history": (10, m.HistoryRequest),
        "ping": (11, m.Empty),
        "send": (12, m.SendRequest),
        "rpc": (13, m.RpcRequest),
        "refresh": (14, m.RefreshRequest),
        "sub_refresh": (15, m.SubRefreshRequest),
    },
    m.EmulationRequest: {"node": (1, _TEXT), "session": (2, _TEXT), "data": (3, _BYTES)},
    # Parts of results and pushes
    m.Info: {
        "user": (1, _TEXT),
        "client": (2, _TEXT),
        "conn_info": (3, _PAYLOAD),
        "chan_info": (4, _PAYLOAD),
    },
    m.Pub: {
        "data": (4, _PAYLOAD),
        "info": (5, m.Info),
        "offset": (6, _U64),
        "tags": (7, MapOf(_TEXT)),
        "delta": (8, _BOOL),
        "time": (9, _I64),
        "channel": (10, _TEXT),
        "epoch": (14, _TEXT),
        "version": (16, _U64),
    },
    m.Error: {"code": (1, _U32), "message": (2, _TEXT), "temporary": (3, _BOOL)},
    # Results
    m.SubscribeResult: {
        "expires": (1, _BOOL),
        "ttl": (2, _U32),
        "recoverable": (3, _BOOL),
        "epoch": (6, _TEXT),
        "publications": (7, ListOf(m.Pub)),
        "recovered": (8, _BOOL),
        "offset": (9, _U64),
        "positioned": (10, _BOOL),
        "data": (11, _PAYLOAD),
        "was_recovering": (12, _BOOL),
        "delta": (13, _BOOL),
        "id": (14, _I64),
        "publish_debounce": (19, _U32),
    },
    m.ConnectResult: {
        "client": (1, _TEXT),
        "version": (2, _TEXT),
        "expires": (3, _BOOL),
        "ttl": (4, _U32),
        "data": (5, _PAYLOAD),
        "subs": (6, MapOf(m.SubscribeResult)),
        "ping": (7, _U32),
        "pong": (8, _BOOL),
        "session": (9, _TEXT),
        "node": (10, _TEXT),
        "time": (11, _I64),
        "flag": (12, _I64),
    },
    m.PresenceResult: {"presence": (1, MapOf(m.Info))},
    m.PresenceStatsResult: {"num_clients": (1, _U32), "num_users": (2, _U32)},
    m.HistoryResult: {"publications": (1, ListOf(m.Pub)), "epoch": (2, _TEXT), "offset": (3, _U64)},
    m.RpcResult: {"data": (1, _PAYLOAD)},
    m.RefreshResult: {"client": (1, _TEXT), "version": (2, _TEXT), "expires": (3, _BOOL), "ttl": (4, _U32)},
    m.SubRefreshResult: {"expires": (1, _BOOL), "ttl": (2, _U32)},
    # Pushes
    m.JoinPush: {"info": (1, m.Info)},
    m.UnsubscribePush: {"code": (2, _U32), "reason": (3, _TEXT)},
    m.SubscribePush: {
        "recoverable": (1, _BOOL),
        "epoch": (4, _TEXT),
        "offset": (5, _U64),
        "positioned": (6, _BOOL),
        "data": (7, _PAYLOAD),
    },
    m.MessagePush: {"data": (1, _PAYLOAD)},
    m.DisconnectPush: {"code": (1, _U32), "reason": (2, _TEXT), "reconnect": (3, _BOOL)},
    m.RefreshPush: {"expires": (1, _BOOL), "ttl": (2, _U32)},
    m.ConnectPush: {
        "client": (1, _TEXT),
        "version": (2, _TEXT),
        "data": (3, _PAYLOAD),
        "subs": (4, MapOf(m.SubscribeResult)),
        "expires": (5, _BOOL),
        "ttl": (6, _U32),
        "ping": (7, _U32),
        "pong": (8, _BOOL),
        "session": (9, _TEXT),
        "node": (10, _TEXT),
        "time": (11, _I64),
    },
    m.Push: {
        "id": (1, _I64),
        "channel": (2, _TEXT),
        "pub": (4, m.Pub),
        "join": (5, m.JoinPush),
        "leave": (6, m.JoinPush),
        "unsubscribe": (7, m.UnsubscribePush),
        "message": (8, m.MessagePush),
        "subscribe": (9, m.SubscribePush),
        "connect": (10, m.ConnectPush),
        "disconnect": (11, m.DisconnectPush),
        "refresh": (12, m.RefreshPush),
    },
    m.Reply: {
        "id": (1, _U32),
        "error": (2, m.Error),
        "push": (4, m.Push),
        "connect": (5, m.ConnectResult),
        "subscribe": (6, m.SubscribeResult),
        "unsubscribe": (7, m.Empty),
        "publish": (8, m.Empty),
        "presence": (9, m.PresenceResult),
        "presence_stats": (10, m.PresenceStatsResult),
        "history": (11, m.HistoryResult),
        "ping": (12, m.Empty),
        "rpc": (13, m.RpcResult),
        "refresh": (14, m.RefreshResult),
        "sub_refresh": (15, m.SubRefreshResult),
    },
}


def message_classes(
    fields: Mapping[Struct, Mapping[str, tuple[int, Of]]] = FIELDS,
) -> dict[Struct, type[Message]]:
    """The runtime's class for each of our structs."""
    file = FileDescriptorProto(name="chirpbird/client.proto", package=_PACKAGE, syntax="proto3")
    for struct, of_struct in fields.items():
        message = file.message_type.add(name=struct.__name__)
        for name, (number, of) in of_struct.items():
            _add_field(message, name, number, of)
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return {
        struct: GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{struct.__name__}"))
        for struct in fields
    }


def _add_field(message: DescriptorProto, name: str, number: int, of: Of) -> None:
    if isinstance(of, MapOf):
        entry = message.nested_type.add(name=name.title().replace("_", "") + "Entry")
        entry.options.map_entry = True
        _add_field(entry, "key", 1, Kind.TEXT)
        _add_field(entry, "value", 2, of.of)
        message.field.add(
            name=name,
            number=number,
            label=FieldDescriptorProto.LABEL_REPEATED,
            type=FieldDescriptorProto.TYPE_MESSAGE,
            type_name=f".{_PACKAGE}.{message.name}.{entry.name}",
        )
        return
    label = FieldDescriptorProto.LABEL_OPTIONAL
    if isinstance(of, ListOf):
        label, of = FieldDescriptorProto.LABEL_REPEATED, of.of
    field = message.field.add(name=name, number=number, label=label)
    if of is Kind.PAYLOAD:
        field.type = FieldDescriptorProto.TYPE_BYTES
    elif isinstance(of, Kind):
        field.type = of.value
    else:
        field.type = FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{of.__name__}"
