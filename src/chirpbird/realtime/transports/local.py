"""Unix sockets as picows can take them."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

__all__ = ["LocalTransport"]


class LocalTransport:
    """A connection over a Unix socket, made acceptable to picows, which sets TCP options on what it gets."""

    __slots__ = ("_transport", "abort", "close", "get_write_buffer_size", "is_closing", "write", "writelines")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.abort = transport.abort
        self.close = transport.close
        self.get_write_buffer_size = transport.get_write_buffer_size
        self.is_closing = transport.is_closing
        self.write = transport.write
        self.writelines = transport.writelines

    def get_extra_info(self, name: str, default: object = None) -> object:
        value: object = self._transport.get_extra_info(name, default)
        return _LocalSocket(cast("socket.socket", value).fileno()) if name == "socket" else value

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._transport.set_protocol(protocol)


class _LocalSocket:
    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def setsockopt(self, level: int, option: int, value: int) -> None:
        """Nothing: a Unix socket neither delays nor needs quick acknowledgements."""

    def getsockopt(self, level: int, option: int) -> int:
        return 0
