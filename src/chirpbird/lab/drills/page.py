"""The drills as one HTML page with a timeline picture for each: what was broken when, and how long people waited."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from chirpbird.lab.drills.rehearsal import Outcome

__all__ = ["page"]

_WIDTH, _STRIP, _GAP, _LEFT = 960, 90, 26, 70
_FLOOR, _CEILING = 0.001, 100.0
"""Seconds at the bottom and the top of a strip; logarithmic between."""
_MARKS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --send: #2563eb; --receive: #059669; --fault: #dc262633; --text: #444 }
@media (prefers-color-scheme: dark) { :root { --send: #60a5fa; --receive: #34d399; --fault: #f8717140; --text: #bbb } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1080px; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--line) }
th:first-child, td:first-child { text-align: left } th, td { white-space: nowrap }
.scroll, figure { overflow-x: auto }
.bad { color: #dc2626; font-weight: 600 } .good { color: var(--receive) }
figure { margin: 1rem 0 } svg { min-width: 640px; width: 100%; height: auto }
svg text { font: 11px system-ui, sans-serif; fill: var(--text) }
"""


def page(outcomes: Sequence[Outcome], *, good: Sequence[bool]) -> str:
    """The whole document; it refers to nothing outside itself. ``good`` says of each outcome whether it is as it should be."""
    rows = "".join(_row(outcome, well) for outcome, well in zip(outcomes, good, strict=True))
    pictures = "".join(_section(outcome) for outcome in outcomes)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Chirpbird drills</title><style>{_STYLE}</style><h1>Drills</h1>"
        "<p>Waits are the longest of anybody, in seconds: from the first try of a send to its acknowledgement, and from "
        "the acknowledgement to the delivery at a reader. In the pictures each stroke is a message, at its moment and as tall as "
        "its wait, on a logarithmic scale; the shaded time is that of the fault.</p>"
        '<div class="scroll"><table><tr><th>drill</th><th></th><th>sent</th><th>acknowledged</th><th>delivered</th><th>lost</th>'
        "<th>duplicated</th><th>reordered</th><th>missed</th><th>invented</th><th>holes</th><th>sending</th>"
        f"<th>receiving</th></tr>{rows}</table></div>{pictures}</html>"
    )


def _row(outcome: Outcome, well: bool) -> str:
    verdict = outcome.verdict
    cells = [
        f'<a href="#{escape(outcome.drill.name)}">{escape(outcome.drill.name)}</a>',
        '<span class="good">kept</span>' if well else '<span class="bad">look</span>',
        f"{verdict.sent:,}",
        f"{verdict.acknowledged:,}",
        f"{verdict.delivered:,}",
        *(str(count) for count in verdict.counts.values()),
        _bounded(verdict.sending, outcome.drill.sending),
        _bounded(verdict.receiving, outcome.drill.receiving),
    ]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _bounded(seconds: float, bound: float | None) -> str:
    return f"{seconds:.2f}" if bound is None else f"{seconds:.2f} of {bound:g}"


def _section(outcome: Outcome) -> str:
    faults = "".join(
        f"<li>{fault.began:.1f} s to {fault.ended:.1f} s: {escape(fault.what)}; "
        f"longest waits {outage.sending:.2f} s sending, {outage.receiving:.2f} s receiving</li>"
        for fault, outage in zip(outcome.record.faults, outcome.verdict.outages, strict=True)
    )
    broken = "".join(
        f'<li class="bad">{one.breach}: {escape(one.what)}</li>' for one in outcome.verdict.violations
    )
    name = escape(outcome.drill.name)
    return (
        f'<h2 id="{name}">{name}</h2><p>Seed {outcome.record.seed}.</p><ul>{faults}{broken}</ul>'
        f"<figure>{_picture(outcome)}</figure>"
    )


def _picture(outcome: Outcome) -> str:
    record = outcome.record
    height = 2 * (_STRIP + _GAP) + 10
    sends = [
        (s.began, (s.acknowledged if s.acknowledged is not None else record.seconds) - s.began)
        for s in record.sends
    ]
    due = {s.text: s.acknowledged for s in record.sends if s.acknowledged is not None}
    receipts = [
        (due[d.text], d.at - due[d.text])
        for reading in record.readings
        for d in reading.deliveries
        if d.text is not None and d.text in due
    ]

    def across(seconds: float) -> float:
        return _LEFT + (_WIDTH - _LEFT) * seconds / (record.seconds or 1.0)

    bands = "".join(
        f'<rect x="{across(f.began):.1f}" y="0" width="{max(2.0, across(f.ended) - across(f.began)):.1f}" '
        f'height="{height - 20}" fill="var(--fault)"><title>{escape(f.what)}</title></rect>'
        for f in record.faults
    )
    strips = "".join(
        _strip(label, colour, top, [(across(at), wait) for at, wait in waits])
        for label, colour, top, waits in (
            ("sending", "send", 10, sends),
            ("receiving", "receive", 10 + _STRIP + _GAP, receipts),
        )
    )
    ticks = "".join(
        f'<text x="{across(at):.0f}" y="{height - 4}" text-anchor="middle">{at:g} s</text>'
        for at in _ticks(record.seconds)
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="Waits over the drill, faults shaded">'
        f"{bands}{strips}{ticks}</svg>"
    )


def _strip(label: str, colour: str, top: float, waits: Sequence[tuple[float, float]]) -> str:
    bottom = top + _STRIP

    def up(seconds: float) -> float:
        share = math.log(min(max(seconds, _FLOOR), _CEILING) / _FLOOR) / math.log(_CEILING / _FLOOR)
        return bottom - _STRIP * share

    grid = "".join(
        f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{up(mark):.1f}" y2="{up(mark):.1f}" stroke="var(--line)"/>'
        f'<text x="{_LEFT - 6}" y="{up(mark) + 4:.1f}" text-anchor="end">{mark:g} s</text>'
        for mark in _MARKS[::2]
    )
    path = "".join(f"M{at:.1f} {bottom:.1f}V{up(wait):.1f}" for at, wait in waits)
    return (
        f'{grid}<path d="{path}" stroke="var(--{colour})" stroke-width="1.2" fill="none"/>'
        f'<text x="{_LEFT + 4}" y="{top + 10}">{label}</text>'
    )


def _ticks(seconds: float) -> Iterator[float]:
    step = next((one for one in (1, 2, 5, 10, 20, 30, 60) if seconds / one <= 12), 120)
    yield from range(0, int(seconds) + 1, step)
