"""The Protobuf wire format: messages, each behind its length as a varint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from google.protobuf.message import DecodeError as MalformedError
from google.protobuf.message import Message

from chirpbird.realtime.protocol.codec import MAX_COMMAND_SIZE, MAX_COMMANDS
from chirpbird.realtime.protocol.codes import DecodeError
from chirpbird.realtime.protocol.messages import (
    NO_PAYLOAD,
    Command,
    ConnectRequest,
    EmulationRequest,
    Payload,
    Push,
    Reply,
)
from chirpbird.realtime.protocol.protobuf_schema import FIELDS, Kind, ListOf, MapOf, Of, message_classes

__all__ = ["ProtobufCodec"]

S = TypeVar("S", bound=msgspec.Struct)

_MAX_VARINT_BYTES = 10
_MAX_U64 = 2**63 - 1
"""Our integers end where those of databases do, in both wire formats."""
_EMPTY = Command()
"""Pongs are empty and many; they share this."""
_LENGTHS = tuple(bytes((size,)) for size in range(128))


class ProtobufCodec:
    """Payloads are bytes of any kind."""

    def __init__(self, max_command_size: int = MAX_COMMAND_SIZE) -> None:
        self._max_command_size = max_command_size
        self._command = _COMMAND.decode
        self._reply = _REPLY.encode
        self._push = _PUSH.encode

    @property
    def wire(self) -> str:
        return "protobuf"

    @property
    def ping(self) -> bytes:
        return b"\x00"

    def decode_frame(self, data: bytes) -> Sequence[Command]:
        commands: list[Command] = []
        position, end = 0, len(data)
        while position < end:
            size, position = _read_length(data, position)
            if size > self._max_command_size:
                raise DecodeError(f"command has {size} bytes, expected at most {self._max_command_size}")
            if size > end - position:
                raise DecodeError(f"command has {size} bytes, of which {end - position} came")
            if len(commands) == MAX_COMMANDS:
                raise DecodeError(f"more than {MAX_COMMANDS} commands in one frame")
            following = position + size
            commands.append(self._command(data[position:following]) if size else _EMPTY)
            position = following
        if not commands:
            raise DecodeError("an empty frame, expected at least one command")
        return commands

    def decode_connect(self, data: bytes) -> ConnectRequest:
        if len(data) > self._max_command_size:
            raise DecodeError(f"command has {len(data)} bytes, expected at most {self._max_command_size}")
        return _CONNECT.decode(data)

    def decode_emulation(self, data: bytes) -> EmulationRequest:
        return _EMULATION.decode(data)

    def encode(self, reply: Reply) -> bytes:
        return _delimited(self._reply(reply))

    def encode_push(self, push: Push) -> bytes:
        return _delimited(self._push(push))

    def join(self, encoded: Sequence[bytes]) -> bytes:
        return b"".join(encoded)

    def payload(self, data: bytes) -> Payload:
        return msgspec.Raw(data) if data else NO_PAYLOAD

    opaque = payload


class _Shape(Generic[S]):
    """One of our structs and the runtime's class for it."""

    __slots__ = ("_message", "_readers", "_struct", "_writers")

    def __init__(self, struct: type[S], message: type[Message]) -> None:
        self._struct = struct
        self._message = message
        self._readers: dict[int, tuple[str, _Convert | None]] = {}
        self._writers: list[tuple[str, _Convert | None]] = []

    def link(self, fields: Mapping[str, tuple[int, Of]]) -> None:
        """Learn the fields, once there is a shape for each struct that they may hold."""
        for name, (number, of) in fields.items():
            self._readers[number] = (name, _reader(of))
            self._writers.append((name, _writer(of)))

    def decode(self, data: bytes) -> S:
        """Errors: DecodeError."""
        try:
            message = self._message.FromString(data)
        except MalformedError as error:
            raise DecodeError(f"not a {self._struct.__name__} in protobuf: {error}") from error
        return self.read(message)

    def encode(self, struct: S) -> bytes:
        return self._message(**self.write(struct)).SerializeToString()

    def read(self, message: Message) -> S:
        values = {}
        readers = self._readers
        for field, value in message.ListFields():
            name, convert = readers[field.number]
            values[name] = value if convert is None else convert(value)
        return self._struct(**values)

    def write(self, struct: S) -> dict[str, object]:
        """What the runtime makes a message of: only what is set, and all zero values are false."""
        values = {}
        for name, convert in self._writers:
            value = getattr(struct, name)
            if value:
                values[name] = value if convert is None else convert(value)
        return values


_Convert = Callable[[Any], object]  # Any: what it takes is told by the field, in a table and not by types


def _reader(of: Of) -> _Convert | None:
    """From the runtime's value to ours; None: they are the same."""
    if isinstance(of, ListOf):
        one = _reader(of.of)
        return list if one is None else _each(one)
    if isinstance(of, MapOf):
        one = _reader(of.of)
        return dict if one is None else _each_value(one)
    if of is Kind.PAYLOAD:
        return msgspec.Raw
    if of is Kind.U64:
        return _within_64_bits
    return None if isinstance(of, Kind) else _SHAPES[of].read


def _writer(of: Of) -> _Convert | None:
    """From our value to one that the runtime takes."""
    if isinstance(of, ListOf):
        one = _writer(of.of)
        return None if one is None else _each(one)
    if isinstance(of, MapOf):
        one = _writer(of.of)
        return None if one is None else _each_value(one)
    if of is Kind.PAYLOAD:
        return bytes
    return None if isinstance(of, Kind) else _SHAPES[of].write


def _each(one: _Convert) -> _Convert:
    return lambda values: [one(value) for value in values]


def _each_value(one: _Convert) -> _Convert:
    return lambda values: {key: one(values[key]) for key in values}


def _within_64_bits(value: int) -> int:
    if value > _MAX_U64:
        raise DecodeError(f"number is {value}, expected at most {_MAX_U64}")
    return value


def _read_length(data: bytes, position: int) -> tuple[int, int]:
    """A varint and where it ends."""
    length = data[position]
    if length < 0x80:
        return length, position + 1
    length &= 0x7F
    for index in range(1, min(_MAX_VARINT_BYTES, len(data) - position)):
        byte = data[position + index]
        length |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return length, position + index + 1
    raise DecodeError("a length that does not end")


def _delimited(message: bytes) -> bytes:
    size = len(message)
    if size < 0x80:
        return _LENGTHS[size] + message
    length = bytearray()
    while size >= 0x80:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return b"".join((length, message))


def _shapes() -> dict[type[msgspec.Struct], _Shape[Any]]:
    return {struct: _Shape(struct, message) for struct, message in message_classes().items()}


_SHAPES = _shapes()
for _struct, _shape in _SHAPES.items():
    _shape.link(FIELDS[_struct])
_COMMAND: _Shape[Command] = _SHAPES[Command]
_REPLY: _Shape[Reply] = _SHAPES[Reply]
_PUSH: _Shape[Push] = _SHAPES[Push]
_CONNECT: _Shape[ConnectRequest] = _SHAPES[ConnectRequest]
_EMULATION: _Shape[EmulationRequest] = _SHAPES[EmulationRequest]
