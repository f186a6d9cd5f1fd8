"""The engine's settings are those of the configuration."""

from __future__ import annotations

from chirpbird.realtime import NodeConfig
from tests.support.standalone import Box


def test_limits_and_times_are_passed_on() -> None:
    client = {
        "channel_limit": 2,
        "user_connection_limit": 3,
        "queue_max_size": 4,
        "concurrency": 5,
        "ping_interval": "6s",
        "pong_timeout": "1s",
        "stale_close_delay": "7s",
        "expired_close_delay": "8s",
        "expired_sub_close_delay": "8s",
        "presence_update_interval": "90s",
        "channel_position_check_delay": "9s",
        "history_max_publication_limit": 10,
        "recovery_max_publication_limit": 11,
    }
    box = Box(
        client=client,
        channel={"max_length": 12},
        websocket={"message_size_limit": 100_000},
        node={"name": "n"},
        shutdown={"timeout": "13s"},
    )
    config = box.node.config
    assert (config.name, config.client_channel_limit, config.user_connection_limit) == ("n", 2, 3)
    assert (config.write_queue_limit, config.client_concurrency) == (4, 5)
    assert (config.ping_interval, config.pong_timeout, config.stale_timeout, config.expire_grace) == (
        6,
        1,
        7,
        8,
    )
    assert (config.position_check_delay, config.history_max_limit, config.recovery_limit) == (9, 10, 11)
    assert (config.channel_max_length, config.command_size_limit, config.shutdown_timeout) == (
        12,
        100_000,
        13,
    )
    assert config.presence_ttl > config.presence_interval == 90


def test_where_nothing_is_said_the_engine_decides_how_much_goes_on_at_once() -> None:
    assert Box().node.config.client_concurrency == NodeConfig().client_concurrency
