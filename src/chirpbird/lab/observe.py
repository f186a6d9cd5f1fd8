"""Asks every part how it is. A part that does not answer within a second is said not to answer."""

from __future__ import annotations

import asyncio
import http.client
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chirpbird.lab.configs.redis import MASTER_NAME
from chirpbird.lab.control import PartStatus
from chirpbird.lab.network import Network
from chirpbird.lab.plan import (
    ALIVE_PORT,
    CHAT_PORT,
    MONGO_PORT,
    REDIS_PORT,
    SENTINEL_PORT,
    SHARED,
    STATUS_PORT,
    Kind,
    Part,
)
from chirpbird.lab.process import PartState, Process

__all__ = ["Observer", "fetch"]

_PATIENCE = 1.0
"""Seconds to wait for an answer."""
_CONNECTIONS = "chirpbird_clients"
_LOOP_LAG = "chirpbird_loop_lag_seconds"
_BALANCED = "haproxy_process_current_connections"
_MESSAGES = "chirpbird_messages_appended"


@dataclass(frozen=True)
class _Finding:
    """What a part says of itself."""

    role: str = ""
    health: str = "ok"
    connections: float | None = None
    rate: float | None = None
    lag: str = ""


class Observer:
    """Remembers counters between two looks, to tell rates."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._counted: dict[str, tuple[float, float]] = {}

    async def look(self, process: Process, *, cut: bool) -> PartStatus:
        """How a part is now. Never fails: what goes wrong is the answer."""
        part = process.part
        state = process.state
        if state is PartState.RUNNING:
            try:
                async with asyncio.timeout(_PATIENCE):
                    found = await self._ask(part)
            except (OSError, TimeoutError, RedisError, PyMongoError, http.client.HTTPException):
                found = _Finding(health="no answer")
        else:
            found = _Finding(health=str(state))
        return PartStatus(
            name=part.name,
            kind=str(part.kind),
            address=part.host.address,
            state=str(state),
            cut=cut,
            role=found.role,
            health=found.health,
            connections=found.connections,
            rate=found.rate,
            lag=found.lag,
        )

    async def _ask(self, part: Part) -> _Finding:
        match part.kind:
            case Kind.CHAT:
                return await self._ask_chat(part)
            case Kind.REDIS:
                return await _ask_redis(part)
            case Kind.SENTINEL:
                return await _ask_sentinel(part)
            case Kind.MONGOD:
                return await _ask_mongod(part)
            case Kind.BALANCER:
                return await _ask_balancer(part)
            case Kind.ADDRESS:
                addresses = await self._network.addresses(part.host)
                return _Finding(role="holds the address" if SHARED in addresses else "stands by")

    async def _ask_chat(self, part: Part) -> _Finding:
        address = f"http://{part.host.address}:{CHAT_PORT}"
        status, _ = await fetch(f"{address}/health/ready")
        figures = await _figures(f"{address}/metrics")
        lag = figures.get(_LOOP_LAG)
        return _Finding(
            health="ok" if status == http.client.OK else "not ready",
            connections=figures.get(_CONNECTIONS),
            rate=self._rate(part.name, figures.get(f"{_MESSAGES}_total")),
            lag="" if lag is None else f"{1000 * lag:.0f} ms",
        )

    def _rate(self, name: str, count: float | None) -> float | None:
        if count is None:
            return None
        now = time.monotonic()
        before = self._counted.get(name)
        self._counted[name] = (now, count)
        if before is None or count < before[1] or now == before[0]:
            return None
        return (count - before[1]) / (now - before[0])


async def fetch(url: str) -> tuple[int, str]:
    """Status and text. Errors: OSError when nobody answers, http.client.HTTPException when it is not HTTP."""

    def get() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:  # noqa: S310 - our own parts, by http
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")

    return await asyncio.to_thread(get)


async def _figures(url: str) -> dict[str, float]:
    """Those without labels."""
    _, text = await fetch(url)
    families = text_string_to_metric_families(text)
    return {one.name: one.value for family in families for one in family.samples if not one.labels}


async def _ask_balancer(part: Part) -> _Finding:
    await fetch(f"http://{part.host.address}:{ALIVE_PORT}/balancer")
    figures = await _figures(f"http://{part.host.address}:{STATUS_PORT}/metrics?scope=global")
    return _Finding(connections=figures.get(_BALANCED))


async def _ask_redis(part: Part) -> _Finding:
    client = Redis(host=part.host.address, port=REDIS_PORT, socket_timeout=_PATIENCE, decode_responses=True)
    async with client:
        info = await client.info()
    role = "master" if info["role"] == "master" else "replica"
    linked = role == "master" or info.get("master_link_status") == "up"
    behind = "" if role == "master" else f"{info.get('master_last_io_seconds_ago', '?')} s"
    return _Finding(
        role, "ok" if linked else "no master", connections=float(info["connected_clients"]), lag=behind
    )


async def _ask_sentinel(part: Part) -> _Finding:
    client = Redis(
        host=part.host.address, port=SENTINEL_PORT, socket_timeout=_PATIENCE, decode_responses=True
    )
    async with client:
        master = await client.sentinel_master(MASTER_NAME)
    if not isinstance(master, dict):
        raise RedisError(f"asked for the master, a Sentinel said {master!r}")
    return _Finding(role=f"sees {master['ip']}", health="master down" if master["is_odown"] else "ok")


async def _ask_mongod(part: Part) -> _Finding:
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(
        part.host.address, MONGO_PORT, directConnection=True, serverSelectionTimeoutMS=int(_PATIENCE * 1000)
    )
    async with client:
        status = await client.admin.command("replSetGetStatus")
        connections = (await client.admin.command("serverStatus"))["connections"]["current"]
    own = next(member for member in status["members"] if member.get("self"))
    newest = max(member["optimeDate"] for member in status["members"] if "optimeDate" in member)
    role = str(own["stateStr"]).lower()
    behind = (newest - own["optimeDate"]).total_seconds()
    healthy = role in ("primary", "secondary")
    return _Finding(
        role,
        "ok" if healthy else role,
        float(connections),
        lag="" if role == "primary" else f"{behind:.0f} s",
    )
