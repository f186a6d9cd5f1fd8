"""Redis's replies as what they ought to be. Errors: RedisUnavailable, with what was found."""

from __future__ import annotations

from chirpbird.realtime.redis.connection import Reply
from chirpbird.realtime.redis.errors import RedisUnavailable

__all__ = ["as_bytes", "as_int", "as_list", "as_text"]


def as_list(reply: Reply, length: int | None = None) -> list[Reply]:
    if not isinstance(reply, list) or (length is not None and len(reply) != length):
        raise RedisUnavailable(f"Redis answered {reply!r:.80}, expected {length or 'some'} things")
    return reply


def as_bytes(reply: Reply) -> bytes:
    if not isinstance(reply, bytes):
        raise RedisUnavailable(f"Redis answered {reply!r:.80}, expected a string")
    return reply


def as_text(reply: Reply) -> str:
    return as_bytes(reply).decode(errors="replace")


def as_int(reply: Reply) -> int:
    """Of a number, or of a string with one."""
    if isinstance(reply, int):
        return reply
    text = as_bytes(reply)
    if not text.lstrip(b"-").isdigit():
        raise RedisUnavailable(f"Redis answered {reply!r:.80}, expected a number")
    return int(text)
