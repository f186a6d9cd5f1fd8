"""Where sign-ins are kept between two starts: one file of the person's own, one refresh token a server and name."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import platformdirs

from chirpbird.terminal.errors import TerminalError

__all__ = ["Keyring"]

_READ_LIMIT = 1 << 20


class _Kept(msgspec.Struct):
    tokens: dict[str, dict[str, str]] = {}
    """Server -> username -> refresh token."""
    last: dict[str, str] = {}
    """Server -> who signed in last."""


class Keyring:
    """Reads and writes the file. Errors: TerminalError when it cannot be read or written."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or platformdirs.user_config_path("chirpbird") / "terminal.json"

    def find(self, server: str, username: str | None) -> tuple[str, str] | None:
        """Username and refresh token: of this person, or of who signed in last."""
        kept = self._read()
        name = kept.last.get(server) if username is None else username.casefold()
        token = kept.tokens.get(server, {}).get(name or "")
        return None if name is None or token is None else (name, token)

    def keep(self, server: str, username: str, token: str) -> None:
        """Instead of what was kept for them."""
        kept = self._read()
        kept.tokens.setdefault(server, {})[username.casefold()] = token
        kept.last[server] = username.casefold()
        self._write(kept)

    def forget(self, server: str, username: str) -> None:
        """No error if nothing was kept."""
        kept = self._read()
        if kept.tokens.get(server, {}).pop(username.casefold(), None) is None:
            return
        if not kept.tokens[server]:
            del kept.tokens[server]
        if kept.last.get(server) == username.casefold():
            del kept.last[server]
        self._write(kept)

    def _read(self) -> _Kept:
        try:
            with self.path.open("rb") as file:
                return msgspec.json.decode(file.read(_READ_LIMIT), type=_Kept)
        except FileNotFoundError:
            return _Kept()
        except OSError as error:
            raise TerminalError(f"cannot read {self.path}: {error.strerror}") from error
        except msgspec.DecodeError as error:
            raise TerminalError(
                f"{self.path} is not what this program wrote ({error}); move it away and sign in again"
            ) from error

    def _write(self, kept: _Kept) -> None:
        """Whole or not at all, and never readable by others, not for a moment."""
        fresh = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(kept)))
            fresh.replace(self.path)
        except OSError as error:
            raise TerminalError(f"cannot write {self.path}: {error.strerror}") from error
