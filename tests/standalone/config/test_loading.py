"""Files become configurations; whatever is wrong is named, all of it at once."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirpbird.standalone.config import Config, ConfigError, load, parse
from chirpbird.standalone.config.loading import MAX_FILE


def problems(content: object) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(content)
    return caught.value.problems


def test_nothing_is_the_defaults() -> None:
    assert parse(None) == parse({}) == Config()


@pytest.mark.parametrize("name", ["a.json", "a.yaml", "a.yml", "A.JSON"])
def test_files_are_read_by_their_names(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text('{"client": {"insecure": true}, "channel": {"namespaces": [{"name": "news"}]}}')
    config = load(file)
    assert config.client.insecure
    assert [namespace.name for namespace in config.channel.namespaces] == ["news"]


def test_yaml_is_read(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("client:\n  ping_interval: 1m\n  allowed_origins:\n    - https://a.example\n")
    config = load(file)
    assert (config.client.ping_interval, config.client.allowed_origins) == (60, ["https://a.example"])


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("c.json", "{", "is not json"),
        ("c.yaml", "a: [", "is not yaml"),
        ("c.yaml", "a: &x 1\nb: *x", "aliases are not supported"),
        ("c.yaml", "client: {}\nclient: {}", "'client' is given more than once"),
        ("c.json", '{"client": {}, "client": {}}', "'client' is given more than once"),
        ("c.yaml", "a: !!python/object:os.system 1", "is not yaml"),
        ("c.toml", "", "ends with '.toml', expected one of .json, .yaml, .yml"),
        ("c.json", "[" * 100_000, "is not json"),
        ("c.yaml", "[" * 100_000, "is not yaml"),
        ("c.json", "[]", "input should be"),
        ("c.json", "\x00" * (MAX_FILE + 1), "is larger than"),
    ],
)
def test_what_is_no_configuration_is_said(tmp_path: Path, name: str, content: str, complaint: str) -> None:
    file = tmp_path / name
    file.write_text(content)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert complaint in str(caught.value).lower()
    assert str(file) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(tmp_path / "c.json")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"cleint": {}}, "cleint: no option of this name; did you mean client?"),
        (
            {"client": {"insecur": True}},
            "client.insecur: no option of this name; did you mean client.insecure?",
        ),
        ({"client": {"xyzzy": 1}}, "client.xyzzy: no option of this name"),
        (
            {"channel": {"presence": True}},
            "channel.presence: no option of this name; did you mean channel.without_namespace.presence?",
        ),
        (
            {"channel": {"namespaces": [{"name": "ab"}, {"name": "cd", "presense": True}]}},
            "channel.namespaces[1].presense: no option of this name; did you mean channel.namespaces[1].presence?",
        ),
        (
            {"history_size": 1},
            "history_size: no option of this name; did you mean channel.without_namespace.history_size?",
        ),
        ({"client": {"proxy": {}}}, "client.proxy: an option of Centrifugo that this server does not have"),
        ({"consumers": []}, "consumers: an option of Centrifugo that this server does not have"),
        (
            {"channel": {"namespaces": [{"name": "ab", "map": {}}]}},
            "channel.namespaces[0].map: an option of Centrifugo that this server does not have",
        ),
        ({"admin": {"enabled": True}}, "admin.enabled: found true, but this server has no such thing"),
        ({"swagger": {"enabled": True}}, "swagger.enabled: found true, but this server has no such thing"),
        ({"websocket": {"compression": True}}, "websocket.compression: found true"),
        ({"client": {"insecure": "yes"}}, "client.insecure: input should be a valid boolean"),
        ({"http_server": {"port": 65_536}}, "http_server.port: input should be less than or equal to 65535"),
    ],
)
def test_a_mistake_is_named_with_its_place(content: object, complaint: str) -> None:
    [problem] = problems(content)
    assert problem.startswith(complaint)


def test_all_mistakes_are_named_at_once() -> None:
    found = problems(
        {"cleint": 1, "client": {"insecur": 1}, "sse": {"enabled": 1}, "channel": {"max_length": "x"}}
    )
    assert len(found) == 4


def test_secrets_are_not_repeated() -> None:
    content = {"client": {"token": {"rsa_public_key": "hidden-key", "hmac_secret_key": 4711}}}
    assert "hidden-key" not in str(problems(content))
    assert "4711" not in str(problems(content))


def test_what_was_set_for_an_admin_page_may_stay() -> None:
    assert not parse({"admin": {"enabled": False, "password": "p", "secret": "s"}}).admin.enabled


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
_sections = st.sampled_from(sorted(Config.model_fields))


@given(st.dictionaries(_sections, _json, max_size=4))
def test_only_a_configuration_or_its_error_comes_out(content: dict[str, Any]) -> None:
    with suppress(ConfigError):
        parse(content)


@given(st.binary(max_size=200), st.sampled_from(["json", "yaml"]))
def test_bytes_of_any_kind_are_no_configuration(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, kind: str
) -> None:
    file = tmp_path_factory.getbasetemp() / f"any.{kind}"
    file.write_bytes(content)
    with suppress(ConfigError):
        load(file)


def test_the_default_can_be_written_and_read() -> None:
    content = json.loads(Config().model_dump_json())
    durations = [path for path, value in _leaves(content) if isinstance(value, float)]
    assert "client.ping_interval" in durations


def _leaves(content: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for name, value in content.items():
        if isinstance(value, dict):
            found += _leaves(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, value))
    return found
