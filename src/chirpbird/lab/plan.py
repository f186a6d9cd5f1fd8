"""Which hosts and parts the lab has, and what each part is started with."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from chirpbird.lab.configs.haproxy import haproxy_config
from chirpbird.lab.configs.keepalived import check_script, keepalived_config
from chirpbird.lab.configs.mongod import mongod_config
from chirpbird.lab.configs.redis import redis_config, sentinel_config
from chirpbird.lab.programs import find_mongod, find_program

__all__ = [
    "ALIVE_PORT",
    "CHAT_PORT",
    "MONGO_PORT",
    "REDIS_PORT",
    "SENTINEL_PORT",
    "STATUS_PORT",
    "Host",
    "Kind",
    "Part",
    "Plan",
]

NETWORK = "10.77.0"
"""A network inside the lab's own namespace: nothing on it leaves or enters the machine."""
GATEWAY = f"{NETWORK}.1"
SHARED = f"{NETWORK}.10"
"""What clients connect to; one of the balancers holds it."""
CHAT_PORT = 8000
STATUS_PORT = 8404
ALIVE_PORT = 8405
REDIS_PORT = 6379
SENTINEL_PORT = 26379
MONGO_PORT = 27017
SECRET = "the lab's secret signs nothing of value, but is long enough"  # noqa: S105 - reachable from the lab only


class Kind(StrEnum):
    """What a part is."""

    CHAT = "chat"
    BALANCER = "balancer"
    ADDRESS = "address"
    """keepalived: decides which balancer holds the shared address."""
    REDIS = "redis"
    SENTINEL = "sentinel"
    MONGOD = "mongod"


@dataclass(frozen=True)
class Host:
    """A machine of the lab: a network namespace with one address."""

    name: str
    address: str


@dataclass(frozen=True)
class Part:
    """One process."""

    name: str
    kind: Kind
    host: Host
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    """Written into the part's directory before the first start; relative name to text."""
    programs: frozenset[str] = frozenset()
    """Which of ``files`` are to be run."""


@dataclass(frozen=True)
class Plan:
    """The whole topology."""

    directory: Path
    hosts: tuple[Host, ...]
    parts: tuple[Part, ...]

    @classmethod
    def make(
        cls,
        directory: Path,
        *,
        chats: int = 3,
        settings: dict[str, str] | None = None,
        program: tuple[str, ...] = (sys.executable, "-m", "chirpbird"),
    ) -> Plan:
        """``settings`` are environment variables for the chat nodes, over the lab's own; ``program`` is what they run.

        Errors: LabError when a program is missing.
        """
        balancers = _hosts("lb", 11, 2)
        chat_hosts = _hosts("chat", 21, chats)
        redis_hosts = _hosts("redis", 61, 3)
        mongo_hosts = _hosts("mongo", 71, 3)
        parts = [
            *(_mongod(host, directory) for host in mongo_hosts),
            *(
                _redis(host, directory, None if host is redis_hosts[0] else redis_hosts[0])
                for host in redis_hosts
            ),
            *(_sentinel(host, directory, redis_hosts[0]) for host in redis_hosts),
            *(
                _chat(host, directory, balancers, redis_hosts, mongo_hosts, settings or {}, program)
                for host in chat_hosts
            ),
            *(_balancer(host, directory, chat_hosts) for host in balancers),
            *(_address(host, directory, balancers) for host in balancers),
        ]
        return cls(directory, (*balancers, *chat_hosts, *redis_hosts, *mongo_hosts), tuple(parts))

    def of_kind(self, kind: Kind) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.kind is kind)


def _hosts(name: str, first: int, count: int) -> tuple[Host, ...]:
    return tuple(Host(f"{name}{number + 1}", f"{NETWORK}.{first + number}") for number in range(count))


def _mongod(host: Host, directory: Path) -> Part:
    home = directory / host.name
    config = mongod_config(address=host.address, directory=str(home / "data"), cache_gib=0.25)
    return Part(
        host.name,
        Kind.MONGOD,
        host,
        (find_mongod(), "--config", str(home / "mongod.conf"), "--quiet"),
        files={"mongod.conf": config, "data/.keep": ""},
    )


