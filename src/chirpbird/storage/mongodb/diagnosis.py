"""Why there is no primary to talk to: each host is asked by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from pymongo import AsyncMongoClient
from pymongo.errors import ConfigurationError, PyMongoError

from chirpbird.storage.mongodb.documents import Document

__all__ = ["Deployment", "diagnose", "first_line"]

_PROBE_MS = 2_000
_MOST_WORDS = 300
_TLS_WORDS = ("SSL", "TLS", "certificate")


class Deployment(msgspec.Struct, frozen=True):
    """What a URI says, but for user and password. As text: the hosts."""

    hosts: list[tuple[str, int]]
    database: str
    replica_set: str
    has_user: bool
    tls: dict[str, Any]

    def __str__(self) -> str:
        return ", ".join(f"{host}:{port}" for host, port in self.hosts)

    def not_a_set(self) -> str:
        """What to do about a single server."""
        return (
            f"the MongoDB at {self} is not a replica set, and only a replica set keeps what it acknowledged; one server alone "
            "can be one: start it with --replSet rs and run rs.initiate() in mongosh"
        )


async def diagnose(deployment: Deployment) -> str:
    """A sentence about the first host whose answer explains something, and what to do."""
    answers = await asyncio.gather(*(_ask(deployment, *address) for address in deployment.hosts))
    reasons = [
        _about_hello(deployment, *address, answer)
        if isinstance(answer, dict)
        else _about_failure(deployment, *address, answer)
        for address, answer in zip(deployment.hosts, answers, strict=True)
    ]
    # A host that answers knows more than one that does not.
    return min(zip(reasons, answers, strict=True), key=lambda pair: not isinstance(pair[1], dict))[0]


def first_line(error: Exception) -> str:
    """The error's words, without the description of the topology that PyMongo adds."""
    return (
        str(error)
        .split("\n", 1)[0]
        .split(", Timeout:", 1)[0]
        .split(", full error:", 1)[0]
        .split(" (configured", 1)[0][:_MOST_WORDS]
    )


async def _ask(deployment: Deployment, host: str, port: int) -> Document | PyMongoError:
    try:
        client: AsyncMongoClient[Document] = AsyncMongoClient(
            host,
            port,
            directConnection=True,
            serverSelectionTimeoutMS=_PROBE_MS,
            connectTimeoutMS=_PROBE_MS,
            **deployment.tls,
        )
    except ConfigurationError as error:
        return error
    async with client:
        try:
            return dict(await client.admin.command("hello"))
        except PyMongoError as error:
            return error


def _about_hello(deployment: Deployment, host: str, port: int, hello: Document) -> str:
    name = hello.get("setName")
    if hello.get("isreplicaset"):
        return f"the MongoDB at {host}:{port} was started with --replSet but is in no set yet; run rs.initiate() in mongosh"
    if name is None:
        return deployment.not_a_set()
    if deployment.replica_set not in ("", name):
        return (
            f"the MongoDB at {host}:{port} belongs to the replica set {name}, CHIRPBIRD_MONGODB_URI names "
            f"{deployment.replica_set}; write replicaSet={name}"
        )
    members = ", ".join(hello.get("hosts", ()))
    if hello.get("isWritablePrimary"):
        return (
            f"the primary {host}:{port} of the replica set {name} does not finish what it is asked; its members are {members}: "
            "more than half of them must be up"
        )
    return (
        f"the replica set {name} has no primary that can be reached; its members are {members}: more than half of them must "
        "be up, and these very names must lead to them from this machine"
    )


def _about_failure(deployment: Deployment, host: str, port: int, error: PyMongoError) -> str:
    words = first_line(error).removeprefix(f"{host}:{port}: ")
    begin = f"no MongoDB can be reached at {host}:{port}: {words}"
    if deployment.tls.get("tls") and any(word in words for word in _TLS_WORDS):
        return f"{begin}; check the certificate, and name its authority with ?tlsCAFile="
    if deployment.tls.get("tls"):
        return f"{begin}; is it up, is the address right, and does it speak TLS?"
    if "closed" in words:
        return f"{begin}; it hangs up on us, as one does that wants TLS: add ?tls=true (and tlsCAFile=) to the URI"
    return f"{begin}; is it up, and is the address in CHIRPBIRD_MONGODB_URI right?"
