"""Why the server does not start."""

from __future__ import annotations

__all__ = ["CannotStart"]


class CannotStart(Exception):
    """``str(error)`` says why, and what to do."""
