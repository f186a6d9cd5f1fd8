"""The lab with its real parts: it comes up, it breaks what it is told to, and its drills find planted bugs and only those."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from chirpbird.lab.control import Act, Action, DrillOrder, PartStatus, StatusRequest, call, stream
from chirpbird.lab.drills.checker import Breach
from chirpbird.lab.drills.rehearsal import Outcome
from chirpbird.lab.errors import LabError
from chirpbird.lab.launch import Lab, Options, launch

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PLANTED = Path(__file__).with_name("planted.py")
SOURCES = Path(__file__).parents[2] / "src"
SEED = 20


@contextmanager
def lab_in(directory: Path, program: tuple[str, ...] = (sys.executable, "-m", "chirpbird")) -> Iterator[Lab]:
    path = os.pathsep.join(filter(None, (str(SOURCES), os.environ.get("PYTHONPATH"))))
    lab = launch(Options(str(directory), settings={"PYTHONPATH": path}, program=program), lambda step: None)
    try:
        yield lab
    finally:
        lab.end()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab_in(tmp_path_factory.mktemp("lab")) as up:
        yield up


def drill(lab: Lab, name: str, *, seconds: float = 4.0) -> Outcome:
    order = DrillOrder(
        name,
        str(lab.directory),
        str(lab.directory / "report"),
        seed=SEED,
        writers=4,
        readers=2,
        channels=2,
        seconds=seconds,
        catch_up=10.0,
    )
    text = "".join(reply.text or "" for reply in stream(lab.directory, order))
    report = lab.directory / "report" / "drills.json"
    assert report.exists(), text
    (outcome,) = msgspec.json.decode(report.read_bytes(), type=list[Outcome])
    report.unlink()
    return outcome


def parts(lab: Lab) -> dict[str, PartStatus]:
    status = call(lab.directory, StatusRequest()).status
    assert status is not None
    return {part.name: part for part in status.parts}


def until(lab: Lab, true: Callable[[dict[str, PartStatus]], bool]) -> dict[str, PartStatus]:
    end = time.monotonic() + 60
    while not true(seen := parts(lab)):
        assert time.monotonic() < end, seen
    return seen


def test_every_part_is_up_and_has_its_role(lab: Lab) -> None:
    seen = parts(lab)
    assert {part.health for part in seen.values()} == {"ok"}
    roles = sorted(part.role for part in seen.values() if part.kind in ("redis", "mongod", "address"))
    assert roles == sorted(
        [
            "master",
            "replica",
            "replica",
            "primary",
            "secondary",
            "secondary",
            "holds the address",
            "stands by",
        ]
    )


def test_what_is_broken_shows_and_what_is_healed_is_well(lab: Lab) -> None:
    for action, part in ((Action.PAUSE, "chat1"), (Action.CUT, "mongo3"), (Action.STOP, "sentinel2")):
        call(lab.directory, Act(action, part))
    seen = until(lab, lambda seen: seen["mongo3"].health != "ok")
    assert (seen["chat1"].state, seen["mongo3"].cut, seen["sentinel2"].state) == ("paused", True, "dead")
    with pytest.raises(LabError, match="sentinel2 is dead already"):
        call(lab.directory, Act(Action.KILL, "sentinel2"))
    with pytest.raises(LabError, match="there is no part 'chat9'; there are "):
        call(lab.directory, Act(Action.KILL, "chat9"))
    call(lab.directory, Act(Action.HEAL, "all"))
    until(lab, lambda seen: all(part.health == "ok" for part in seen.values()))


@pytest.mark.parametrize("name", ["pair-chat-redis", "mongo-primary-kill", "balancer-kill", "redis-all-kill"])
def test_nothing_acknowledged_is_lost_and_nothing_comes_twice(lab: Lab, name: str) -> None:
    outcome = drill(lab, name)
    assert outcome.verdict.violations == []
    assert outcome.verdict.acknowledged == outcome.verdict.sent > 0
    assert outcome.record.faults


@pytest.mark.parametrize(
    ("bug", "name", "seconds", "breach"),
    [
        ("acknowledge_before_durable", "mongo-majority-kill", 12.0, Breach.LOST),
        ("skip_gap_fill", "redis-all-kill", 4.0, Breach.MISSED),
        ("forget_keys", "mongo-primary-pause", 6.0, Breach.DUPLICATED),
    ],
)
def test_a_planted_bug_is_found(tmp_path: Path, bug: str, name: str, seconds: float, breach: Breach) -> None:
    with lab_in(tmp_path / "lab", (sys.executable, str(PLANTED), bug)) as broken:
        verdict = drill(broken, name, seconds=seconds).verdict
    assert verdict.counts[breach] > 0
    assert not verdict.holds
