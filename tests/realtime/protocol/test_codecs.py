"""What both codecs promise, with the client's side made by others: see ``tests.support.wires``."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirpbird.realtime.protocol.codec import MAX_COMMAND_SIZE, MAX_COMMANDS, Codec
from chirpbird.realtime.protocol.codes import DecodeError
from chirpbird.realtime.protocol.json_codec import JsonCodec
from chirpbird.realtime.protocol.messages import (
    NO_PAYLOAD,
    Command,
    ConnectRequest,
    EmulationRequest,
    Info,
    JoinPush,
    Push,
    Reply,
    RpcResult,
)
from chirpbird.realtime.protocol.protobuf_codec import ProtobufCodec
from chirpbird.realtime.protocol.protobuf_schema import FIELDS, Kind, ListOf, MapOf, Of, message_classes
from tests.support.wire_cases import COMMANDS, PUSHES, REPLIES, mutated
from tests.support.wires import WIRES, Wire, delimited

RAW = msgspec.Raw


# What clients say


@pytest.mark.parametrize(("said", "command"), COMMANDS)
def test_commands_are_understood(wire: Wire, said: dict[str, Any], command: Command) -> None:
    assert canonical(wire.codec.decode_frame(wire.commands([said]))[0]) == canonical(command)


def test_a_frame_holds_commands_in_order(wire: Wire) -> None:
    heard = wire.codec.decode_frame(wire.commands([said for said, _ in COMMANDS]))
    assert [canonical(command) for command in heard] == [canonical(command) for _, command in COMMANDS]


def test_a_bare_connect_request_is_understood(wire: Wire) -> None:
    said, command = next((said, command) for said, command in COMMANDS if command.connect is not None)
    assert canonical(wire.codec.decode_connect(wire.connect_request(said["connect"]))) == canonical(
        command.connect
    )


def test_an_emulation_request_holds_a_frame(wire: Wire) -> None:
    frame = wire.commands([{"id": 1, "rpc": {"data": b'"\xc3\xbc"'}}, {"id": 2, "rpc": {}}])
    request = wire.codec.decode_emulation(wire.emulation_request("n", "s", frame))
    assert request == EmulationRequest("n", "s", frame)


# What they hear


@pytest.mark.parametrize(("reply", "heard"), REPLIES)
def test_replies_are_heard(wire: Wire, reply: Reply, heard: dict[str, Any]) -> None:
    assert wire.replies(wire.codec.encode(reply)) == [heard]


@pytest.mark.parametrize(("push", "heard"), PUSHES)
def test_bare_pushes_are_heard(wire: Wire, push: Push, heard: dict[str, Any]) -> None:
    assert wire.pushes(wire.codec.encode_push(push)) == [heard]


def test_the_ping_is_the_empty_reply_and_the_empty_push(wire: Wire) -> None:
    assert wire.codec.encode(Reply()) == wire.codec.encode_push(Push()) == wire.codec.ping


def test_several_replies_share_a_frame(wire: Wire) -> None:
    frame = wire.codec.join([wire.codec.encode(reply) for reply, _ in REPLIES])
    assert wire.replies(frame) == [heard for _, heard in REPLIES]


@pytest.mark.parametrize("size", [125, 126, 127, 128, 129, 16_383, 16_384, 16_400, 2_100_000])
def test_replies_may_have_any_size(wire: Wire, size: int) -> None:
    reply = Reply(id=1, rpc=RpcResult(wire.codec.payload(b'"%b"' % (b"x" * size))))
    assert wire.replies(wire.codec.encode(reply)) == [{"id": 1, "rpc": {"data": b'"%b"' % (b"x" * size)}}]


def test_an_absent_payload_is_one_object(wire: Wire) -> None:
    assert wire.codec.payload(b"") is NO_PAYLOAD


# Limits


def test_an_empty_frame_is_refused(wire: Wire) -> None:
    with pytest.raises(DecodeError):
        wire.codec.decode_frame(b"")


@pytest.mark.parametrize("position", ["alone", "first", "last"])
def test_a_command_has_a_largest_size(wire: Wire, position: str) -> None:
    def frame(size: int) -> bytes:
        around = len(wire.commands([{"id": 1, "rpc": {"data": b'"%b"' % (b"x" * 60_000)}}])) - 60_000
        around -= len(wire.codec.ping) - len(b"{}") if wire.codec.wire == "json" else 3  # the length itself
        large = {"id": 1, "rpc": {"data": b'"%b"' % (b"x" * (size - around))}}
        return wire.commands({"alone": [large], "first": [large, {}], "last": [{}, large]}[position])

    assert wire.codec.decode_frame(frame(MAX_COMMAND_SIZE))
    with pytest.raises(DecodeError, match="command has 65537 bytes, expected at most 65536"):
        wire.codec.decode_frame(frame(MAX_COMMAND_SIZE + 1))


def test_a_smaller_limit_may_be_set() -> None:
    codecs: list[Codec] = [JsonCodec(10), ProtobufCodec(10)]
    for codec in codecs:
        frame = WIRES[codec.wire].commands([{"id": 1, "rpc": {"method": "abcdefgh"}}])
        with pytest.raises(DecodeError, match="expected at most"):
            codec.decode_frame(frame)


def test_a_frame_has_a_largest_number_of_commands(wire: Wire) -> None:
    assert len(wire.codec.decode_frame(wire.commands([{}] * MAX_COMMANDS))) == MAX_COMMANDS
    with pytest.raises(DecodeError, match="more than 16384 commands"):
        wire.codec.decode_frame(wire.commands([{}] * (MAX_COMMANDS + 1)))


def test_numbers_beyond_those_of_databases_are_refused(wire: Wire) -> None:
    for command in (
        {"id": 1, "subscribe": {"offset": 2**63}},
        {"id": 1, "history": {"since": {"offset": 2**64 - 1}}},
        {"id": 1, "connect": {"subs": {"c": {"offset": 2**63}}}},
    ):
        with pytest.raises(DecodeError):
            wire.codec.decode_frame(wire.commands([command]))


def test_a_filter_has_a_largest_depth(wire: Wire) -> None:
    tree: dict[str, Any] = {}
    for _ in range(90):
        tree = {"nodes": [tree]}
    assert wire.codec.decode_frame(wire.commands([{"id": 1, "subscribe": {"tf": tree}}]))
    for _ in range(250):
        tree = {"nodes": [tree]}
    with pytest.raises(DecodeError):
        wire.codec.decode_frame(_deep(wire, tree))


# Anything at all


TEXTS = st.text(max_size=10)
NUMBERS = {
    Kind.U32: st.integers(0, 2**32 - 1),
    Kind.U64: st.integers(0, 2**63 - 1),
    Kind.I32: st.integers(-(2**31), 2**31 - 1),
    Kind.I64: st.integers(-(2**63), 2**63 - 1),
}
PAYLOADS = st.sampled_from([b"1", b'{"a": [1, "\xc3\xbc"]}', b'""', b"null"]).map(RAW) | st.just(NO_PAYLOAD)


def values(of: Of, depth: int = 0) -> st.SearchStrategy[Any]:
    """Of any field, from the table."""
    if isinstance(of, ListOf):
        return st.lists(values(of.of, depth), max_size=2)
    if isinstance(of, MapOf):
        return st.dictionaries(TEXTS, values(of.of, depth), max_size=2)
    if of is Kind.BOOL:
        return st.booleans()
    if of is Kind.TEXT:
        return TEXTS
    if of is Kind.PAYLOAD:
        return PAYLOADS
    if isinstance(of, Kind):
        return NUMBERS[of]
    return structs(of, depth + 1) if depth < 3 or of is Info else st.just(of())


def structs(struct: type[msgspec.Struct], depth: int = 0) -> st.SearchStrategy[Any]:
    fields = {name: values(of, depth) for name, (_, of) in FIELDS[struct].items()}
    if struct in (JoinPush, Info):  # their fields have no defaults
        return st.builds(struct, **fields)
    return st.fixed_dictionaries({}, optional=fields).map(lambda given: struct(**given))


CLASSES = message_classes()


def to_protobuf(message: msgspec.Struct) -> bytes:
    """With the runtime's classes, by way of plain mappings."""
    return delimited(CLASSES[type(message)](**_spoken(message)))


