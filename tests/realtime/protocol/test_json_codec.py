"""JSON framing: strict about lines, tolerant of unknown fields, exact about payloads."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirpbird.realtime.protocol.codes import DecodeError, EncodeError
from chirpbird.realtime.protocol.json_codec import JsonCodec
from chirpbird.realtime.protocol.messages import (
    NO_PAYLOAD,
    Command,
    ConnectPush,
    Empty,
    EmulationRequest,
    Error,
    FilterNode,
    HistoryResult,
    Info,
    JoinPush,
    PresenceResult,
    PresenceStatsResult,
    Pub,
    Push,
    Reply,
    RpcResult,
    SubscribeResult,
)

CODEC = JsonCodec()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_one_command() -> None:
    [command] = CODEC.decode_frame(b'{"id":1,"connect":{"token":"t","name":"js","version":"5"}}')
    assert command.id == 1
    assert command.connect is not None
    assert (command.connect.token, command.connect.name, command.connect.version) == ("t", "js", "5")


def test_commands_are_lines_and_one_break_may_trail() -> None:
    frame = b'{"id":1,"rpc":{}}\n{"id":2,"rpc":{}}'
    assert [command.id for command in CODEC.decode_frame(frame)] == [1, 2]
    assert [command.id for command in CODEC.decode_frame(frame + b"\n")] == [1, 2]


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\n",
        b"\n{}",
        b"{}\n\n",
        b"{}\n\n{}",
        b"null",
        b"[]",
        b"1",
        b"{}{}",
        b'{"id":-1}',
        b'{"id":4294967296}',
        b'{"id":"1"}',
        b'{"id":1,"rpc":{"data":}}',
        b'{"id":1,"publish":{"channel":1}}',
        b'{"id":1,"publish":{"channel":"\xff"}}',
        b'{"id":1,"publish":{"data":"\xff"}}',
        b'{"id":1,"publish":{"data":"\xed\xa0\x80"}}',
        b'{"id":1,"history":{"limit":2147483648}}',
        b'{"id":1,"history":{"since":{"offset":-1}}}',
        b'{"id":1,"subscribe":{"offset":9223372036854775808}}',
        b'{"id":1,"rpc":{"data":' + b"[" * 256 + b"]" * 256 + b"}}",
        b'{"id":1,"rpc":{"data":' + b"[" * 60_000,
        b'{"id":1,"rpc":{"data":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}}",
    ],
)
def test_what_is_not_the_protocol_is_refused(frame: bytes) -> None:
    with pytest.raises(DecodeError):
        CODEC.decode_frame(frame)


def test_a_string_that_does_not_end_is_read_once() -> None:
    with pytest.raises(DecodeError):
        CODEC.decode_connect(b"[]" * 300 + b'"' + b'\\"' * 500_000)


def test_brackets_beside_each_other_or_in_strings_are_not_depth() -> None:
    data = json.dumps([[]] * 1000 + ["[" * 1000]).encode()
    [command] = CODEC.decode_frame(b'{"id":1,"rpc":{"data":' + data + b"}}")
    assert command.rpc is not None
    assert bytes(command.rpc.data) == data


def test_unknown_fields_and_commands_are_ignored() -> None:
    [command] = CODEC.decode_frame(
        b'{"id":1,"new":{},"subscribe":{"channel":"c","new":{"op":1},"limit":1,"cursor":"x"}}'
    )
    assert command.subscribe is not None
    assert command.subscribe.channel == "c"


def test_a_filter_is_a_tree() -> None:
    [command] = CODEC.decode_frame(
        b'{"id":1,"subscribe":{"tf":{"op":"not","nodes":[{"key":"k","cmp":"in","vals":["a","b"]}]}}}'
    )
    assert command.subscribe is not None
    assert command.subscribe.tf == FilterNode(
        op="not", nodes=[FilterNode(key="k", cmp="in", vals=["a", "b"])]
    )


def test_a_unidirectional_client_begins_with_a_bare_request() -> None:
    request = CODEC.decode_connect(b'{"token":"t","subs":{"c":{"recover":true,"offset":5}}}\n')
    assert (request.token, request.subs["c"].offset) == ("t", 5)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}{}", b'{"token":1}', b'{"data":"\xff"}', b'{"data":' + b"[" * 999]
)
def test_other_beginnings_are_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        CODEC.decode_connect(data)


def test_emulated_commands_are_the_text_of_a_string() -> None:
    frame = '{"id":1,"rpc":{"data":"ü"}}\n{"id":2,"rpc":{}}'
    body = json.dumps({"node": "n", "session": "s", "data": frame}).encode()
    request = CODEC.decode_emulation(body)
    assert request == EmulationRequest("n", "s", frame.encode())
    assert [command.id for command in CODEC.decode_frame(request.data)] == [1, 2]


@pytest.mark.parametrize("body", [b"", b"{}{}", b'{"data":{}}', b'{"data":"\xff"}', b'{"data":"\\ud800"}'])
def test_other_emulation_requests_are_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        CODEC.decode_emulation(body)


def test_pushes_can_be_bare() -> None:
    assert CODEC.encode_push(Push()) == b"{}"
    assert CODEC.encode_push(Push(connect=ConnectPush(client="c", ping=25))) == (
        b'{"connect":{"client":"c","ping":25}}'
    )


def test_payloads_are_kept_byte_for_byte() -> None:
    [command] = CODEC.decode_frame(b'{"id":1,"publish":{"channel":"c","data": {"b" : 1.0, "a":"\\u00e4"} }}')
    assert command.publish is not None
    assert bytes(command.publish.data) == b'{"b" : 1.0, "a":"\\u00e4"}'


def test_zero_values_are_left_out_and_empty_results_are_not() -> None:
    assert CODEC.encode(Reply(id=2, publish=Empty())) == b'{"id":2,"publish":{}}'
    assert CODEC.encode(Reply(id=2, rpc=RpcResult())) == b'{"id":2,"rpc":{}}'
    assert CODEC.encode(Reply()) == CODEC.ping == b"{}"
    assert CODEC.encode(Reply(id=3, error=Error(103, "permission denied"))) == (
        b'{"id":3,"error":{"code":103,"message":"permission denied"}}'
    )
    assert CODEC.encode(Reply(id=3, subscribe=SubscribeResult(positioned=True, epoch="e", offset=3))) == (
        b'{"id":3,"subscribe":{"epoch":"e","offset":3,"positioned":true}}'
    )


def test_a_publication_is_pushed_with_raw_data() -> None:
    pub = Pub(
        data=CODEC.payload(b'{"a": [1]}'),
        offset=7,
        info=Info("u", "c", CODEC.payload(b'{"n":1}')),
        tags={"k": "v"},
    )
    assert json.loads(CODEC.encode(Reply(push=Push(channel="ch", pub=pub)))) == {
        "push": {
            "channel": "ch",
            "pub": {
                "data": {"a": [1]},
                "info": {"user": "u", "client": "c", "conn_info": {"n": 1}},
                "offset": 7,
                "tags": {"k": "v"},
            },
        }
    }


def test_absent_payloads_are_one_object() -> None:
    assert CODEC.payload(b"") is NO_PAYLOAD


def test_line_breaks_between_tokens_go() -> None:
    assert bytes(CODEC.payload(b'{\r\n  "a":\n 1\r}')) == b'{  "a": 1}'


@pytest.mark.parametrize("data", [b"nope", b'"a\nb', b"\xff", b'"\xff"', b"{}{}", b"1 2", b"[" * 5000])
def test_payloads_that_are_not_json_cannot_be_sent_to_json_clients(data: bytes) -> None:
    with pytest.raises(EncodeError):
        CODEC.payload(data)


def test_messages_of_one_frame_are_lines() -> None:
    assert CODEC.join([b"{}", b'{"id":1}']) == b'{}\n{"id":1}'


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_arbitrary_bytes_are_commands_or_refused(data: bytes) -> None:
    try:
        commands = CODEC.decode_frame(data)
    except DecodeError:
        return
    assert commands
    assert all(isinstance(command, Command) for command in commands)


@given(VALUES, st.sampled_from([None, 1, "\t"]))
def test_any_json_goes_in_and_comes_out_as_one_line(value: object, indent: str | int | None) -> None:
    data = json.dumps(value, indent=indent, ensure_ascii=False).encode(errors="ignore")
    encoded = CODEC.encode(Reply(id=1, rpc=RpcResult(CODEC.payload(data))))
    assert b"\n" not in encoded
    assert json.loads(encoded)["rpc"]["data"] == json.loads(data)


@given(VALUES)
def test_what_one_client_sends_another_can_be_sent(value: object) -> None:
    line = json.dumps({"id": 1, "publish": {"channel": "c", "data": value}}).encode()
    [command] = CODEC.decode_frame(line)
    assert command.publish is not None
    assert json.loads(bytes(CODEC.payload(bytes(command.publish.data)))) == value


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (Reply(presence=PresenceResult()), b'{"presence":{"presence":{}}}'),
        (Reply(presence_stats=PresenceStatsResult()), b'{"presence_stats":{"num_clients":0,"num_users":0}}'),
        (Reply(history=HistoryResult()), b'{"history":{"publications":[],"epoch":"","offset":0}}'),
        (
            Reply(push=Push(join=JoinPush(Info("", "")))),
            b'{"push":{"join":{"info":{"user":"","client":""}}}}',
        ),
    ],
)
def test_some_zero_values_are_sent(reply: Reply, line: bytes) -> None:
    """The JavaScript SDK passes on what it gets, and has no zero in the place of what is missing."""
    assert CODEC.encode(reply) == line
