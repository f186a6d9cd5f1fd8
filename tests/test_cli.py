from __future__ import annotations

import socket
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from chirpbird import __version__
from chirpbird.cli import app


def _chirpbird(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200", "NO_COLOR": "1", **environment})


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("serve",), "[default: 127.0.0.1]"),
        (("serve",), "[default: ./data]"),
        (("chat",), "[default: who did last]"),
        (("chat",), "chirpbird[chat]"),
        (("lab", "drill"), "[default: a new one]"),
    ],
)
def test_help_shows_what_stands_in_brackets(command: tuple[str, ...], words: str) -> None:
    assert words in " ".join(_chirpbird(*command, "--help").output.replace("│", " ").split())


def test_help_names_the_command_and_its_options() -> None:
    assert "serve" in _chirpbird("--help").output
    output = _chirpbird("serve", "--help").output
    for words in ("--host", "--port", "--data"):
        assert words in output


@pytest.mark.parametrize("command", ["serve", "migrate", "realtime", "lab", "lab drill"])
def test_every_command_has_help(command: str) -> None:
    result = _chirpbird(*command.split(), "--help")
    assert result.exit_code == 0
    assert f" {command} [OPTIONS]" in result.output


def test_the_version() -> None:
    assert _chirpbird("--version").output == f"chirpbird {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("serve", "--prot", "1"), "No such option: --prot"),
        (("serve", "--port", "http"), "'--port': Input should be a valid integer"),
        (("serve", "--port", "70000"), "Input should be less than or equal to 65535"),
        (("serf",), "No such command 'serf'"),
    ],
)
def test_a_wrong_option_is_named(arguments: tuple[str, ...], words: str) -> None:
    result = _chirpbird(*arguments)
    assert result.exit_code == 2
    assert words in result.output


def test_a_wrong_setting_is_named_with_its_variable() -> None:
    result = _chirpbird("serve", CHIRPBIRD_SENDS_BURST="none")
    assert result.exit_code == 1
    assert "setting sends_burst (CHIRPBIRD_SENDS_BURST): found 'none', input should be" in result.output


def test_a_wrong_list_is_shown_as_it_is() -> None:
    result = _chirpbird("serve", CHIRPBIRD_ALLOWED_ORIGINS="[bold]x")
    assert result.exit_code == 1
    assert "found '[bold]x', expected a list as JSON, or with commas between" in result.output


def test_a_misspelt_variable_is_named() -> None:
    result = _chirpbird("serve", "--host", "nowhere", CHIRPBIRD_PROT="1")
    assert "CHIRPBIRD_PROT is no setting and changes nothing; did you mean CHIRPBIRD_PORT?" in result.output


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("localhost:6379", "the Redis URL has scheme 'localhost', expected one of: redis://"),
        ("redis+sentinel://localhost", "has no master, expected ?master=name"),
    ],
)
def test_a_wrong_redis_url_is_explained(tmp_path: Path, url: str, words: str) -> None:
    result = _chirpbird("serve", "--port", "0", "--data", str(tmp_path / "data"), CHIRPBIRD_REDIS_URL=url)
    assert result.exit_code == 1
    assert words in result.output


def test_a_port_in_use_is_said_before_the_data_is_touched(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = _chirpbird("serve", "--port", port, "--data", str(tmp_path / "data"))
    assert result.exit_code == 1
    assert f"cannot listen on port {port} of 127.0.0.1" in result.output
    assert "choose another port with --port" in result.output
    assert not (tmp_path / "data").exists()


def test_an_address_of_another_machine_is_said(tmp_path: Path) -> None:
    # 192.0.2.0/24 is nobody's: it is kept for documentation.
    result = _chirpbird("serve", "--host", "192.0.2.1", "--port", "0", "--data", str(tmp_path))
    assert result.exit_code == 1
    assert "cannot listen on port 0 of 192.0.2.1" in result.output
    assert "this machine has no such address" in result.output


def test_a_file_where_the_data_directory_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "data"):
        result = _chirpbird("serve", "--port", "0", "--data", str(place))
        assert result.exit_code == 1
        assert f"cannot use the data directory {place}: a file is in its place" in result.output


def test_a_data_directory_that_cannot_be_written_is_said() -> None:
    # Nobody can make directories there, not even root.
    result = _chirpbird("serve", "--port", "0", "--data", "/proc/chirpbird")
    assert result.exit_code == 1
    assert "cannot use the data directory /proc/chirpbird" in result.output
    assert "this user must be able to write there" in result.output


def test_a_short_secret_is_said_and_not_shown(tmp_path: Path) -> None:
    result = _chirpbird("serve", "--port", "0", "--data", str(tmp_path), CHIRPBIRD_SECRET="hunter2")
    assert result.exit_code == 1
    assert "CHIRPBIRD_SECRET is 7 bytes long, at least 32 are expected" in result.output
    assert "hunter2" not in result.output


def test_a_file_with_a_misspelt_setting_is_said(tmp_path: Path) -> None:
    file = tmp_path / "chirpbird.toml"
    file.write_text("prot = 8000")
    for result in (
        _chirpbird("serve", "--config", str(file)),
        _chirpbird("serve", CHIRPBIRD_CONFIG=str(file)),
    ):
        assert result.exit_code == 1
        assert "prot is no setting; did you mean port?" in result.output


def test_data_of_a_newer_version_is_said(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "chirpbird.db") as connection:
        connection.execute("PRAGMA application_id = 0x43485250")
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    result = _chirpbird("serve", "--port", "0", "--data", str(tmp_path))
    assert result.exit_code == 1
    assert "was written by a newer version" in result.output


def test_a_cluster_without_a_secret_is_not_touched() -> None:
    result = _chirpbird("serve", "--port", "0", CHIRPBIRD_MONGODB_URI="mongodb://127.0.0.1:1/")
    assert result.exit_code == 1
    assert "CHIRPBIRD_SECRET is not set" in result.output
