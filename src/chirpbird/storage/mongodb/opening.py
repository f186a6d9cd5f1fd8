"""Connecting at start: everything that can be wrong is said here, and how to mend it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo
from pymongo import AsyncMongoClient, ReadPreference
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from chirpbird.chat.errors import StoreCannotOpen
from chirpbird.storage.mongodb.connection import Mongo
from chirpbird.storage.mongodb.diagnosis import Deployment, diagnose, first_line
from chirpbird.storage.mongodb.documents import Document
from chirpbird.storage.mongodb.schema import check_secret, migrate

__all__ = ["DATABASE", "connect", "open_database"]

DATABASE = "chirpbird"
"""The database's name where the URI has none."""

_SELECTION_SECONDS = 10.0
"""How long to wait for a primary at start: an election may be going on."""
_OPENING_SECONDS = 60.0
_WIRE_VERSION_6_0 = 17
MAX_CLOCK_SKEW = 30.0
"""Seconds by which this machine's clock and MongoDB's may differ. Access tokens live for minutes."""
_UNAUTHORIZED = 13
_AUTHENTICATION_FAILED = 18
_NO_PRIMARY = frozenset({91, 189, 10107, 11600, 11602, 13435, 13436})
"""Codes of a primary that is shutting down or stepping down."""

_OPTIONS: dict[str, Any] = {
    "appname": "chirpbird",
    "connectTimeoutMS": 2_000,
    "heartbeatFrequencyMS": 1_000,
    "serverMonitoringMode": "poll",
    "retryReads": True,
    "retryWrites": True,
}
"""What holds whatever the URI says. Polling notices a host that hangs within three seconds; streaming would take longer, and
a second connection to each host."""


async def open_database(uri: str, secret: bytes | None = None) -> tuple[Mongo, Deployment]:
    """Connect, see whether the deployment will do, and bring the schema up to date; ``secret`` is that of all nodes.

    Errors: StoreCannotOpen.
    """
    mongo, deployment = await connect(uri)
    try:
        with pymongo.timeout(_OPENING_SECONDS):
            await migrate(mongo)
            if secret is not None:
                await check_secret(mongo, secret)
    except BaseException as error:
        await mongo.close()
        await _explain(deployment, error)
        raise
    return mongo, deployment


async def connect(uri: str) -> tuple[Mongo, Deployment]:
    """A connection to a deployment that will do. Errors: StoreCannotOpen."""
    deployment = await asyncio.to_thread(_parse, uri)
    client: AsyncMongoClient[Document] = AsyncMongoClient(uri, **_OPTIONS)
    mongo = Mongo(client, deployment.database)
    try:
        with pymongo.timeout(_SELECTION_SECONDS):
            before = time.time()
            hello = await client.admin.command("hello", read_preference=ReadPreference.PRIMARY)
            _check(deployment, hello)
            _check_clock(deployment, hello, before, time.time())
            # The first command that a server refuses to those it does not know.
            await mongo.meta.find_one({"_id": "schema"})
    except BaseException as error:
        await mongo.close()
        await _explain(deployment, error)
        raise
    return mongo, deployment


async def _explain(deployment: Deployment, error: BaseException) -> None:
    """Raise StoreCannotOpen if this is an error of MongoDB's."""
    if isinstance(error, OperationFailure) and not error.timeout and error.code not in _NO_PRIMARY:
        raise _refusal(deployment, error) from error
    if isinstance(error, PyMongoError):
        raise StoreCannotOpen(await diagnose(deployment)) from error


def _parse(uri: str) -> Deployment:
    """Looks the hosts up if the URI is an SRV one: not for the event loop. Never shows the URI: it may hold a password."""
    try:
        parsed = parse_uri(uri, validate=True, warn=False)
    except (InvalidURI, ValueError) as error:
        raise StoreCannotOpen(
            "CHIRPBIRD_MONGODB_URI is no MongoDB URI, mongodb://[user:password@]host[:port][,host…]/[database][?replicaSet=name] "
            "is expected; in user and password write @ : / % as %40 %3A %2F %25"
        ) from error
    except ConfigurationError as error:
        raise StoreCannotOpen(
            f"CHIRPBIRD_MONGODB_URI has an option that does not fit: {first_line(error)}"
        ) from error
    options = parsed["options"]
    return Deployment(
        hosts=[(host, port or 27017) for host, port in parsed["nodelist"]],
        database=parsed["database"] or DATABASE,
        replica_set=options.get("replicaSet", ""),
        has_user=bool(parsed["username"]),
        tls={name: value for name, value in options.items() if name.startswith("tls")},
    )


def _check(deployment: Deployment, hello: Document) -> None:
    if hello.get("maxWireVersion", 0) < _WIRE_VERSION_6_0:
        raise StoreCannotOpen(f"the MongoDB at {deployment} is too old, 6.0 or newer is expected")
    # A router of a sharded cluster says so in "msg".
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise StoreCannotOpen(deployment.not_a_set())


def _check_clock(deployment: Deployment, hello: Document, before: float, after: float) -> None:
    """Nodes sign access tokens and messages with their own clocks, and look at each other's; MongoDB's is the common one."""
    theirs: datetime | None = hello.get("localTime")
    if theirs is None:
        return
    there = theirs.replace(tzinfo=UTC).timestamp()
    ahead = before - there if before > there else min(after - there, 0.0)
    if abs(ahead) > MAX_CLOCK_SKEW:
        raise StoreCannotOpen(
            f"this machine's clock is {timedelta(seconds=round(abs(ahead)))} {'ahead of' if ahead > 0 else 'behind'} that of the "
            f"MongoDB primary of {deployment}; nodes with other clocks would not accept each other's sign-ins: set the wrong one "
            "right, and keep both so with NTP (chrony, systemd-timesyncd)"
        )


def _refusal(deployment: Deployment, error: OperationFailure) -> StoreCannotOpen:
    code = error.code
    if code == _AUTHENTICATION_FAILED:
        return StoreCannotOpen(
            f"the MongoDB at {deployment} does not accept the user and password of CHIRPBIRD_MONGODB_URI; if the user "
            "was made in another database, name that one with ?authSource="
        )
    if code == _UNAUTHORIZED and not deployment.has_user:
        return StoreCannotOpen(
            f"the MongoDB at {deployment} wants a user and password: mongodb://user:password@host/…"
        )
    if code == _UNAUTHORIZED:
        return StoreCannotOpen(
            f"the user of CHIRPBIRD_MONGODB_URI may not use the database {deployment.database}; "
            f"grant the role readWrite on it ({first_line(error)})"
        )
    return StoreCannotOpen(f"the MongoDB at {deployment} could not be opened: {first_line(error)}")