@given(st.lists(structs(Command), min_size=1, max_size=3))
def test_any_commands_arrive_as_they_were_sent(commands: list[Command]) -> None:
    as_json = b"\n".join(msgspec.json.encode(command) for command in commands)
    as_protobuf = b"".join(map(to_protobuf, commands))
    assert list(JsonCodec().decode_frame(as_json)) == commands
    assert list(ProtobufCodec().decode_frame(as_protobuf)) == commands


UNKNOWN: dict[str, tuple[int, Of]] = {"unknown_text": (1000, Kind.TEXT), "unknown_number": (1001, Kind.I64)}
NEWER_CLASSES = message_classes({struct: {**fields, **UNKNOWN} for struct, fields in FIELDS.items()})


@given(structs(Command))
def test_fields_of_newer_clients_are_ignored_wherever_they_are(command: Command) -> None:
    as_json = msgspec.json.encode(_newer(command, RAW))
    as_protobuf = delimited(NEWER_CLASSES[Command](**_newer(command, bytes)))
    assert list(JsonCodec().decode_frame(as_json)) == [command]
    assert list(ProtobufCodec().decode_frame(as_protobuf)) == [command]


@given(st.lists(structs(Reply), min_size=1, max_size=3))
def test_any_replies_leave_as_they_are(replies: list[Reply]) -> None:
    json_codec, protobuf_codec = JsonCodec(), ProtobufCodec()
    lines = json_codec.join([json_codec.encode(reply) for reply in replies]).split(b"\n")
    assert [msgspec.json.decode(line, type=Reply) for line in lines] == replies
    assert protobuf_codec.join([protobuf_codec.encode(reply) for reply in replies]) == b"".join(
        map(to_protobuf, replies)
    )


