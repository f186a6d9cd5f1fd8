"""The port, taken before anything else: one in use is the commonest mistake, and must not touch any data."""

from __future__ import annotations

import socket

from chirpbird.realtime.protocol.codes import RealtimeError

__all__ = ["CannotListen", "listen"]

_BACKLOG = 2048


class CannotListen(RealtimeError):
    """The address cannot be had. ``str(error)`` says why, and what to do."""


def listen(host: str, port: int, *, setting: str) -> socket.socket:
    """A socket on which connections queue up from now on. ``port`` 0: any free one; ``setting`` is where it was chosen.

    Errors: CannotListen.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if isinstance(error, PermissionError):
            hint = f"ports below 1024 are for root; choose a higher one with {setting}"
        else:
            hint = f"another program may listen there; choose another port with {setting}"
        words = error.strerror or error
        raise CannotListen(f"cannot listen on port {port} of {host}: {words} ({hint})") from error
    return listener
