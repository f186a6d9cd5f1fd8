from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from chirpbird.settings import Settings, SettingsError, signing_secret


def test_environment_variables_set_what_options_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIRPBIRD_PORT", "9000")
    monkeypatch.setenv("CHIRPBIRD_ALLOWED_ORIGINS", '["https://Intranet.example"]')
    assert Settings().port == 9000
    assert Settings(port=1).port == 1
    assert Settings().allowed_origins == ("https://intranet.example",)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("host", "my machine", "expected an IP address of this machine, or localhost"),
        ("port", "70000", "less than or equal to 65535"),
        ("allowed_origins", '["example.org"]', "expected scheme://host"),
        ("allowed_origins", '["https://example.org/path"]', "expected scheme://host"),
        ("log_level", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("sends_per_second", "0", "greater than 0"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(f"CHIRPBIRD_{name.upper()}", value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    [problem] = caught.value.errors()
    assert expected in problem["msg"]


def test_the_signing_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    first = signing_secret(settings)
    assert len(first) == 32
    assert signing_secret(settings) == first
    [file] = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_short_secret_is_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="secret is 5 bytes long, at least 32 are expected"):
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
