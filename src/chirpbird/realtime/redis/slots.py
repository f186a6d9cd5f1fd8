"""Reading CLUSTER SLOTS."""

from __future__ import annotations

from chirpbird.realtime.redis.connection import Reply
from chirpbird.realtime.redis.errors import RedisUnavailable
from chirpbird.realtime.redis.keys import SLOTS
from chirpbird.realtime.redis.replies import as_int, as_list, as_text
from chirpbird.realtime.redis.url import Address

__all__ = ["parse_redirect", "parse_slots"]


def parse_slots(reply: Reply, asked: Address) -> list[Address | None]:
    """The master of each slot. A server that does not know its own address is where it was ``asked``.

    Errors: RedisUnavailable when the answer makes no sense.
    """
    owners: list[Address | None] = [None] * SLOTS
    for part in as_list(reply):
        begin, end, master, *_ = as_list(part)
        first, last = as_int(begin), as_int(end)
        host, port, *_ = as_list(master)
        if not 0 <= first <= last < SLOTS:
            raise RedisUnavailable(f"the cluster has slots {first} to {last}, expected 0 to {SLOTS - 1}")
        name = as_text(host) if host else ""
        address = Address(host=asked.host if name in ("", "?") else name, port=as_int(port))
        owners[first : last + 1] = [address] * (last + 1 - first)
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
