"""The drills there are: what is broken in each, and how long people may notice it at most."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import msgspec

from chirpbird.lab.control import Action
from chirpbird.lab.drills.nemesis import Blow, Target
from chirpbird.lab.errors import LabError

__all__ = ["DRILLS", "Drill", "held", "named"]

_HOLD = 8.0
"""Seconds that a part stays broken: longer than any election here takes."""
_LONG = 20.0
"""Longer than a balancer takes to give a node up that does not answer, and shorter than a client takes to find out by itself."""
_HANG = 10.0
"""Seconds until clients of a node that hangs are at work on another one: the checks that have to fail, and their way there."""
_UNAFFECTED = 1.0
"""Seconds that a send may take when nothing that it needs is broken; two busy cores are shared by the whole lab."""


class Drill(msgspec.Struct, frozen=True):
    """``sending`` and ``receiving`` are bounds in seconds for the longest wait; None where it lasts as long as the fault."""

    name: str
    blows: tuple[Blow, ...]
    sending: float | None
    receiving: float | None


def _drill(
    name: str,
    action: Action,
    *targets: Target,
    sending: float | None,
    receiving: float | None,
    seconds: float = _HOLD,
    off: str = "",
) -> Drill:
    return Drill(name, (Blow(action, targets, seconds, off),), sending, receiving)


_KILL, _STOP, _PAUSE, _CUT = Action.KILL, Action.STOP, Action.PAUSE, Action.CUT
_PING_LOST = 40.0
"""Seconds until a client gives up a connection on which nothing comes: the ping interval, and the SDK's patience."""

DRILLS: tuple[Drill, ...] = (
    Drill("calm", (), _UNAFFECTED, _UNAFFECTED),
    _drill("chat-kill", _KILL, Target.CHAT, sending=5, receiving=5),
    _drill("chat-stop", _STOP, Target.CHAT, sending=5, receiving=5),
    _drill("chat-pause", _PAUSE, Target.CHAT, sending=_HANG, receiving=_HANG, seconds=_LONG),
    _drill("chat-cut", _CUT, Target.CHAT, sending=_HANG, receiving=_HANG, seconds=_LONG),
    _drill("redis-master-kill", _KILL, Target.REDIS_MASTER, sending=_UNAFFECTED, receiving=5),
    _drill("redis-master-pause", _PAUSE, Target.REDIS_MASTER, sending=_UNAFFECTED, receiving=5),
    _drill("redis-master-cut", _CUT, Target.REDIS_MASTER, sending=_UNAFFECTED, receiving=5),
    _drill("redis-cut-off", _CUT, Target.CHAT, sending=_UNAFFECTED, receiving=6, seconds=_LONG, off="redis"),
    _drill("redis-replica-kill", _KILL, Target.REDIS_REPLICA, sending=_UNAFFECTED, receiving=2),
    _drill("sentinel-kill", _KILL, Target.SENTINEL, sending=_UNAFFECTED, receiving=2),
    _drill("redis-all-kill", _KILL, Target.REDIS_ALL, sending=_UNAFFECTED, receiving=2),
    _drill("mongo-primary-kill", _KILL, Target.MONGO_PRIMARY, sending=10, receiving=10),
    _drill("mongo-primary-pause", _PAUSE, Target.MONGO_PRIMARY, sending=10, receiving=10),
    _drill("mongo-primary-cut", _CUT, Target.MONGO_PRIMARY, sending=10, receiving=10),
    _drill("mongo-secondary-kill", _KILL, Target.MONGO_SECONDARY, sending=2, receiving=2),
    _drill("mongo-majority-kill", _KILL, Target.MONGO_MAJORITY, sending=None, receiving=None),
    _drill("balancer-kill", _KILL, Target.BALANCER, sending=10, receiving=10),
    _drill("balancer-cut", _CUT, Target.BALANCER, sending=_PING_LOST, receiving=_PING_LOST),
    _drill("pair-chat-redis", _KILL, Target.CHAT, Target.REDIS_MASTER, sending=5, receiving=5),
    _drill("pair-chat-mongo", _KILL, Target.CHAT, Target.MONGO_PRIMARY, sending=10, receiving=10),
    _drill("pair-redis-mongo", _KILL, Target.REDIS_MASTER, Target.MONGO_PRIMARY, sending=10, receiving=10),
    _drill("pair-balancer-chat", _KILL, Target.BALANCER, Target.CHAT, sending=10, receiving=10),
)

_RANDOM_BLOWS = 6


def named(name: str, chance: Random) -> tuple[Drill, ...]:
    """The drill of that name; ``all`` is every one of them; ``random`` is six blows that ``chance`` picks.

    Errors: LabError when there is none of that name.
    """
    if name == "all":
        return DRILLS
    if name == "random":
        return (Drill("random", tuple(_random_blow(chance) for _ in range(_RANDOM_BLOWS)), None, None),)
    for drill in DRILLS:
        if drill.name == name:
            return (drill,)
    raise LabError(
        f"there is no drill {name!r}; there are {', '.join(one.name for one in DRILLS)}, random and all"
    )


def held(drills: Sequence[Drill], seconds: float | None) -> list[Drill]:
    """The same, with everything broken for ``seconds``; None leaves them as they are."""
    if seconds is None:
        return list(drills)
    return [
        msgspec.structs.replace(
            drill, blows=tuple(msgspec.structs.replace(blow, seconds=seconds) for blow in drill.blows)
        )
        for drill in drills
    ]


def _random_blow(chance: Random) -> Blow:
    single = [blow for drill in DRILLS for blow in drill.blows]
    blow = chance.choice(single)
    return Blow(blow.action, blow.targets, chance.uniform(0.5, _HOLD), blow.off)
