"""Breaks parts, by the role that they have at that moment, and mends them again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from random import Random

import msgspec

from chirpbird.lab.control import Act, Action, PartStatus, Status
from chirpbird.lab.drills.record import Fault
from chirpbird.lab.errors import LabError
from chirpbird.lab.plan import Kind

__all__ = ["Blow", "Control", "Nemesis", "Target"]

_SETTLE_SECONDS = 60.0
_LOOK_AGAIN = 0.25


class Target(StrEnum):
    """Whom to hit."""

    CHAT = "a chat node"
    BALANCER = "the balancer in use"
    REDIS_MASTER = "the Redis master"
    REDIS_REPLICA = "a Redis replica"
    REDIS_ALL = "all of Redis"
    SENTINEL = "a Sentinel"
    MONGO_PRIMARY = "the MongoDB primary"
    MONGO_SECONDARY = "a MongoDB secondary"
    MONGO_MAJORITY = "two of three MongoDB members"


class Blow(msgspec.Struct, frozen=True):
    """What to do, to whom (all at the same moment), and for how many seconds."""

    action: Action
    targets: tuple[Target, ...]
    seconds: float
    off: str = ""
    """Of a cut: from which hosts only, by the beginning of their names."""

    def __str__(self) -> str:
        off = f" off {self.off}" if self.off else ""
        return f"{self.action} {' and '.join(self.targets)}{off}"


class Control:
    """How the nemesis reaches the lab; a narrow door, so that tests can stand behind it."""

    def __init__(
        self, act: Callable[[Act], Awaitable[None]], status: Callable[[], Awaitable[Status]]
    ) -> None:
        self.act = act
        self.status = status


class Nemesis:
    """One for a drill. ``chance`` decides which of several equals is hit; ``say`` gets a line for whoever watches."""

    def __init__(
        self, control: Control, chance: Random, clock: Callable[[], float], say: Callable[[str], None]
    ) -> None:
        self._control = control
        self._chance = chance
        self._clock = clock
        self._say = say

    async def strike(self, blow: Blow) -> Fault:
        """Break, wait, mend, and wait until all is well. Errors: LabError when it does not get well."""
        parts = (await self._control.status()).parts
        victims = [victim for target in blow.targets for victim in self._choose(target, parts)]
        off = f" off {blow.off}" if blow.off else ""
        what = f"{blow.action} {', '.join(victims)}{off} ({' and '.join(blow.targets)})"
        self._say(what)
        began = self._clock()
        try:
            for victim in victims:
                await self._control.act(Act(blow.action, victim, blow.off))
            await asyncio.sleep(blow.seconds)
        finally:
            for victim in victims:
                await self._control.act(Act(Action.HEAL, victim))
        ended = self._clock()
        await self.settle()
        self._say(f"all is well again, {self._clock() - ended:.1f} s after the repair")
        return Fault(what, began, ended)

    async def settle(self) -> None:
        """Wait until every part is well. Errors: LabError after a minute, naming those that are not."""
        ill: list[str] = []
        try:
            async with asyncio.timeout(_SETTLE_SECONDS):
                while True:
                    parts = (await self._control.status()).parts
                    ill = [f"{one.name} ({one.health})" for one in parts if one.health != "ok" or one.cut]
                    if not ill:
                        return
                    await asyncio.sleep(_LOOK_AGAIN)
        except TimeoutError:
            raise LabError(f"after {_SETTLE_SECONDS:g} s not well: {', '.join(ill)}") from None

    def _choose(self, target: Target, parts: Sequence[PartStatus]) -> list[str]:
        match target:
            case Target.CHAT:
                return self._one(parts, Kind.CHAT)
            case Target.BALANCER:
                # The address follows its keepalived; hitting the balancer itself is what makes it move.
                return [
                    name.replace("vip", "lb") for name in self._one(parts, Kind.ADDRESS, "holds the address")
                ]
            case Target.REDIS_MASTER:
                return self._one(parts, Kind.REDIS, "master")
            case Target.REDIS_REPLICA:
                return self._one(parts, Kind.REDIS, "replica")
            case Target.REDIS_ALL:
                return [one.name for one in parts if one.kind in (Kind.REDIS, Kind.SENTINEL)]
            case Target.SENTINEL:
                return self._one(parts, Kind.SENTINEL)
            case Target.MONGO_PRIMARY:
                return self._one(parts, Kind.MONGOD, "primary")
            case Target.MONGO_SECONDARY:
                return self._one(parts, Kind.MONGOD, "secondary")
            case Target.MONGO_MAJORITY:
                return self._chance.sample([one.name for one in parts if one.kind == Kind.MONGOD], 2)

    def _one(self, parts: Sequence[PartStatus], kind: Kind, role: str | None = None) -> list[str]:
        fitting = [one.name for one in parts if one.kind == kind and role in (None, one.role)]
        if not fitting:
            raise LabError(f"no {kind} is {role or 'there'}")
        return [self._chance.choice(fitting)]
