"""How the engine uses Redis."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from chirpbird.realtime.redis.errors import Misconfigured
from chirpbird.realtime.redis.url import RedisSet, parse_sets

__all__ = ["RedisOptions"]

_PREFIX = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class RedisOptions(msgspec.Struct, frozen=True, kw_only=True):
    """``url`` may name several independent sets, over which channels are spread: see ``url.parse_sets``.

    Errors when made: Misconfigured. All times in seconds.
    """

    url: str
    prefix: str = "chirpbird"
    """What all keys and channels in Redis begin with. Two systems on one Redis need two prefixes."""
    required: bool = True
    """A start without Redis fails. False: it goes on, and Redis is used as soon as it is there; for applications whose channels
    have a log of their own. What is misconfigured fails in both cases, if Redis can be asked."""
    connect_timeout: float = 3.0
    """For a connection to be made and greeted."""
    suspect_after: float = 0.75
    """A server that is asked and silent for so long counts as down until it answers."""
    drop_after: float = 5.0
    """A connection that is silent for so long is given up."""
    retry_min: float = 0.05
    retry_max: float = 1.0
    """How long to wait before a lost connection is tried again, doubling from min to max, with jitter."""
    watch_interval: float = 2.0
    """How often Sentinels and clusters are asked who is master."""

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.prefix):
            raise Misconfigured(
                f"the Redis prefix is {self.prefix!r}, expected 1 to 64 letters, digits and any of _.:-"
            )
        self.sets()

    def sets(self) -> Sequence[RedisSet]:
        """The sets that ``url`` names. Errors: Misconfigured."""
        return parse_sets(self.url)
