"""Which engine a configuration means."""

from __future__ import annotations

from typing import Any

import pytest

from chirpbird.realtime import MemoryBroker, MemoryPresence
from chirpbird.realtime.redis import RedisBroker, RedisPresence
from chirpbird.standalone.config import EngineSection, RedisOptions
from chirpbird.standalone.engine import engine, redis_urls
from chirpbird.standalone.errors import CannotStart


def test_memory_is_the_default() -> None:
    broker, presence = engine(EngineSection())
    assert isinstance(broker, MemoryBroker)
    assert isinstance(presence, MemoryPresence)


def test_redis_is_not_asked_before_the_start() -> None:
    broker, presence = engine(EngineSection(type="redis"))
    assert isinstance(broker, RedisBroker)
    assert isinstance(presence, RedisPresence)


def test_what_redis_could_not_be_reached_with_is_said() -> None:
    with pytest.raises(CannotStart, match=r"engine\.redis: .*prefix"):
        engine(EngineSection(type="redis", redis=RedisOptions(prefix="a b")))


@pytest.mark.parametrize(
    ("options", "urls"),
    [
        ({}, "redis://127.0.0.1:6379/0"),
        ({"password": "p", "db": 2}, "redis://:p@127.0.0.1:6379/2"),
        ({"address": "unix:///run/redis?db=1", "password": "p"}, "unix:///run/redis?db=1"),
        ({"address": "a:1", "db": 3}, "redis://a:1/3"),
        ({"address": ["a:1", "rediss://u:p@b:2/5"], "user": "u"}, "redis://u:@a:1/0 rediss://u:p@b:2/5"),
        ({"address": "a:1", "password": "p@/:"}, "redis://:p%40%2F%3A@a:1/0"),
        ({"cluster_address": ["a:1,b:2", "c:3"]}, "redis+cluster://a:1,b:2 redis+cluster://c:3"),
        (
            {
                "sentinel_address": ["a:1,b:2"],
                "sentinel_master_name": "m",
                "sentinel_user": "s",
                "sentinel_password": "x y",
            },
            "redis+sentinel://a:1,b:2/0?master=m&sentinel_username=s&sentinel_password=x+y",
        ),
        (
            {"sentinel_address": "a:1", "sentinel_master_name": "m", "user": "u", "password": "p"},
            "redis+sentinel://u:p@a:1/0?master=m",
        ),
    ],
)
def test_addresses_become_urls(options: dict[str, Any], urls: str) -> None:
    assert redis_urls(RedisOptions(**options)) == urls
