"""What goes wrong in the terminal, in words for the person at it."""

from __future__ import annotations

__all__ = ["ServerRefused", "ServerUnreachable", "SignInNeeded", "TerminalError"]


class TerminalError(Exception):
    """``str(error)`` says what went wrong, and what to do if there is something."""


class ServerUnreachable(TerminalError):
    """Nobody answers there, or somebody who is not Chirpbird."""


class ServerRefused(TerminalError):
    """The server's own words. ``code`` is one of docs/API.md's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class SignInNeeded(TerminalError):
    """Nothing is kept to sign in with, or the server does not take it any more."""
