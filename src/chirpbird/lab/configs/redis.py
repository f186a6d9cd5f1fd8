"""Redis carries announcements and presence: nothing that has to outlive it, so it keeps nothing on disk."""

from __future__ import annotations

__all__ = ["MASTER_NAME", "redis_config", "sentinel_config"]

MASTER_NAME = "chirpbird"
"""What the Sentinels call the set."""


def redis_config(*, address: str, directory: str, port: int = 6379, replica_of: str | None = None) -> str:
    """``replica_of`` is the first master's host; Sentinel decides from then on."""
    lines = [
        f"bind {address} 127.0.0.1",
        f"port {port}",
        "# Only the chat's own network may reach this port. With others on it: requirepass, masterauth and TLS.",
        "protected-mode no",
        f"dir {directory}",
        "# The log is in MongoDB. What is in here may be lost: the chat reads its log again.",
        'save ""',
        "appendonly no",
        "# A node that cannot keep up is cut off and catches up from the log.",
        "client-output-buffer-limit pubsub 64mb 16mb 30",
        "tcp-keepalive 30",
        "repl-timeout 10",
        "repl-diskless-sync yes",
        "repl-diskless-sync-delay 0",
        f"replica-announce-ip {address}",
    ]
    if replica_of is not None:
        lines.append(f"replicaof {replica_of} {port}")
    return "\n".join(lines) + "\n"


def sentinel_config(
    *,
    address: str,
    directory: str,
    master: str,
    name: str = MASTER_NAME,
    port: int = 26379,
    redis_port: int = 6379,
    quorum: int = 2,
) -> str:
    """``master`` is the host that starts as master. Sentinel rewrites this file as things change."""
    return f"""\
bind {address} 127.0.0.1
port {port}
protected-mode no
dir {directory}
sentinel announce-ip {address}
sentinel monitor {name} {master} {redis_port} {quorum}
# Longer silences than this are failures. Shorter: quicker failover, and more of them for nothing.
sentinel down-after-milliseconds {name} 2000
sentinel failover-timeout {name} 10000
sentinel parallel-syncs {name} 2
"""
