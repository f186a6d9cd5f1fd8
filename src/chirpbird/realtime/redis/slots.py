"""Reading CLUSTER SLOTS."""

from __future__ import annotations

from chirpbird.realtime.redis.connection import Reply
from chirpbird.realtime.redis.errors import RedisUnavailable
from chirpbird.realtime.redis.keys import SLOTS
from chirpbird.realtime.redis.url import Address

__all__ = ["parse_redirect", "parse_slots"]


def parse_slots(reply: Reply, asked: Address) -> list[Address | None]:
    """The master of each slot. A server that does not know its own address is where it was ``asked``.

    Errors: RedisUnavailable when the answer makes no sense.
    """
    owners: list[Address | None] = [None] * SLOTS
    try:
        if not isinstance(reply, list):
            raise TypeError(type(reply).__name__)
        for first, last, master, *_ in reply:
            host = master[0].decode() if master[0] else ""
            address = Address(host=asked.host if host in ("", "?") else host, port=int(master[1]))
            if not 0 <= first <= last < SLOTS:
                raise ValueError(f"slots {first} to {last}")
            owners[first : last + 1] = [address] * (last + 1 - first)
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise RedisUnavailable(f"the cluster's slots cannot be read: {error}") from error
    return owners


def parse_redirect(detail: str, asked: Address) -> Address | None:
    """Where ``MOVED slot host:port`` or ``ASK slot host:port`` points; None when it does not say."""
    parts = detail.split()
    if len(parts) < 3:
        return None
    host, _, port = parts[2].rpartition(":")
    if not port.isdigit():
        return None
    return Address(host=host.strip("[]") if host not in ("", "?") else asked.host, port=int(port))
