"""The seam between the engine and a wire format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chirpbird.realtime.protocol.messages import Command, Payload, Reply

__all__ = ["Codec"]


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

        Errors: DecodeError when any part of it is not the protocol.
        """
        ...

    def encode(self, reply: Reply) -> bytes:
        """One answer or push, complete with whatever this format needs between messages of one frame."""
        ...

    def join(self, encoded: Sequence[bytes]) -> bytes:
        """Several encoded messages as the payload of one frame."""
        ...

    def payload(self, data: bytes) -> Payload:
        """An application's bytes as a field of a message; b"" is absence.

        Errors: EncodeError when this format cannot carry them.
        """
        ...
