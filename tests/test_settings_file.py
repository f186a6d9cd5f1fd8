from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from chirpbird.settings import Settings, SettingsError, explain
from chirpbird.settings_file import load_settings

OPERATIONS = Path(__file__).parents[1] / "docs" / "operations.md"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "chirpbird.toml"


def test_options_win_over_the_environment_and_that_over_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text('host = "::1"\nport = 1\nsends_burst = 2\nsecret = "in the file"\n')
    monkeypatch.setenv("CHIRPBIRD_PORT", "3")
    monkeypatch.setenv("CHIRPBIRD_SENDS_BURST", "4")
    settings = load_settings(file, sends_burst=5)
    assert (settings.host, settings.port, settings.sends_burst) == ("::1", 3, 5)
    assert settings.secret is not None
    assert settings.secret.get_secret_value() == "in the file"
    assert "in the file" not in repr(settings)


def test_without_a_file_nothing_is_read() -> None:
    assert load_settings(None, port=7) == Settings(port=7)


def test_the_example_of_the_documentation_works(file: Path) -> None:
    [example] = re.findall(r"```toml\n(.*?)```", OPERATIONS.read_text("utf-8"), re.DOTALL)
    file.write_text(example)
    settings = load_settings(file)
    assert settings.data == Path("/var/lib/chirpbird")
    assert settings.allowed_origins == ("https://intranet.example",)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (
            b"prot = 1\nhots = 'x'",
            r"hots is no setting; did you mean host\?, prot is no setting; did you mean port",
        ),
        (b"Port = 1", "Port is no setting; did you mean port"),
        (b"[server]\nport = 1", "server is no setting$"),
        (b"port = ", r"is no TOML: invalid value \(at end of document\)"),
        (b"port = 1\nport = 2", "is no TOML: cannot overwrite a value"),
        (b"\xff", "is no TOML: 'utf-8' codec can't decode"),
        (b"#" * (1 << 20) + b"\n", "has more than 1048576 bytes"),
    ],
)
def test_files_that_are_refused(file: Path, written: bytes, words: str) -> None:
    file.write_bytes(written)
    with pytest.raises(SettingsError, match=words):
        load_settings(file)


def test_a_file_that_is_not_there(file: Path) -> None:
    with pytest.raises(SettingsError, match=r"chirpbird\.toml: No such file or directory"):
        load_settings(file)


def test_values_that_cannot_work_are_named_and_secrets_are_not_shown(file: Path) -> None:
    file.write_text('port = "http"\nsecret = ["hidden"]\nallowed_origins = "*"\n')
    with pytest.raises(ValidationError) as caught:
        load_settings(file)
    sentences = "\n".join(explain(caught.value))
    assert "setting port (CHIRPBIRD_PORT): found 'http', input should be a valid integer" in sentences
    assert "found '*', expected scheme://host" in sentences
    assert "setting secret" in sentences
    assert "hidden" not in sentences
