"""The seam between the engine and a wire format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chirpbird.realtime.protocol.messages import (
    Command,
    ConnectRequest,
    EmulationRequest,
    Payload,
    Push,
    Reply,
)

__all__ = ["MAX_COMMANDS", "MAX_COMMAND_SIZE", "Codec"]

MAX_COMMAND_SIZE = 65_536
"""Bytes of one command, unless a codec is told otherwise. A frame may hold many."""
MAX_COMMANDS = 16_384
"""Commands in one frame: what a mebibyte of tiny ones costs to decode would be felt by others."""


class Codec(Protocol):
    """One wire format. Stateless: one instance serves all connections."""

    @property
    def wire(self) -> str:
        """``json`` or ``protobuf``: what ``TransportInfo.wire`` says."""
        ...

    @property
    def ping(self) -> bytes:
        """The server's ping, encoded."""
        ...

    def decode_frame(self, data: bytes) -> Sequence[Command]:
        """The commands of one incoming message, in order; at least one.

        Errors: DecodeError when any part of it is not the protocol, a command is too large, or there are too many.
        """
        ...

    def decode_connect(self, data: bytes) -> ConnectRequest:
        """What a unidirectional client begins with: one bare request, without a command around it.

        Errors: DecodeError, also when it is larger than a command may be.
        """
        ...

    def decode_emulation(self, data: bytes) -> EmulationRequest:
        """The body of a request to the emulation endpoint.

        Errors: DecodeError. Its ``data`` is not looked into; ``decode_frame`` is for that.
        """
        ...

    def encode(self, reply: Reply) -> bytes:
        """One answer or push, complete with whatever this format needs between messages of one frame."""
        ...

    def encode_push(self, push: Push) -> bytes:
        """One bare push, as unidirectional clients get them, with what ``encode`` adds; ``Push()`` is the ping."""
        ...

    def join(self, encoded: Sequence[bytes]) -> bytes:
        """Several encoded messages as the payload of one frame."""
        ...

    def payload(self, data: bytes) -> Payload:
        """An application's bytes as a field of a message; b"" is absence.

        Errors: EncodeError when this format cannot carry them.
        """
        ...

    def opaque(self, data: bytes) -> Payload:
        """Bytes that the client is not to look into, as a field of a message: publications and deltas where deltas were agreed
        upon.

        Errors: EncodeError when this format cannot carry them.
        """
        ...
