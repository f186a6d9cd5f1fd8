"""New identifiers: ULIDs for things, random text for a log's identity."""

from __future__ import annotations

import secrets

from ulid import ULID

__all__ = ["new_epoch", "new_id"]


def new_id(now_ms: int) -> str:
    """26 characters that sort by time of creation."""
    return str(ULID.from_timestamp(now_ms))


def new_epoch() -> str:
    """The identity of a new log: 8 characters."""
    return secrets.token_urlsafe(6)
