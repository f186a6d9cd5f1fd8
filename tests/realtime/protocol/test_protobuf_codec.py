"""What is particular to Protobuf: lengths, and bytes that are no messages."""

from __future__ import annotations

import pytest

from chirpbird.realtime.protocol.codes import DecodeError
from chirpbird.realtime.protocol.messages import (
    Command,
    ConnectResult,
    Pub,
    PublishRequest,
    Push,
    Reply,
    SubRefreshRequest,
    SubscribeRequest,
)
from chirpbird.realtime.protocol.protobuf_codec import ProtobufCodec
from chirpbird.realtime.protocol.protobuf_schema import FIELDS

CODEC = ProtobufCodec()


def test_one_command() -> None:
    assert CODEC.decode_frame(b"\x02\x08\x05") == [Command(id=5)]


def test_a_length_may_be_longer_than_it_has_to_be() -> None:
    assert CODEC.decode_frame(b"\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00\x08\x05") == [Command(id=5)]


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x01",  # less than said
        b"\x02\x08",
        b"\x02\x08\x05\x02",  # a second one likewise
        b"\x80",  # a length that does not end
        b"\x82\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00\x08\x05",  # or not in time
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" + b"x" * 20,
        b"\x01\x08",  # a field without a value
        b"\x02\x00\x00",  # no field has the number 0
        b"\x02\x0f\x00",  # no type has the number 7
        b"\x02\x0c\x0c",  # groups that nobody opened
        b"\x01\x0b",  # a group that nobody closes
        b"\x03\x08\xff\xff",
        b"\x05\x2a\x03\x0a\x01\xff",  # text that is not UTF-8
        b"\x07\x2a\x05\x0a\x03\xed\xa0\x80",  # surrogates
        b"\x04\x2a\x03\x0a\x05",  # longer than what is around it
        b"\x82\x01" + b"\x1b" * 130,  # groups, a hundred and thirty deep
        b'{"id":1}',
    ],
)
def test_what_is_not_the_protocol_is_refused(frame: bytes) -> None:
    with pytest.raises(DecodeError):
        CODEC.decode_frame(frame)


@pytest.mark.parametrize("data", [b"\x08", b"\x0a\x01\xff", b"\x0a\x05", b"not a message"])
def test_other_beginnings_and_emulation_requests_are_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        CODEC.decode_connect(data)
    with pytest.raises(DecodeError):
        CODEC.decode_emulation(data)


def test_unknown_fields_are_ignored_and_so_are_those_of_another_type() -> None:
    unknown = b"\xa0\x06\x01" + b"\xaa\x06\x01x"  # 100: 1, 101: "x"
    mistyped = b"\x0a\x01x"  # 1: "x", where a number is expected
    message = b"\x08\x05" + unknown + mistyped
    assert CODEC.decode_frame(bytes((len(message),)) + message) == [Command(id=5)]


def test_payloads_are_bytes_of_any_kind() -> None:
    data = bytes(range(256))
    assert bytes(CODEC.payload(data)) == data
    request = b"\x0a\x01c\x12\x80\x02" + data
    message = b"\x08\x05\x3a" + b"\x86\x02" + request
    [command] = CODEC.decode_frame(b"\x8b\x02" + message)
    assert command == Command(id=5, publish=PublishRequest("c", CODEC.payload(data)))
    pushed = CODEC.encode_push(Push(pub=Pub(data=CODEC.payload(data))))
    assert pushed == b"\x86\x02" + b"\x22\x83\x02" + b"\x22\x80\x02" + data


def test_fields_that_the_python_sdk_does_not_know_have_their_numbers() -> None:
    assert CODEC.encode_push(Push(pub=Pub(epoch="e", version=5))) == b"\x08\x22\x06\x72\x01e\x80\x01\x05"
    assert CODEC.encode(Reply(connect=ConnectResult(flag=1))) == b"\x04\x2a\x02\x60\x01"
    assert CODEC.decode_frame(b"\x04\x2a\x02\x78\x01") == [Command(subscribe=SubscribeRequest(type=1))]
    assert CODEC.decode_frame(b"\x04\x3a\x02\x18\x01") == [Command(publish=PublishRequest(type=1))]
    assert CODEC.decode_frame(b"\x04\x7a\x02\x18\x02") == [Command(sub_refresh=SubRefreshRequest(type=2))]


def test_every_field_of_every_message_has_a_number_of_its_own() -> None:
    for struct, fields in FIELDS.items():
        assert list(fields) == list(struct.__struct_fields__)
        assert len({number for number, _ in fields.values()}) == len(fields)