@pytest.mark.parametrize("name", WIRES)
@given(data=st.data())
def test_what_is_no_frame_is_refused_and_nothing_else_happens(name: str, data: st.DataObject) -> None:
    codec = WIRES[name].codec
    frame = data.draw(mutated(name) | st.binary(max_size=200))
    for decode in (codec.decode_frame, codec.decode_connect, codec.decode_emulation):
        try:
            decoded = decode(frame)
        except DecodeError:
            continue
        for message in decoded if isinstance(decoded, list | tuple) else [decoded]:
            assert isinstance(message, Command | ConnectRequest | EmulationRequest)
            assert canonical(message)  # down to its leaves, it can be read


# Help


def canonical(message: object) -> object:
    """With payloads as compact JSON where they are JSON: the two formats differ in spaces."""
    if isinstance(message, msgspec.Raw):
        try:
            return msgspec.json.encode(msgspec.json.decode(message))
        except msgspec.DecodeError:
            return bytes(message)
    if isinstance(message, msgspec.Struct):
        fields = {name: canonical(getattr(message, name)) for name in message.__struct_fields__}
        return type(message).__name__, fields
    if isinstance(message, Mapping):
        return {key: canonical(value) for key, value in message.items()}
    return [canonical(value) for value in message] if isinstance(message, list) else message


def _spoken(value: Any) -> Any:
    """A message as a mapping of what is set."""
    if isinstance(value, msgspec.Raw):
        return bytes(value)
    if isinstance(value, msgspec.Struct):
        spoken = {name: _spoken(getattr(value, name)) for name in value.__struct_fields__}
        return {
            name: inner
            for name, inner in spoken.items()
            if inner or (inner == {} and _is_message(value, name))
        }
    if isinstance(value, Mapping):
        return {key: _spoken(inner) for key, inner in value.items()}
    return [_spoken(inner) for inner in value] if isinstance(value, list) else value


def _newer(value: Any, payload: type) -> Any:
    """A message as a mapping of what is set, with fields that there are not yet in every message."""
    if isinstance(value, msgspec.Raw):
        return payload(value)
    if isinstance(value, msgspec.Struct):
        given = {name: getattr(value, name) for name in value.__struct_fields__}
        known = {
            name: _newer(inner, payload)
            for name, inner in given.items()
            if isinstance(inner, msgspec.Struct) or (bytes(inner) if isinstance(inner, RAW) else inner)
        }
        return {**known, "unknown_text": "x", "unknown_number": -1}
    if isinstance(value, Mapping):
        return {key: _newer(inner, payload) for key, inner in value.items()}
    return [_newer(inner, payload) for inner in value] if isinstance(value, list) else value


def _is_message(struct: msgspec.Struct, name: str) -> bool:
    return isinstance(getattr(struct, name), msgspec.Struct)


def _deep(wire: Wire, tree: dict[str, Any]) -> bytes:
    """Nested deeper than the SDK's runtime encodes."""
    if wire.codec.wire == "json":
        return wire.commands([{"id": 1, "subscribe": {"tf": tree}}])
    encoded = b""
    for field in itertools.chain(itertools.repeat(6, 340), (13, 5)):
        encoded = bytes((field << 3 | 2,)) + _size(encoded) + encoded
    return _size(encoded) + encoded


def _size(encoded: bytes) -> bytes:
    size = len(encoded)
    return bytes((size,)) if size < 128 else bytes((size & 0x7F | 0x80, size >> 7))
