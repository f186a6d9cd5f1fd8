from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from chirpbird.cli import app

GOOD = {"client": {"token": {"hmac_secret_key": "x" * 32}}, "http_api": {"key": "k"}}


def _realtime(directory: Path, content: dict[str, Any], *arguments: str) -> Result:
    config = directory / "config.json"
    config.write_text(json.dumps(content))
    environment = {"COLUMNS": "200", "NO_COLOR": "1"}
    return CliRunner().invoke(app, ["realtime", "--config", str(config), *arguments], env=environment)


def test_a_good_configuration_is_ok(tmp_path: Path) -> None:
    result = _realtime(tmp_path, GOOD, "--check")
    assert (result.exit_code, result.output) == (0, "ok\n")


def test_a_dangerous_one_is_ok_with_a_warning(tmp_path: Path) -> None:
    result = _realtime(tmp_path, {**GOOD, "client": {"insecure": True}}, "--check")
    assert (result.exit_code, result.stdout) == (0, "ok\n")
    assert "client.insecure is on" in result.stderr


def test_all_mistakes_are_named(tmp_path: Path) -> None:
    result = _realtime(tmp_path, {"cleint": {}, "client": {"insecur": True}}, "--check")
    assert result.exit_code == 1
    assert "cleint: no option of this name" in result.output
    assert "client.insecur: no option of this name" in result.output


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = _realtime(tmp_path, GOOD, "--port", port)
    assert result.exit_code == 1
    assert f"cannot listen on port {port} of 127.0.0.1" in result.output


def test_a_file_is_needed() -> None:
    result = CliRunner().invoke(app, ["realtime"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exit_code == 2
    assert "--config" in result.output
