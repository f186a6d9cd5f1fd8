from __future__ import annotations

import stat
from pathlib import Path

import pytest

from chirpbird.terminal.errors import TerminalError
from chirpbird.terminal.keyring import Keyring

SERVER = "https://chat.example.org"


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "new" / "terminal.json")


def test_nothing_is_kept_at_first(keyring: Keyring) -> None:
    assert keyring.find(SERVER, None) is None
    assert keyring.find(SERVER, "ann") is None


def test_who_was_last_is_found_without_a_name(keyring: Keyring) -> None:
    keyring.keep(SERVER, "Ann", "a1")
    keyring.keep(SERVER, "bob", "b1")
    keyring.keep("https://other.example.org", "cid", "c1")
    assert keyring.find(SERVER, None) == ("bob", "b1")
    assert keyring.find(SERVER, "ANN") == ("ann", "a1")
    keyring.keep(SERVER, "ann", "a2")
    assert keyring.find(SERVER, None) == ("ann", "a2")


def test_what_is_forgotten_is_gone(keyring: Keyring) -> None:
    keyring.keep(SERVER, "ann", "a1")
    keyring.forget(SERVER, "nobody")
    keyring.forget(SERVER, "ann")
    assert keyring.find(SERVER, None) is None
    assert "a1" not in keyring.path.read_text()


def test_nobody_else_can_read_it(keyring: Keyring) -> None:
    keyring.keep(SERVER, "ann", "a1")
    assert stat.S_IMODE(keyring.path.stat().st_mode) == 0o600
    assert [one.name for one in keyring.path.parent.iterdir()] == ["terminal.json"]


@pytest.mark.parametrize("content", [b"", b"nonsense", b'{"tokens": 3}', b"\xff"])
def test_a_file_that_is_none_of_ours_is_left_alone(keyring: Keyring, content: bytes) -> None:
    keyring.path.parent.mkdir()
    keyring.path.write_bytes(content)
    with pytest.raises(TerminalError, match="move it away and sign in again"):
        keyring.find(SERVER, None)
    with pytest.raises(TerminalError):
        keyring.keep(SERVER, "ann", "a1")
    assert keyring.path.read_bytes() == content


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TerminalError, match=r"cannot (read|write) .*: Not a directory"):
        Keyring(tmp_path / "file" / "terminal.json").keep(SERVER, "ann", "a1")
