"""The files of ``deploy/``: what the lab's parts are told, written for machines of one's own.

``python -m chirpbird.lab.deploy DIRECTORY`` writes them; a test holds the committed ones against this.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from chirpbird.lab.configs.haproxy import haproxy_config
from chirpbird.lab.configs.keepalived import check_script, keepalived_config
from chirpbird.lab.configs.mongod import mongod_config, replica_set
from chirpbird.lab.configs.redis import redis_config, sentinel_config

__all__ = ["deployment", "main"]

_BALANCERS = ("192.0.2.11", "192.0.2.12")
_CHATS = {"chat1": "192.0.2.21:8000", "chat2": "192.0.2.22:8000", "chat3": "192.0.2.23:8000"}
_REDIS = ("192.0.2.31", "192.0.2.32", "192.0.2.33")
_MONGO = ("192.0.2.41", "192.0.2.42", "192.0.2.43")
_SHARED = "192.0.2.10/24"
"""All of RFC 5737's network for documentation: to be replaced."""


def deployment() -> dict[str, str]:
    """File names and texts."""
    return {**_balancing(), **_keeping(), "chirpbird.env": _environment(), "chirpbird.service": _SERVICE}


def _balancing() -> dict[str, str]:
    first, second = _BALANCERS
    check = "/etc/keepalived/check-balancer"
    return {
        "haproxy.cfg": _with_head(
            "/etc/haproxy/haproxy.cfg on both balancers; the certificate and its key are in one PEM file.",
            haproxy_config(
                _CHATS,
                bind=":443",
                status="127.0.0.1:8404",
                certificates="/etc/haproxy/certs/",
                log="/dev/log local0",
            ),
        ),
        "keepalived-1.conf": _with_head(
            "/etc/keepalived/keepalived.conf on the first balancer.",
            keepalived_config(
                interface="eth0", own=first, peer=second, shared=_SHARED, priority=150, check=check
            ),
        ),
        "keepalived-2.conf": _with_head(
            "/etc/keepalived/keepalived.conf on the second balancer.",
            keepalived_config(
                interface="eth0", own=second, peer=first, shared=_SHARED, priority=100, check=check
            ),
        ),
        "check-balancer": check_script("127.0.0.1:8405"),
        "compose-haproxy.cfg": _with_head(
            "For compose.yml, where the nodes have names and Docker's name server knows them.",
            haproxy_config(
                {name: f"{name}:8000" for name in _CHATS},
                bind=":8000",
                status=":8404",
                resolver="127.0.0.11:53",
                log="stdout format raw local0",
            ),
        ),
    }


def _keeping() -> dict[str, str]:
    return {
        "redis.conf": _with_head(
            "/etc/redis/redis.conf on the first Redis; the others have their own address, and the last line without its #.",
            redis_config(address=_REDIS[0], directory="/var/lib/redis") + f"# replicaof {_REDIS[0]} 6379\n",
        ),
        "sentinel.conf": _with_head(
            "/etc/redis/sentinel.conf beside each Redis, with its own address; Sentinel writes into it.",
            sentinel_config(address=_REDIS[0], directory="/var/lib/redis", master=_REDIS[0]),
        ),
        "mongod.conf": _with_head(
            "/etc/mongod.conf on each member, with its own address.",
            mongod_config(address=_MONGO[0], directory="/var/lib/mongodb"),
        ),
        "replica-set.js": "// Once, on one member: mongosh replica-set.js\n"
        f"rs.initiate({msgspec.json.format(msgspec.json.encode(replica_set([f'{one}:27017' for one in _MONGO]))).decode()});\n",
    }


def main() -> None:
    """Write the files into the directory given."""
    directory = Path(sys.argv[1])
    for name, text in deployment().items():
        path = directory / name
        path.write_text(text)
        path.chmod(0o755 if text.startswith("#!") else 0o644)


def _with_head(head: str, text: str) -> str:
    return f"# {head}\n{text}"


def _environment() -> str:
    members = ",".join(f"{one}:27017" for one in _MONGO)
    sentinels = ",".join(f"{one}:26379" for one in _REDIS)
    return f"""\
# /etc/chirpbird/chirpbird.env on each chat node; only CHIRPBIRD_HOST differs. Every setting: docs/operations.md.
CHIRPBIRD_HOST=192.0.2.21
CHIRPBIRD_PORT=8000
CHIRPBIRD_DATA=/var/lib/chirpbird
CHIRPBIRD_MONGODB_URI=mongodb://{members}/chirpbird?replicaSet=chirpbird
CHIRPBIRD_REDIS_URL=redis+sentinel://{sentinels}/0?master=chirpbird
# Signs sign-ins, the same on every node; make it once with: openssl rand -hex 32
CHIRPBIRD_SECRET=
# The balancers, whose word on where a client comes from is taken.
CHIRPBIRD_FORWARDED_ALLOW_IPS={",".join(_BALANCERS)}
CHIRPBIRD_DRAIN_SECONDS=30
CHIRPBIRD_LOG_FORMAT=json
"""


_SERVICE = """\
# /etc/systemd/system/chirpbird.service
[Unit]
Description=Chirpbird chat node
Documentation=file:///usr/share/doc/chirpbird/operations.md
Wants=network-online.target
After=network-online.target

[Service]
EnvironmentFile=/etc/chirpbird/chirpbird.env
ExecStart=/opt/chirpbird/bin/chirpbird serve
# SIGTERM drains the node: CHIRPBIRD_DRAIN_SECONDS, and time for what is on its way.
TimeoutStopSec=60
Restart=always
RestartSec=1
# A connection is an open file.
LimitNOFILE=131072
DynamicUser=yes
StateDirectory=chirpbird
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
CapabilityBoundingSet=
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
"""


if __name__ == "__main__":
    main()
