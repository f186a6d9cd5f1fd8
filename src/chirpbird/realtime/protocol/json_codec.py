"""The JSON wire format: one object per line."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from chirpbird.realtime.protocol.codes import DecodeError, EncodeError
from chirpbird.realtime.protocol.messages import NO_PAYLOAD, Command, Payload, Reply

__all__ = ["JsonCodec"]

_LINE_BREAKS = b"\r\n"
_MAX_DEPTH = 256
"""Nesting of arrays and objects in one line. Far below what the decoder stands, so that what one client may send can always be
encoded for the others, however deep in the stack that happens."""
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{\]}]', re.DOTALL)


class JsonCodec:
    """Lines of JSON. Payloads are raw JSON values and stay byte-exact, but for line breaks between their tokens, which go."""

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(Command).decode
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
            data.decode()  # payloads are not read any further, but have to be text for those who get them
            if data.count(b"[") + data.count(b"{") > _MAX_DEPTH:
                _check_depth(data)
            if b"\n" not in data:
                return (self._decode(data),)
            lines = data.split(b"\n")
            if not lines[-1]:
                lines.pop()
            return [self._decode(line) for line in lines]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise DecodeError(f"not a frame of JSON commands: {error}") from error

    def encode(self, reply: Reply) -> bytes:
        return self._encode(reply)

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


def _check_depth(data: bytes) -> None:
    """Malformed JSON may be miscounted here; the decoder refuses it anyway."""
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(data):
        token = match[0]
        if token in (b"[", b"{"):
            depth += 1
            if depth > _MAX_DEPTH:
                raise DecodeError(f"nested more than {_MAX_DEPTH} deep")
        elif token in (b"]", b"}"):
            depth -= 1
