"""What happened in a drill: who sent what, who saw what, what the log says in the end, what was broken meanwhile.

Times are seconds since the drill began. A message is known by its text, which its writer uses for no other.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

__all__ = ["Delivery", "Fault", "LogEntry", "Reading", "Record", "Send"]


class Send(msgspec.Struct):
    """One message on its way, tried until acknowledged or until the drill gives up."""

    writer: str
    channel: str
    text: str
    began: float
    acknowledged: float | None = None
    refusals: list[str] = []
    """What went wrong in each try before the last."""


class Delivery(NamedTuple):
    """A publication that reached a reader."""

    seq: int
    text: str | None
    """None for what is not a message: somebody joined or left."""
    at: float


class Reading(msgspec.Struct):
    """What one reader saw of one channel, in the order of arrival."""

    reader: str
    channel: str
    after: int
    """The position that the reader started from: everything behind it is due."""
    deliveries: list[Delivery] = []
    unrecovered: int = 0
    """How often the server said that it could not fill the gap of a reconnect."""


class LogEntry(NamedTuple):
    """An entry of a channel's log, read when everything was whole again."""

    seq: int
    text: str | None


class Fault(msgspec.Struct):
    """Something that was done to a part."""

    what: str
    began: float
    ended: float


class Record(msgspec.Struct):
    """A whole drill."""

    drill: str
    seed: int
    seconds: float = 0.0
    sends: list[Send] = []
    readings: list[Reading] = []
    logs: dict[str, list[LogEntry]] = {}
    faults: list[Fault] = []