def _redis(host: Host, directory: Path, master: Host | None) -> Part:
    home = directory / host.name
    config = redis_config(
        address=host.address, directory=str(home), replica_of=master.address if master is not None else None
    )
    return Part(
        host.name,
        Kind.REDIS,
        host,
        (find_program("redis-server"), str(home / "redis.conf")),
        files={"redis.conf": config},
    )


def _sentinel(host: Host, directory: Path, master: Host) -> Part:
    name = host.name.replace("redis", "sentinel")
    home = directory / name
    config = sentinel_config(address=host.address, directory=str(home), master=master.address)
    return Part(
        name,
        Kind.SENTINEL,
        host,
        (find_program("redis-sentinel"), str(home / "sentinel.conf")),
        files={"sentinel.conf": config},
    )


def _chat(
    host: Host,
    directory: Path,
    balancers: tuple[Host, ...],
    redis_hosts: tuple[Host, ...],
    mongo_hosts: tuple[Host, ...],
    settings: dict[str, str],
    program: tuple[str, ...],
) -> Part:
    home = directory / host.name
    sentinels = ",".join(f"{one.address}:{SENTINEL_PORT}" for one in redis_hosts)
    members = ",".join(f"{one.address}:{MONGO_PORT}" for one in mongo_hosts)
    environment = {
        "CHIRPBIRD_MONGODB_URI": f"mongodb://{members}/chirpbird?replicaSet=chirpbird",
        "CHIRPBIRD_REDIS_URL": f"redis+sentinel://{sentinels}/0?master=chirpbird",
        "CHIRPBIRD_SECRET": SECRET,
        # Drills write faster than people, all from one address, and their tokens last as long as they do.
        "CHIRPBIRD_SENDS_BURST": "1000",
        "CHIRPBIRD_SENDS_PER_SECOND": "1000",
        "CHIRPBIRD_SIGN_INS_PER_ADDRESS": "100000",
        "CHIRPBIRD_ACCESS_TOKEN_SECONDS": "86400",
        "CHIRPBIRD_FORWARDED_ALLOW_IPS": ",".join(one.address for one in balancers),
        **settings,
    }
    command = (
        *(*program, "serve"),
        *("--host", host.address, "--port", str(CHAT_PORT), "--data", str(home)),
    )
    return Part(host.name, Kind.CHAT, host, command, environment=environment)


def _balancer(host: Host, directory: Path, chats: tuple[Host, ...]) -> Part:
    home = directory / host.name
    config = haproxy_config(
        {chat.name: f"{chat.address}:{CHAT_PORT}" for chat in chats},
        bind=f"0.0.0.0:{CHAT_PORT},unix@{home / 'chat.sock'}",
        status=f"0.0.0.0:{STATUS_PORT}",
        alive=f"0.0.0.0:{ALIVE_PORT}",
        clients=4000,
    )
    return Part(
        host.name,
        Kind.BALANCER,
        host,
        (find_program("haproxy"), "-db", "-f", str(home / "haproxy.cfg")),
        files={"haproxy.cfg": config},
    )


def _address(host: Host, directory: Path, balancers: tuple[Host, ...]) -> Part:
    name = host.name.replace("lb", "vip")
    home = directory / name
    peer = next(one for one in balancers if one is not host)
    config = keepalived_config(
        interface="eth0",
        own=host.address,
        peer=peer.address,
        shared=f"{SHARED}/24",
        priority=150 if host is balancers[0] else 100,
        check=str(home / "check-balancer"),
    )
    command = (
        *(find_program("keepalived"), "--dont-fork", "--log-console", "--vrrp"),
        *("--use-file", str(home / "keepalived.conf")),
        *("--pid", str(home / "keepalived.pid"), "--vrrp_pid", str(home / "vrrp.pid")),
    )
    return Part(
        name,
        Kind.ADDRESS,
        host,
        command,
        files={"keepalived.conf": config, "check-balancer": check_script(f"{host.address}:{ALIVE_PORT}")},
        programs=frozenset({"check-balancer"}),
    )
