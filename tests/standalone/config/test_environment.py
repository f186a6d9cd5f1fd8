"""Environment variables set options."""

from __future__ import annotations

from pathlib import Path

import pytest

from chirpbird.standalone.config import Config, ConfigError, load
from chirpbird.standalone.config.environment import _options


def config(tmp_path: Path, content: str = "{}", **variables: str) -> Config:
    file = tmp_path / "c.json"
    file.write_text(content)
    return load(
        file, {f"CHIRPBIRD_REALTIME_{name}": value for name, value in variables.items()} | {"PATH": "/"}
    )


def test_values_of_all_kinds(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        CLIENT_TOKEN_HMAC_SECRET_KEY="123",
        CLIENT_INSECURE="true",
        CLIENT_CHANNEL_LIMIT="5",
        CLIENT_PING_INTERVAL="1m",
        CLIENT_ALLOWED_ORIGINS="https://a.example,https://b.example",
        ENGINE_REDIS_ADDRESS='["a:1", "b:2"]',
        CHANNEL_NAMESPACES='[{"name": "news"}]',
        LOG_LEVEL="warn",
    )
    client = found.client
    assert (client.token.hmac_secret_key, client.insecure, client.channel_limit) == ("123", True, 5)
    assert (client.ping_interval, len(client.allowed_origins)) == (60, 2)
    assert (found.engine.redis.address, found.channel.namespaces[0].name) == (["a:1", "b:2"], "news")
    assert found.log.level == "warn"


def test_they_count_more_than_the_file_and_leave_the_rest(tmp_path: Path) -> None:
    found = config(tmp_path, '{"client": {"channel_limit": 1, "concurrency": 2}}', CLIENT_CHANNEL_LIMIT="3")
    assert (found.client.channel_limit, found.client.concurrency) == (3, 2)
    assert config(tmp_path, "null", CLIENT_CHANNEL_LIMIT="3").client.channel_limit == 3


@pytest.mark.parametrize(
    ("content", "variables", "complaint"),
    [
        ("{}", {"CLEINT_INSECURE": "true"}, "environment: CHIRPBIRD_REALTIME_CLEINT_INSECURE: no option"),
        ("{}", {"CLIENT_INSECURE": "yes"}, "client.insecure: input should be a valid boolean"),
        ("{}", {"CHANNEL_NAMESPACES": "[" * 10_000}, "channel.namespaces: input should be a valid list"),
        ('{"client": 5}', {"CLIENT_INSECURE": "true"}, "client: input should be"),
        ("5", {"CLIENT_INSECURE": "true"}, "input should be"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, content: str, variables: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, content, **variables)
    assert complaint in str(caught.value) or complaint in str(caught.value).lower()


def test_no_two_options_have_one_variable() -> None:
    names = ["_".join(path) for path, _ in _options(Config)]
    assert len(names) == len(set(names))
