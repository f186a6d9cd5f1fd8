"""The reports: everything that the checker found is in them, and nothing that came from outside is markup."""

from __future__ import annotations

import io
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from chirpbird.lab.drills.catalogue import Drill
from chirpbird.lab.drills.checker import judge
from chirpbird.lab.drills.record import Delivery, Fault, LogEntry, Reading, Record, Send
from chirpbird.lab.drills.rehearsal import Outcome
from chirpbird.lab.drills.report import kept, show, within, write


def outcome(*, text: str = "m0", delivered: bool = True, sending: float | None = 1.0) -> Outcome:
    deliveries = [Delivery(1, text, 1.2)] if delivered else []
    record = Record(
        "calm",
        7,
        10.0,
        [Send("w", "c", text, 1.0, 1.5)],
        [Reading("r", "c", 0, deliveries)],
        {"c": [LogEntry(1, text)]},
        [Fault("kill <b>redis1</b>", 0.5, 2.0)],
    )
    return Outcome(Drill("calm", (), sending, None), record, judge(record))


def printed(*outcomes: Outcome) -> str:
    console = Console(file=io.StringIO(), width=200)
    show(outcomes, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_good_drill_is_kept() -> None:
    assert kept([outcome()])
    assert "kept" in printed(outcome())


def test_a_drill_that_took_too_long_is_not_kept() -> None:
    slow = outcome(sending=0.4)
    assert slow.verdict.holds
    assert not within(slow)
    assert not kept([outcome(), slow])
    assert "slow" in printed(slow)


def test_a_broken_promise_is_described() -> None:
    broken = outcome(delivered=False)
    assert not kept([broken])
    assert "r was never given 1 ('m0')" in printed(broken)


def test_the_files_hold_everything(tmp_path: Path) -> None:
    outcomes = [outcome(), outcome(text="<script>alert(1)</script>", delivered=False)]
    data, document = write(outcomes, tmp_path / "report")
    assert msgspec.json.decode(data.read_bytes(), type=list[Outcome]) == outcomes
    html = document.read_text()
    assert html.count("<svg") == 2
    assert "kill &lt;b&gt;redis1&lt;/b&gt;" in html
    assert "<script>" not in html


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_page_is_well_formed(count: int, tmp_path: Path) -> None:
    _, document = write([outcome()] * count, tmp_path)
    opened: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in {"meta", "line", "path", "rect"}:
                opened.append(tag)

        def handle_startendtag(self, tag: str, attrs: object) -> None:
            return

        def handle_endtag(self, tag: str) -> None:
            if tag in opened:
                while opened.pop() != tag:
                    continue

    Checker().feed(document.read_text())
    assert set(opened) <= {"html", "p", "li", "tr", "td", "th"}
