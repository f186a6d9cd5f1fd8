from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from chirpbird.settings import Settings, SettingsError, explain, signing_secret, unknown_variables

OPERATIONS = Path(__file__).parents[1] / "docs" / "operations.md"


def test_environment_variables_set_what_options_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIRPBIRD_PORT", "9000")
    monkeypatch.setenv("CHIRPBIRD_ALLOWED_ORIGINS", '["https://Intranet.example"]')
    assert Settings().port == 9000
    assert Settings(port=1).port == 1
    assert Settings().allowed_origins == ("https://intranet.example",)


def test_lists_are_json_or_have_commas_between(monkeypatch: pytest.MonkeyPatch) -> None:
    for written in (
        '["https://a.example", "http://b:8080"]',
        "https://A.example, http://b:8080",
        " https://a.example,http://b:8080,",
    ):
        monkeypatch.setenv("CHIRPBIRD_ALLOWED_ORIGINS", written)
        assert Settings().allowed_origins == ("https://a.example", "http://b:8080")
    monkeypatch.setenv("CHIRPBIRD_ALLOWED_ORIGINS", "")
    assert Settings().allowed_origins == ()


def test_proxies_are_addresses_networks_or_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for written in ("", "*", "127.0.0.1", "10.0.0.0/8, ::1"):
        monkeypatch.setenv("CHIRPBIRD_FORWARDED_ALLOW_IPS", written)
        assert Settings().forwarded_allow_ips == written


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("host", "my machine", "found 'my machine', expected an IP address of this machine, or localhost"),
        ("port", "70000", "found '70000', input should be less than or equal to 65535"),
        ("port", "http", "found 'http', input should be a valid integer"),
        ("allowed_origins", "example.org", "found 'example.org', expected scheme://host"),
        (
            "allowed_origins",
            '["https://example.org/path"]',
            "found 'https://example.org/path', expected scheme",
        ),
        ("allowed_origins", "*", "found '*', expected scheme://host"),
        ("allowed_origins", '["https://example.org"', "expected a list as JSON, or with commas between"),
        ("allowed_origins", "[1]", "found '1', input should be a valid string"),
        ("forwarded_allow_ips", "10.0.0.1, proxy", "found 'proxy', expected IP addresses or networks"),
        ("access_token_seconds", "0", "found '0', input should be greater than or equal to 1"),
        ("refresh_token_days", "1e9", "found '1e9', input should be a valid integer"),
        ("sends_burst", "-1", "found '-1', input should be greater than or equal to 1"),
        ("sends_per_second", "0", "found '0', input should be greater than 0"),
        ("sends_per_second", "inf", "found 'inf', input should be a finite number"),
        ("sign_ins_per_name", "", "found '', input should be a valid integer"),
        ("sign_ins_per_address", "many", "found 'many', input should be a valid integer"),
        ("refreshes_per_address", "0", "found '0', input should be greater than or equal to 1"),
        ("channels_per_client", "0", "found '0', input should be greater than or equal to 1"),
        ("head_seconds", "0", "found '0', input should be greater than 0"),
        ("body_seconds", "nan", "found 'nan', input should be a finite number"),
        ("drain_seconds", "601", "found '601', input should be less than or equal to 600"),
        ("stall_seconds", "-1", "found '-1', input should be greater than 0"),
        ("log_level", "loud", "found 'loud', input should be 'debug', 'info', 'warning' or 'error'"),
        ("log_format", "xml", "found 'xml', input should be 'text' or 'json'"),
    ],
)
def test_a_setting_that_cannot_work_is_explained(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"CHIRPBIRD_{name.upper()}", value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    [sentence] = explain(caught.value)
    assert sentence.startswith(f"setting {name} (CHIRPBIRD_{name.upper()}): ")
    assert words in sentence


def test_secrets_are_not_shown_when_they_are_wrong() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"secret": ["hush"]})
    assert "hush" not in "".join(explain(caught.value))


def test_misspelt_variables_are_noticed() -> None:
    names = [
        "PATH",
        "CHIRPBIRD_PORT",
        "CHIRPBIRD_DRAIN_SECOND",
        "CHIRPBIRD_ELEPHANT",
        "CHIRPBIRD_MONGOD",
        "CHIRPBIRD_REALTIME_PORT",
    ]
    assert unknown_variables(names) == [
        "CHIRPBIRD_DRAIN_SECOND is no setting and changes nothing; did you mean CHIRPBIRD_DRAIN_SECONDS?",
        "CHIRPBIRD_ELEPHANT is no setting and changes nothing",
    ]


def test_every_setting_is_documented_with_its_default() -> None:
    rows = re.findall(r"^\| `CHIRPBIRD_(\w+)` \| (.*?) \| \S", OPERATIONS.read_text(), re.MULTILINE)
    documented = {name.lower(): default for name, default in rows}
    assert len(rows) == len(documented)
    assert documented == {name: spell(field.default) for name, field in Settings.model_fields.items()}


def spell(default: object) -> str:
    """As the table has it."""
    if default is None or default in ("", ()):
        return "none"
    return f"{default:g}" if isinstance(default, float) else str(default)


def test_the_signing_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    first = signing_secret(settings)
    assert len(first) == 32
    assert signing_secret(settings) == first
    [file] = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_short_secret_is_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="CHIRPBIRD_SECRET is 5 bytes long, at least 32 are expected"):
        signing_secret(Settings(data=tmp_path, secret=SecretStr("short")))
    (tmp_path / "secret.key").write_bytes(b"short")
    with pytest.raises(SettingsError, match="holds 5 bytes, at least 32 are expected"):
        signing_secret(Settings(data=tmp_path))


def test_a_cluster_must_be_given_its_secret(tmp_path: Path) -> None:
    uri = SecretStr("mongodb://user:password@host/")
    with pytest.raises(SettingsError, match="CHIRPBIRD_SECRET is not set"):
        signing_secret(Settings(data=tmp_path, mongodb_uri=uri))
    settings = Settings(data=tmp_path, mongodb_uri=uri, secret=SecretStr("s" * 32))
    assert signing_secret(settings) == b"s" * 32
    assert "password" not in repr(settings)
    assert settings.mongodb_address() == "mongodb://user:password@host/"


def test_a_secret_that_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read or write"):
        signing_secret(Settings(data=tmp_path / "missing"))
