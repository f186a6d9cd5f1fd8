"""Holds a drill's record against the guarantees (docs/failsafe.md).

G1 what was acknowledged is in the log. G2 nothing is in the log twice, nobody is given anything twice. G3 everybody sees
the log's order, and a writer's messages stand in the order written. G4 a reader misses nothing. G5 and G6 are about time:
the longest that a send or a delivery took.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from chirpbird.lab.drills.record import Fault, LogEntry, Reading, Record, Send

__all__ = ["Breach", "Outage", "Verdict", "Violation", "judge"]

SHOWN = 20
"""Violations of a kind that are described one by one; the rest is counted."""


class Breach(StrEnum):
    """How a guarantee can be broken."""

    LOST = "lost"
    DUPLICATED = "duplicated"
    REORDERED = "reordered"
    MISSED = "missed"
    INVENTED = "invented"
    HOLE = "hole"


class Violation(msgspec.Struct, frozen=True):
    """One broken promise."""

    breach: Breach
    channel: str
    what: str


class Outage(msgspec.Struct, frozen=True):
    """The longest that somebody had to wait while a fault was on, or until everything had settled after it. Seconds."""

    fault: str
    sending: float
    receiving: float


class Verdict(msgspec.Struct, frozen=True):
    """What the checker says of a drill."""

    sent: int
    acknowledged: int
    delivered: int
    counts: dict[Breach, int]
    violations: list[Violation]
    outages: list[Outage]
    sending: float
    """Longest time from the first try of a send to its acknowledgement; seconds."""
    receiving: float
    """Longest time from an acknowledgement to the delivery at a reader; seconds."""

    @property
    def holds(self) -> bool:
        """No promise was broken."""
        return not any(self.counts.values())


def judge(record: Record) -> Verdict:
    """The verdict on a drill whose faults are all healed, and whose readers were given time to catch up."""
    found: list[Violation] = []
    for channel in sorted({send.channel for send in record.sends} | set(record.logs)):
        log = record.logs.get(channel, [])
        sends = [send for send in record.sends if send.channel == channel]
        found += _check_log(channel, log, sends)
        for reading in record.readings:
            if reading.channel == channel:
                found += _check_reading(reading, log)
    counts = Counter(one.breach for one in found)
    waits = _receiving_waits(record)
    return Verdict(
        sent=len(record.sends),
        acknowledged=sum(send.acknowledged is not None for send in record.sends),
        delivered=sum(len(reading.deliveries) for reading in record.readings),
        counts={breach: counts[breach] for breach in Breach},
        violations=[one for breach in Breach for one in [v for v in found if v.breach is breach][:SHOWN]],
        outages=_outages(record, waits),
        sending=max((_took(send, record) for send in record.sends), default=0.0),
        receiving=max((wait for _, wait in waits), default=0.0),
    )


def _check_log(channel: str, log: Sequence[LogEntry], sends: Sequence[Send]) -> Iterable[Violation]:
    """G1, G2 and G3 of the log itself."""
    for position, entry in enumerate(log, start=log[0].seq if log else 1):
        if entry.seq != position:
            yield Violation(Breach.HOLE, channel, f"after {position - 1} comes {entry.seq}")
            break
    places = Counter(entry.text for entry in log if entry.text is not None)
    known = {send.text for send in sends}
    for text, count in places.items():
        if count > 1:
            yield Violation(Breach.DUPLICATED, channel, f"{text!r} stands in the log {count} times")
        if text not in known:
            yield Violation(Breach.INVENTED, channel, f"{text!r} stands in the log and was sent by nobody")
    for send in sends:
        if send.acknowledged is not None and send.text not in places:
            yield Violation(
                Breach.LOST,
                channel,
                f"{send.text!r} was acknowledged at {send.acknowledged:.3f} and is not in the log",
            )
    yield from _check_writers(channel, log, sends)


def _check_writers(channel: str, log: Sequence[LogEntry], sends: Sequence[Send]) -> Iterable[Violation]:
    """A writer waits for an acknowledgement before it writes the next: so the log has its messages in that order."""
    first: dict[str, int] = {}
    for entry in log:
        if entry.text is not None:
            first.setdefault(entry.text, entry.seq)
    last: dict[str, tuple[int, str]] = {}
    for send in sends:
        seq = first.get(send.text)
        if seq is None:
            continue
        before = last.get(send.writer)
        if before is not None and seq < before[0]:
            yield Violation(
                Breach.REORDERED,
                channel,
                f"{send.text!r} stands at {seq}, before {before[1]!r} at {before[0]}, and was written after",
            )
        last[send.writer] = (seq, send.text)


def _check_reading(reading: Reading, log: Sequence[LogEntry]) -> Iterable[Violation]:
    """G2, G3 and G4 of what a reader saw."""
    who, channel = reading.reader, reading.channel
    texts = dict(log)
    seen: set[int] = set()
    highest = reading.after
    for delivery in reading.deliveries:
        if delivery.seq in seen:
            yield Violation(Breach.DUPLICATED, channel, f"{who} was given {delivery.seq} twice")
        elif delivery.seq < highest:
            yield Violation(Breach.REORDERED, channel, f"{who} was given {delivery.seq} after {highest}")
        seen.add(delivery.seq)
        highest = max(highest, delivery.seq)
        if delivery.seq not in texts:
            yield Violation(
                Breach.INVENTED, channel, f"{who} was given {delivery.seq}, which is not in the log"
            )
        elif texts[delivery.seq] != delivery.text:
            yield Violation(
                Breach.INVENTED,
                channel,
                f"{who} was given {delivery.text!r} as {delivery.seq}, and the log has {texts[delivery.seq]!r} there",
            )
    for seq, text in log:
        if seq > reading.after and seq not in seen:
            yield Violation(Breach.MISSED, channel, f"{who} was never given {seq} ({text!r})")


def _took(send: Send, record: Record) -> float:
    return (send.acknowledged if send.acknowledged is not None else record.seconds) - send.began


def _receiving_waits(record: Record) -> list[tuple[float, float]]:
    """For each delivery of an acknowledged message: when it was due, and how long it took from then. Seconds.

    A message that a reader saw before its writer had the acknowledgement took no time. One that never came counts to the
    drill's end.
    """
    due = {
        (send.channel, send.text): send.acknowledged for send in record.sends if send.acknowledged is not None
    }
    waits = []
    for reading in record.readings:
        arrived = {delivery.text: delivery.at for delivery in reversed(reading.deliveries)}
        for seq, text in record.logs.get(reading.channel, ()):
            acknowledged = due.get((reading.channel, text)) if text is not None else None
            if acknowledged is not None and seq > reading.after:
                waits.append((acknowledged, max(0.0, arrived.get(text, record.seconds) - acknowledged)))
    return waits


def _outages(record: Record, waits: Sequence[tuple[float, float]]) -> list[Outage]:
    """Per fault: what began before the next fault, and had not ended when this one began."""
    outages = []
    for fault, until in zip(record.faults, _next_begins(record.faults, record.seconds), strict=True):

        def during(began: float, took: float, fault: Fault = fault, until: float = until) -> bool:
            return began < until and began + took >= fault.began

        sending = [(send.began, _took(send, record)) for send in record.sends]
        outages.append(
            Outage(
                fault.what,
                max((took for began, took in sending if during(began, took)), default=0.0),
                max((took for began, took in waits if during(began, took)), default=0.0),
            )
        )
    return outages


def _next_begins(faults: Sequence[Fault], end: float) -> list[float]:
    return [later.began for later in faults[1:]] + [end] if faults else []
