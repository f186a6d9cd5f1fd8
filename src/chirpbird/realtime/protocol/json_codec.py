"""The JSON wire format: one object per line."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from itertools import accumulate

import msgspec

from chirpbird.realtime.protocol.codec import MAX_COMMAND_SIZE, MAX_COMMANDS
from chirpbird.realtime.protocol.codes import DecodeError, EncodeError
from chirpbird.realtime.protocol.messages import (
    NO_PAYLOAD,
    Command,
    ConnectRequest,
    EmulationRequest,
    Payload,
    Push,
    Reply,
)

__all__ = ["JsonCodec"]

_LINE_BREAKS = b"\r\n"
_MAX_DEPTH = 256
"""Nesting of arrays and objects in one line. Far below what the decoder stands, so that what one client may send can always be
encoded for the others, however deep in the stack that happens."""
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""One that does not end goes on to the end, so that no byte is looked at twice."""
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
"""Brackets as signed bytes: one down, one up."""


class JsonCodec:
    """Lines of JSON. Payloads are raw JSON values and stay byte-exact, but for line breaks between their tokens, which go."""

    def __init__(self, max_command_size: int = MAX_COMMAND_SIZE) -> None:
        self._max_command_size = max_command_size
        self._decode = msgspec.json.Decoder(Command).decode
        self._decode_connect = msgspec.json.Decoder(ConnectRequest).decode
        self._decode_emulation = msgspec.json.Decoder(_Emulation).decode
        self._skip = msgspec.json.Decoder(msgspec.Raw).decode
        self._encode = msgspec.json.Encoder().encode

    @property
    def wire(self) -> str:
        return "json"

    @property
    def ping(self) -> bytes:
        return b"{}"

    def decode_frame(self, data: bytes) -> Sequence[Command]:
        try:
            data.decode()
            if b"\n" not in data:
                return (self._decode_command(data),)
            lines = data.split(b"\n", MAX_COMMANDS)
            if not lines[-1]:
                lines.pop()
            if len(lines) > MAX_COMMANDS:
                raise DecodeError(f"more than {MAX_COMMANDS} commands in one frame")
            return [self._decode_command(line) for line in lines]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise DecodeError(f"not a frame of JSON commands: {error}") from error

    def decode_connect(self, data: bytes) -> ConnectRequest:
        try:
            self._check_size(data)
            data.decode()
            _check_depth(data)
            return self._decode_connect(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise DecodeError(f"not a JSON connect request: {error}") from error

    def decode_emulation(self, data: bytes) -> EmulationRequest:
        try:
            request = self._decode_emulation(data)
            return EmulationRequest(request.node, request.session, request.data.encode())
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise DecodeError(f"not a JSON emulation request: {error}") from error

    def encode(self, reply: Reply) -> bytes:
        return self._encode(reply)

    def encode_push(self, push: Push) -> bytes:
        return self._encode(push)

    def join(self, encoded: Sequence[bytes]) -> bytes:
        return b"\n".join(encoded)

    def payload(self, data: bytes) -> Payload:
        if not data:
            return NO_PAYLOAD
        if b"\n" in data or b"\r" in data:
            data = data.translate(None, _LINE_BREAKS)
        try:
            data.decode()
            return self._skip(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise EncodeError(f"payload is not JSON: {error}") from error

    def opaque(self, data: bytes) -> Payload:
        """A string."""
        try:
            return msgspec.Raw(self._encode(data.decode()))
        except UnicodeDecodeError as error:
            raise EncodeError(f"payload is not text: {error}") from error

    def _decode_command(self, line: bytes) -> Command:
        self._check_size(line)
        _check_depth(line)
        return self._decode(line)

    def _check_size(self, data: bytes) -> None:
        if len(data) > self._max_command_size:
            raise DecodeError(f"command has {len(data)} bytes, expected at most {self._max_command_size}")


class _Emulation(msgspec.Struct):
    """``EmulationRequest`` as JSON has it: the commands are the text of a string."""

    node: str = ""
    session: str = ""
    data: str = ""


def _check_depth(data: bytes) -> None:
    """Payloads are not read any further, but have to be shallow enough for those who get them.

    Malformed JSON may be miscounted here; the decoder refuses it anyway. Errors: DecodeError.
    """
    if data.count(b"[") + data.count(b"{") <= _MAX_DEPTH:
        return
    steps = _STRING.sub(b"", data).translate(_STEPS, _NO_BRACKETS)
    if max(accumulate(array("b", steps)), default=0) > _MAX_DEPTH:
        raise DecodeError(f"nested more than {_MAX_DEPTH} deep")
