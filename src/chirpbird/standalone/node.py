"""A node as a configuration describes it."""

from __future__ import annotations

from chirpbird import __version__
from chirpbird.realtime import Broker, Clock, Node, NodeConfig, PresenceStore
from chirpbird.realtime.clock import SystemClock
from chirpbird.standalone.config import Config
from chirpbird.standalone.handlers import Handlers
from chirpbird.standalone.rules import Rules
from chirpbird.standalone.tokens import TokenVerifier

__all__ = ["create_node"]

PRESENCE_TTL = 60.0
"""Seconds, unless the presence store has an option for that."""


def create_node(
    config: Config, broker: Broker, presence: PresenceStore, rules: Rules, clock: Clock | None = None
) -> Node:
    """With its handlers, and not started yet."""
    clock = clock or SystemClock()
    node = Node(_node_config(config), broker=broker, presence=presence, clock=clock)
    tokens = TokenVerifier(config.client.token, clock)
    separate = config.client.subscription_token
    subscription_tokens = TokenVerifier(separate, clock) if separate.enabled else tokens
    Handlers(node, config, rules, tokens, subscription_tokens)
    return node


def _node_config(config: Config) -> NodeConfig:
    client = config.client
    presence_ttl = config.engine.redis.presence_ttl if config.engine.type == "redis" else PRESENCE_TTL
    return NodeConfig(
        name=config.node.name,
        version=__version__,
        ping_interval=client.ping_interval,
        pong_timeout=client.pong_timeout,
        stale_timeout=client.stale_close_delay,
        expire_grace=client.expired_close_delay,
        presence_interval=client.presence_update_interval,
        presence_ttl=max(presence_ttl, 2 * client.presence_update_interval),
        client_channel_limit=client.channel_limit,
        channel_max_length=config.channel.max_length,
        command_size_limit=max(
            config.websocket.message_size_limit,
            config.http_stream.max_request_body_size,
            config.sse.max_request_body_size,
            config.emulation.max_request_body_size,
        ),
        client_concurrency=client.concurrency or NodeConfig().client_concurrency,
        write_queue_limit=client.queue_max_size,
        user_connection_limit=client.user_connection_limit,
        server_time=client.connect_include_server_time,
        history_max_limit=client.history_max_publication_limit,
        recovery_limit=client.recovery_max_publication_limit,
        position_check_delay=client.channel_position_check_delay,
        shutdown_timeout=config.shutdown.timeout,
    )
