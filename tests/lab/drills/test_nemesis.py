"""The nemesis hits whoever has the role at that moment, mends what it broke, and waits until all is well."""

from __future__ import annotations

from random import Random

import pytest

from chirpbird.lab.control import Act, Action, PartStatus, Status
from chirpbird.lab.drills.catalogue import DRILLS, named
from chirpbird.lab.drills.nemesis import Blow, Control, Nemesis, Target
from chirpbird.lab.errors import LabError


class Stage:
    """A lab that does nothing but remember."""

    def __init__(self) -> None:
        self.acts: list[tuple[Action, str]] = []
        self.dead: set[str] = set()
        self.fail_on: str | None = None

    async def act(self, request: Act) -> None:
        if request.part == self.fail_on and request.action is not Action.HEAL:
            raise LabError(f"{request.part} is dead already")
        self.acts.append((request.action, request.part))
        if request.action is Action.HEAL:
            self.dead.discard(request.part)
        else:
            self.dead.add(request.part)

    async def status(self) -> Status:
        def part(name: str, kind: str, role: str = "") -> PartStatus:
            health = "dead" if name in self.dead else "ok"
            return PartStatus(name, kind, "10.0.0.1", "running", cut=False, role=role, health=health)

        return Status(
            (
                *(part(f"chat{n}", "chat") for n in (1, 2, 3)),
                part("lb1", "balancer"),
                part("lb2", "balancer"),
                part("vip1", "address", "stands by"),
                part("vip2", "address", "holds the address"),
                part("redis1", "redis", "replica"),
                part("redis2", "redis", "master"),
                part("redis3", "redis", "replica"),
                *(part(f"sentinel{n}", "sentinel", "master is 10.0.0.1") for n in (1, 2, 3)),
                part("mongo1", "mongod", "secondary"),
                part("mongo2", "mongod", "secondary"),
                part("mongo3", "mongod", "primary"),
            )
        )


def nemesis(stage: Stage, said: list[str] | None = None, seed: int = 1) -> Nemesis:
    lines = said if said is not None else []
    return Nemesis(Control(stage.act, stage.status), Random(seed), lambda: 1.0, lines.append)


@pytest.mark.parametrize(
    ("target", "victims"),
    [
        (Target.REDIS_MASTER, {"redis2"}),
        (Target.MONGO_PRIMARY, {"mongo3"}),
        (Target.BALANCER, {"lb2"}),
        (Target.REDIS_ALL, {"redis1", "redis2", "redis3", "sentinel1", "sentinel2", "sentinel3"}),
    ],
)
async def test_the_one_with_the_role_is_hit_and_mended(target: Target, victims: set[str]) -> None:
    stage = Stage()
    fault = await nemesis(stage).strike(Blow(Action.KILL, (target,), 0))
    assert {part for action, part in stage.acts if action is Action.KILL} == victims
    assert {part for action, part in stage.acts if action is Action.HEAL} == victims
    assert all(victim in fault.what for victim in victims)


async def test_one_of_several_equals_is_picked_by_the_seed() -> None:
    picked = set()
    for seed in range(20):
        stage, again = Stage(), Stage()
        await nemesis(stage, seed=seed).strike(Blow(Action.KILL, (Target.CHAT,), 0))
        await nemesis(again, seed=seed).strike(Blow(Action.KILL, (Target.CHAT,), 0))
        assert stage.acts == again.acts
        picked.add(stage.acts[0][1])
    assert picked == {"chat1", "chat2", "chat3"}


async def test_a_pair_is_hit_together() -> None:
    stage = Stage()
    await nemesis(stage).strike(Blow(Action.CUT, (Target.REDIS_MASTER, Target.MONGO_PRIMARY), 0))
    assert stage.acts[:2] == [(Action.CUT, "redis2"), (Action.CUT, "mongo3")]


async def test_what_is_half_done_is_undone() -> None:
    stage = Stage()
    stage.fail_on = "mongo3"
    with pytest.raises(LabError, match="mongo3 is dead already"):
        await nemesis(stage).strike(Blow(Action.KILL, (Target.REDIS_MASTER, Target.MONGO_PRIMARY), 0))
    assert (Action.HEAL, "redis2") in stage.acts


def test_every_drill_has_a_name_of_its_own() -> None:
    names = [drill.name for drill in DRILLS]
    assert len(names) == len(set(names))
    assert named("all", Random(1)) == DRILLS
    assert named("calm", Random(1))[0].blows == ()


def test_a_random_drill_is_repeated_by_its_seed() -> None:
    assert named("random", Random(5)) == named("random", Random(5))


def test_an_unknown_drill_lists_those_that_exist() -> None:
    with pytest.raises(LabError, match="there is no drill 'chat-kil'; there are calm, chat-kill"):
        named("chat-kil", Random(1))
