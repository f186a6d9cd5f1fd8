"""Broker and presence on Redis: standalone, behind Sentinels, a cluster, or several independent ones of these."""

from __future__ import annotations

from chirpbird.realtime.redis.broker import RedisBroker
from chirpbird.realtime.redis.engine import redis_engine
from chirpbird.realtime.redis.errors import CommandRefused, ConnectionLost, Misconfigured, RedisUnavailable
from chirpbird.realtime.redis.options import RedisOptions
from chirpbird.realtime.redis.presence import RedisPresence

__all__ = [
    "CommandRefused",
    "ConnectionLost",
    "Misconfigured",
    "RedisBroker",
    "RedisOptions",
    "RedisPresence",
    "RedisUnavailable",
    "redis_engine",
]
