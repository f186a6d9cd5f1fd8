"""A member of the replica set that holds the log."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["mongod_config", "replica_set"]


def mongod_config(
    *,
    address: str,
    directory: str,
    port: int = 27017,
    name: str = "chirpbird",
    cache_gib: float | None = None,
) -> str:
    """``cache_gib`` None leaves WiredTiger its default: half of the memory, less 1 GiB."""
    cache = (
        "" if cache_gib is None else f"  wiredTiger:\n    engineConfig:\n      cacheSizeGB: {cache_gib:g}\n"
    )
    return f"""\
net:
  bindIp: {address},127.0.0.1
  port: {port}
  unixDomainSocket:
    enabled: false
replication:
  replSetName: {name}
storage:
  dbPath: {directory}
{cache}\
setParameter:
  # Members let go of a primary that hangs when the others elect another. Without these they cling to it for 3 s more (or 11, by
  # chance), and nothing reaches a majority. No promise rests on them: what was acknowledged is on a majority either way.
  oplogNetworkTimeoutBufferSeconds: 1
  oplogFetcherSteadyStateMaxFetcherRestarts: 0
# With others on this network: security.keyFile, net.tls, and a user for the chat.
"""


def replica_set(members: Sequence[str], name: str = "chirpbird") -> dict[str, object]:
    """What ``replSetInitiate`` is given, once, on one member. A primary that is silent for 2 s is replaced."""
    return {
        "_id": name,
        "members": [{"_id": number, "host": member} for number, member in enumerate(members)],
        "settings": {
            "electionTimeoutMillis": 2000,
            "heartbeatIntervalMillis": 500,
            "heartbeatTimeoutSecs": 2,
        },
    }
