"""The seam between the engine and whatever carries its bytes.

A transport accepts a client, makes a ``Connection`` of it, and calls ``Acceptor`` to get the ``Receiver``
that its incoming messages go to. The engine writes *framed* bytes: it encodes a publication once per wire
format, frames it once per ``Framing``, and gives the same ``bytes`` object to every connection.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

__all__ = ["Acceptor", "Connection", "Framing", "Receiver", "TransportInfo"]


class Framing(Protocol):
    """How one or more encoded replies become what goes over this kind of connection. One shared instance
    per kind.
    """

    def frame(self, payload: bytes) -> bytes:
        """One encoded reply or push as one self-contained frame. Frames may be joined into one write."""
        ...


class TransportInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a connection before its first message."""

    name: str
    """``websocket``, ``sse``, ``http_stream``, ``uni_websocket``, ..."""
    wire: str
    """``json`` or ``protobuf``."""
    remote_addr: str = ""
    """The client's IP address, without a port; empty when there is none (Unix sockets)."""
    unidirectional: bool = False
    emulation: bool = False
    native_ping: bool = False
    """The transport's own pings take the place of the protocol's: its framing makes one of the codec's ping, and the
    connection receives an empty command for the answer.
    """


class Connection(Protocol):
    """One client's way out. All calls are made on the event loop and none of them blocks or raises because
    the peer went away.
    """

    @property
    def info(self) -> TransportInfo: ...

    @property
    def framing(self) -> Framing: ...

    def write(self, framed: bytes) -> None:
        """Hand bytes to the kernel, or buffer them. No-op once closed.

        Look it up for each call: a transport may put another function in its place when the connection
        closes.
        """
        ...

    def buffered(self) -> int:
        """Bytes accepted by ``write`` that the kernel has not taken yet."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Flush, say goodbye in the transport's way (WebSocket: a close frame with this code and reason),
        then drop the connection; after 5 seconds without the peer's answer, drop it anyway.
        ``Receiver.closed`` follows exactly once.
        """
        ...


class Receiver(Protocol):
    """The engine's end of a connection."""

    def received(self, data: bytes) -> None:
        """One whole incoming message (a WebSocket message, an emulation body), at most the transport's
        size limit.
        """
        ...

    def closed(self, code: int, reason: str) -> None:
        """The connection is gone. Called exactly once; ``write`` and ``close`` are no-ops from here on."""
        ...


class Acceptor(Protocol):
    """What a transport calls for a new connection; ``Node`` is one."""

    def accept(self, connection: Connection) -> Receiver: ...
