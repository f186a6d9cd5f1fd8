"""How the ``lab`` commands speak to the lab that is up: one JSON object per line over a socket in its directory."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import msgspec

from chirpbird.lab.errors import LabError

__all__ = [
    "SOCKET",
    "Act",
    "Action",
    "Down",
    "DrillOrder",
    "PartStatus",
    "Reply",
    "Request",
    "Status",
    "StatusRequest",
    "call",
    "stream",
]

SOCKET = "control.sock"
_PATH_LIMIT = 100
"""Bytes; Unix sockets cannot have longer names."""


class Action(StrEnum):
    """What can be done to a part."""

    KILL = "kill"
    """At once, as by a power cut."""
    STOP = "stop"
    """As an operator stops it."""
    PAUSE = "pause"
    """Connections stay open, nothing answers."""
    CUT = "cut"
    """Its host's network cable is pulled."""
    HEAL = "heal"
    """Whatever was done to it is undone."""


class Act(msgspec.Struct, frozen=True, tag_field="do", tag="act"):
    action: Action
    part: str
    """A part's name, or ``all`` to heal everything."""
    off: str = ""
    """Of ``cut``: cut off from hosts whose name begins so only; "": from all."""


class StatusRequest(msgspec.Struct, frozen=True, tag_field="do", tag="status"):
    pass


class DrillOrder(msgspec.Struct, frozen=True, tag_field="do", tag="drill"):
    """Run drills inside the lab's network; their output comes back in ``Reply.text``."""

    name: str
    directory: str
    """The lab's own."""
    report: str
    """Directory for the reports."""
    seed: int = 1
    writers: int = 6
    readers: int = 4
    channels: int = 3
    seconds: float | None = None
    """How long each part stays broken; None: as long as the drill says."""
    catch_up: float = 45.0
    """Seconds that readers get at the end; as long as a client may take to find out that its connection is dead."""
    width: int = 160
    """Columns of the terminal."""


class Down(msgspec.Struct, frozen=True, tag_field="do", tag="down"):
    pass


Request = Act | StatusRequest | DrillOrder | Down


class PartStatus(msgspec.Struct, frozen=True):
    """One part as it is now."""

    name: str
    kind: str
    address: str
    state: str
    """running, paused or dead: what the lab knows itself."""
    cut: bool
    role: str
    """What the part says of itself: master, replica, primary, holds the address, ...; "" when it does not answer."""
    health: str
    """``ok``, or what is wrong."""
    connections: float | None = None
    rate: float | None = None
    """Messages a second."""
    lag: str = ""


class Status(msgspec.Struct, frozen=True):
    """All parts, in the plan's order."""

    parts: tuple[PartStatus, ...]


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a request; a drill has several, and the last one has ``code``."""

    error: str = ""
    status: Status | None = None
    text: str | None = None
    """A piece of output."""
    code: int | None = None
    """A drill is over: 0 when everything held."""


def call(directory: Path, request: Request) -> Reply:
    """One request, one reply. Errors: LabError when no lab is up there, or with what the lab answered."""
    return next(iter(stream(directory, request)))


def stream(directory: Path, request: Request) -> Iterator[Reply]:
    """All replies to one request. Errors: LabError."""
    path = directory / SOCKET
    if len(bytes(path)) > _PATH_LIMIT:
        raise LabError(f"the path of {path} is longer than {_PATH_LIMIT} bytes; choose another --dir")
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(path))
        except OSError as error:
            raise LabError(f"no lab is up in {directory}: start one with chirpbird lab up") from error
        with connection.makefile("rwb") as file:
            file.write(msgspec.json.encode(request) + b"\n")
            file.flush()
            for line in file:
                reply = msgspec.json.decode(line, type=Reply)
                if reply.error:
                    raise LabError(reply.error)
                yield reply
