"""The client's side of both wire formats, independent of our codecs: the standard library's JSON, and the SDK's own Protobuf."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from centrifuge.protocol import client_pb2
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from chirpbird.realtime.protocol.codec import Codec
from chirpbird.realtime.protocol.json_codec import JsonCodec
from chirpbird.realtime.protocol.protobuf_codec import ProtobufCodec

__all__ = ["WIRES", "JsonWire", "ProtobufWire", "Spoken", "Wire", "delimited", "undelimited"]

Spoken = Mapping[str, Any]
"""A message as a mapping, in which payloads are bytes."""


def _class_of(name: str) -> type[Message]:
    return GetMessageClass(client_pb2.DESCRIPTOR.message_types_by_name[name])


_Command, _Reply, _Push = _class_of("Command"), _class_of("Reply"), _class_of("Push")
_ConnectRequest, _EmulationRequest = _class_of("ConnectRequest"), _class_of("EmulationRequest")


class Wire(Protocol):
    """What a client says and hears."""

    @property
    def codec(self) -> Codec: ...

    def commands(self, commands: Sequence[Spoken]) -> bytes:
        """A frame."""
        ...

    def connect_request(self, request: Spoken) -> bytes:
        """Bare, as unidirectional clients send it."""
        ...

    def emulation_request(self, node: str, session: str, frame: bytes) -> bytes: ...

    def replies(self, frame: bytes) -> list[dict[str, Any]]:
        """What a frame of replies says; payloads are bytes of compact JSON."""
        ...

    def pushes(self, frame: bytes) -> list[dict[str, Any]]:
        """Likewise, of bare pushes."""
        ...


class JsonWire:
    codec = JsonCodec()

    def commands(self, commands: Sequence[Spoken]) -> bytes:
        return b"\n".join(_as_json(command) for command in commands)

    def connect_request(self, request: Spoken) -> bytes:
        return _as_json(request)

    def emulation_request(self, node: str, session: str, frame: bytes) -> bytes:
        return json.dumps({"node": node, "session": session, "data": frame.decode()}).encode()

    def replies(self, frame: bytes) -> list[dict[str, Any]]:
        return [_heard(json.loads(line)) for line in frame.split(b"\n")]

    pushes = replies


class ProtobufWire:
    codec = ProtobufCodec()

    def commands(self, commands: Sequence[Spoken]) -> bytes:
        return b"".join(delimited(_Command(**command)) for command in commands)

    def connect_request(self, request: Spoken) -> bytes:
        return _ConnectRequest(**request).SerializeToString()

    def emulation_request(self, node: str, session: str, frame: bytes) -> bytes:
        return _EmulationRequest(node=node, session=session, data=frame).SerializeToString()

    def replies(self, frame: bytes) -> list[dict[str, Any]]:
        return [_as_dict(_Reply.FromString(part)) for part in undelimited(frame)]

    def pushes(self, frame: bytes) -> list[dict[str, Any]]:
        return [_as_dict(_Push.FromString(part)) for part in undelimited(frame)]


WIRES: Mapping[str, Wire] = {"json": JsonWire(), "protobuf": ProtobufWire()}
_PAYLOADS = ("data", "conn_info", "chan_info")


def delimited(message: Message) -> bytes:
    """Behind its length."""
    encoded = message.SerializeToString()
    return _varint(len(encoded)) + encoded


def undelimited(frame: bytes) -> list[bytes]:
    """The messages of a frame."""
    parts = []
    while frame:
        size = shift = 0
        while True:
            byte, frame = frame[0], frame[1:]
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        assert size <= len(frame)
        parts.append(frame[:size])
        frame = frame[size:]
    return parts


def _varint(number: int) -> bytes:
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*parts, number))


def _as_json(message: Spoken) -> bytes:
    return json.dumps(message, default=json.loads, ensure_ascii=False).encode()


def _heard(value: Any, name: str = "") -> Any:
    """Make payloads bytes again, which they are for nobody but us."""
    if name in _PAYLOADS:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    if isinstance(value, dict):
        return {key: _heard(inner, key) for key, inner in value.items()}
    return [_heard(inner) for inner in value] if isinstance(value, list) else value


def _as_dict(message: Message) -> dict[str, Any]:
    return {field.name: _plain(value) for field, value in message.ListFields()}


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return _as_dict(value)
    if hasattr(value, "items"):
        return {key: _plain(inner) for key, inner in value.items()}
    return value if isinstance(value, (str, bytes, int)) else [_plain(inner) for inner in value]
