"""Options that Centrifugo v6 has and this server does not: whoever brings one along deserves a better answer than "unknown"."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["is_centrifugo_option"]

_SECTIONS = frozenset(
    [
        "broker",
        "presence_manager",
        "map_broker",
        "controller",
        "shared_poll",
        "proxies",
        "consumers",
        "init",
        "pid_file",
        "enable_unreleased_features",
        "grpc_api",
        "uni_grpc",
        "webtransport",
        "graphite",
        "opentelemetry",
        "debug",
        "swagger",
    ]
)
"""Whole sections, with all that is in them."""

_CHANNEL = frozenset(
    [
        "map",
        "shared_poll",
        "map_clients_presence_channel_prefix",
        "map_users_presence_channel_prefix",
        "subscribe_proxy_enabled",
        "subscribe_proxy_name",
        "publish_proxy_enabled",
        "publish_proxy_name",
        "sub_refresh_proxy_enabled",
        "sub_refresh_proxy_name",
        "subscribe_stream_proxy_enabled",
        "subscribe_stream_proxy_name",
        "subscribe_stream_proxy_bidirectional",
    ]
)
_TOKEN = frozenset({"insecure_skip_jwks_endpoint_safety_check"})
_WEBSOCKET = frozenset(
    [
        "compression_min_size",
        "compression_level",
        "read_buffer_size",
        "use_write_buffer_pool",
        "write_buffer_size",
        "write_timeout",
        "decompressed_message_size_limit",
        "disable_closing_handshake",
        "disable_disconnect_push",
        "join_push_messages",
    ]
)
_TLS = frozenset({"client_ca_pem", "server_ca_pem", "insecure_skip_verify", "server_name"})
_IN: dict[str, frozenset[str]] = {
    "http_server": frozenset(
        [
            "internal_address",
            "internal_port",
            "tls_autocert",
            "tls_external",
            "internal_tls",
            "http3",
            "h2c_external",
        ]
    ),
    "http_server.tls": _TLS,
    "log": frozenset({"file"}),
    "client": frozenset(
        [
            "proxy",
            "channel_position_max_time_lag",
            "connection_limit",
            "connection_rate_limit",
            "insecure_skip_token_signature_verify",
            "user_id_http_header",
            "connect_code_to_unidirectional_disconnect",
        ]
    ),
    "client.token": _TOKEN,
    "client.subscription_token": _TOKEN,
    "channel": frozenset({"proxy"}),
    "channel.without_namespace": _CHANNEL,
    "channel.namespaces": _CHANNEL,
    "rpc": frozenset({"proxy", "without_namespace", "namespaces", "namespace_boundary"}),
    "websocket": _WEBSOCKET,
    "uni_websocket": _WEBSOCKET,
    "uni_http_stream": frozenset({"connect_code_to_http_response"}),
    "uni_sse": frozenset({"connect_code_to_http_response"}),
    "http_api": frozenset({"external"}),
    "admin": frozenset({"web_path", "web_proxy_address"}),
    "prometheus": frozenset(
        {"instrument_http_handlers", "recovered_publications_histogram", "native_histograms"}
    ),
    "node": frozenset({"info_metrics_aggregate_interval"}),
    "engine.redis": frozenset(
        [
            "tls",
            "sentinel_tls",
            "client_name",
            "sentinel_client_name",
            "replica_client",
            "presence_hash_field_ttl",
            "presence_user_mapping",
        ]
    ),
}


def is_centrifugo_option(location: Sequence[int | str]) -> bool:
    """Whether Centrifugo knows the option at this place; places of a list do not count."""
    parts = [part for part in location if isinstance(part, str)]
    if parts[0] in _SECTIONS:
        return True
    return parts[-1] in _IN.get(".".join(parts[:-1]), ())
