"""Every store there is, opened fresh for each test that asks for ``store``."""

from __future__ import annotations

import gc
import warnings
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

from chirpbird.chat.ports import Store
from chirpbird.storage.mongodb import MongoStore
from chirpbird.storage.sqlite import SqliteStore
from tests.support.memory_store import MemoryStore
from tests.support.mongod import ReplicaSet, require_mongod

_databases = count(1)


@pytest.fixture(scope="session")
def replica_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    """A set of one member: majority and transactions work as in a larger one, elections aside."""
    require_mongod()
    with ReplicaSet(tmp_path_factory.mktemp("mongod")) as running:
        yield running


@pytest.fixture(autouse=True)
def sockets_of_closed_clients(request: pytest.FixtureRequest) -> Iterator[None]:
    """PyMongo leaves a socket to the garbage collector when a client is closed while it connects: take it away here, so that
    no test after this one is blamed for it."""
    yield
    if "mongo" in request.node.nodeid or "transfer" in request.node.nodeid:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.fixture
def mongo_uri(replica_set: ReplicaSet) -> Iterator[str]:
    """A database of the test's own."""
    name = f"test{next(_databases)}"
    yield replica_set.uri(name)
    replica_set.drop(name)


@pytest.fixture(params=["sqlite", "mongodb", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """The stand-in that other tests use is held to the same suite as the real stores."""
    opened: Store
    if request.param == "sqlite":
        opened = await SqliteStore.open(tmp_path / "data")
    elif request.param == "mongodb":
        opened = await MongoStore.open(request.getfixturevalue("mongo_uri"))
    else:
        opened = MemoryStore()
    yield opened
    await opened.close()
