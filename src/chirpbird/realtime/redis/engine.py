"""The engine's broker and presence on Redis."""

from __future__ import annotations

from chirpbird.realtime.redis.broker import RedisBroker
from chirpbird.realtime.redis.fleet import Fleet
from chirpbird.realtime.redis.options import RedisOptions
from chirpbird.realtime.redis.presence import RedisPresence

__all__ = ["redis_engine"]


def redis_engine(options: RedisOptions) -> tuple[RedisBroker, RedisPresence]:
    """A broker and a presence store for one node, which share their connections: ``Node(broker=..., presence=...)``.

    Nothing is connected before ``Node.start``, which raises Misconfigured or (with ``required``) RedisUnavailable.
    """
    fleet = Fleet(options)
    return RedisBroker(fleet), RedisPresence(fleet)
