"""Options that have to fit each other."""

from __future__ import annotations

from typing import Any

import pytest

from chirpbird.standalone.config import ConfigError, parse
from tests.support.standalone import pem, private_keys

HISTORY = {"history_size": 10, "history_ttl": "60s"}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"channel": {"without_namespace": {"history_size": 1}}}, "expected both or none"),
        ({"channel": {"without_namespace": {"force_recovery": True}}}, "force_recovery needs history_size"),
        (
            {
                "channel": {
                    "without_namespace": {**HISTORY, "force_recovery": True, "auto_cache_recover": True}
                }
            },
            "auto_cache_recover needs",
        ),
        ({"channel": {"without_namespace": {"allowed_delta_types": ["x"]}}}, "allowed_delta_types[0]"),
        (
            {"channel": {"without_namespace": {"history_size": 1, "history_ttl": "721h"}}},
            "no more than history_meta_ttl",
        ),
        ({"channel": {"namespaces": [{"name": "a"}]}}, "found 'a', expected two or more"),
        ({"channel": {"namespaces": [{"name": "ab"}, {"name": "ab"}]}}, "2 namespaces with the name 'ab'"),
        ({"channel": {"namespaces": [{}]}}, "namespaces[0].name"),
        ({"client": {"ping_interval": "5s", "pong_timeout": "5s"}}, "expected less than ping_interval"),
        ({"client": {"expired_sub_close_delay": "1s"}}, "expected the same"),
        ({"client": {"allowed_origins": ["a.example"]}}, "expected scheme://host"),
        ({"client": {"allowed_origins": ["https://{a.example"]}}, "expected braces in pairs"),
        ({"client": {"token": {"audience": "a", "audience_regex": "b"}}}, "expected one of them"),
        ({"client": {"token": {"issuer": "a", "issuer_regex": "b"}}}, "expected one of them"),
        ({"client": {"token": {"user_id_claim": "a.b"}}}, "letters and underscores"),
        ({"client": {"token": {"jwks_public_endpoint": "ftp://a"}}}, "found no http"),
        ({"client": {"token": {"jwks_public_endpoint": "https://{{a}}/"}}}, "has the variable 'a'"),
        (
            {"client": {"token": {"jwks_public_endpoint": "https://{{a}}/", "issuer_regex": "(?P<a>.*)"}}},
            "with its values in issuer_regex",
        ),
        ({"client": {"token": {"rsa_public_key": "x"}}}, "found no public key in PEM"),
        (
            {
                "client": {
                    "subscribe_to_user_personal_channel": {
                        "enabled": True,
                        "personal_channel_namespace": "me",
                    }
                }
            },
            "expected the name of a namespace",
        ),
        (
            {"client": {"subscribe_to_user_personal_channel": {"enabled": True, "single_connection": True}}},
            "single_connection needs presence",
        ),
        ({"health": {"enabled": True, "handler_prefix": "/api"}}, "both served at /api"),
        ({"engine": {"type": "nats"}}, "engine.type"),
        ({"engine": {"redis": {"sentinel_address": ["a:1"]}}}, "needs sentinel_master_name"),
        ({"engine": {"redis": {"sentinel_master_name": "m"}}}, "needs sentinel_address"),
        ({"engine": {"redis": {"address": []}}}, "expected one or more"),
        ({"engine": {"redis": {"prefix": ""}}}, "engine.redis.prefix"),
        (
            {
                "engine": {
                    "redis": {
                        "sentinel_address": "a:1",
                        "sentinel_master_name": "m",
                        "cluster_address": "b:1",
                    }
                }
            },
            "expected one of them",
        ),
    ],
)
def test_what_does_not_fit_is_said(content: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(content)
    [problem] = caught.value.problems
    assert complaint in problem


def test_keys_have_to_be_of_their_kind() -> None:
    keys = private_keys()
    good = {"rsa_public_key": pem(keys["RS256"]), "ecdsa_public_key": pem(keys["ES256"])}
    assert parse(
        {"client": {"token": {**good, "ed25519_public_key": pem(keys["EdDSA"])}}}
    ).client.token.has_keys
    with pytest.raises(ConfigError, match="of another kind, expected rsa"):
        parse({"client": {"token": {"rsa_public_key": pem(keys["ES256"])}}})


def test_what_is_served_has_paths() -> None:
    config = parse({"sse": {"enabled": True}, "health": {"enabled": True}, "websocket": {"disabled": True}})
    assert config.paths() == {
        "http_api": "/api",
        "emulation": "/emulation",
        "sse": "/connection/sse",
        "health": "/health",
    }


def test_the_command_line_counts_more() -> None:
    config = parse({"http_server": {"address": "0.0.0.0", "port": 1}})  # noqa: S104
    assert config.listening_on(None, None) == config
    moved = config.listening_on("127.0.0.1", 0).http_server
    assert (moved.address, moved.port) == ("127.0.0.1", 0)
