"""What is said at start when MongoDB is not as it should be."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.asynchronous.collection import AsyncCollection

from chirpbird.chat.entities import Role
from chirpbird.chat.errors import StoreCannotOpen
from chirpbird.chat.ports import Wanted
from chirpbird.storage.mongodb import MongoStore, diagnosis, opening
from chirpbird.storage.mongodb.schema import NEWEST
from tests.support.mongod import ReplicaSet, require_mongod
from tests.support.store_things import add_channel, add_user, message

CERTIFICATE = Path(__file__).parents[2] / "realtime" / "transports" / "localhost.pem"


@pytest.fixture(autouse=True)
def no_long_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """These servers will not get better by waiting."""
    require_mongod()
    monkeypatch.setattr(opening, "_SELECTION_SECONDS", 0.5)
    monkeypatch.setattr(opening, "_OPENING_SECONDS", 2.0)
    monkeypatch.setattr(diagnosis, "_PROBE_MS", 500)


async def _refusal(uri: str) -> str:
    with pytest.raises(StoreCannotOpen) as caught:
        await MongoStore.open(uri)
    return str(caught.value)


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("localhost:27017", "is no MongoDB URI"),
        ("mongodb://", "is no MongoDB URI"),
        ("mongodb://ann:p@ss@localhost/", "is no MongoDB URI"),
        ("mongodb://ann:secret/word@localhost/", "is no MongoDB URI"),
        ("mongodb://localhost:port/", "is no MongoDB URI"),
        ("mongodb://localhost/?replicaset", "is no MongoDB URI"),
        ("mongodb://localhost/?repliSet=rs", "an option that does not fit: Unknown option: repliset"),
        ("mongodb://localhost/?tls=maybe", "is no MongoDB URI"),
    ],
)
async def test_a_uri_that_is_none(uri: str, words: str) -> None:
    said = await _refusal(uri)
    assert words in said
    assert "p@ss" not in said
    assert "secret" not in said


async def test_nobody_there() -> None:
    said = await _refusal("mongodb://127.0.0.1:1/")
    assert "no MongoDB can be reached at 127.0.0.1:1" in said
    assert "Connect call failed" in said
    assert "is it up" in said


async def test_another_sets_name(replica_set: ReplicaSet) -> None:
    said = await _refusal(f"mongodb://127.0.0.1:{replica_set.ports[0]}/?replicaSet=other")
    assert "belongs to the replica set rs, CHIRPBIRD_MONGODB_URI names other; write replicaSet=rs" in said


async def test_a_newer_schema_is_left_alone(replica_set: ReplicaSet, mongo_uri: str) -> None:
    await (await MongoStore.open(mongo_uri)).close()
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        client.get_default_database().meta.update_one({"_id": "schema"}, {"$set": {"version": 999}})
    said = await _refusal(mongo_uri)
    assert f"newer version (its schema is 999, this program knows {NEWEST})" in said


async def test_another_programs_database_is_left_alone(mongo_uri: str) -> None:
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        client.get_default_database().theirs.insert_one({})
    assert "is another program's (it has a collection theirs" in await _refusal(mongo_uri)
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        assert client.get_default_database().list_collection_names() == ["theirs"]


async def test_all_nodes_must_have_the_same_secret(mongo_uri: str) -> None:
    for _ in range(2):
        await (await MongoStore.open(mongo_uri, b"s" * 32)).close()
    with pytest.raises(StoreCannotOpen, match="not the one that the other nodes of the database test"):
        await MongoStore.open(mongo_uri, b"t" * 32)
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        meta = client.get_default_database().meta
        assert b"s" * 32 not in str(meta.find_one({"_id": "secret"})).encode()
        meta.delete_one({"_id": "secret"})
    await (await MongoStore.open(mongo_uri, b"t" * 32)).close()


async def test_many_nodes_start_at_once_on_an_empty_database(mongo_uri: str) -> None:
    stores = await asyncio.gather(*(MongoStore.open(mongo_uri) for _ in range(4)))
    channel = await add_channel(stores[0], "first", ["U-ann"])
    seqs = [(await store.log.append(message(channel, "hello"))).seq for store in stores]
    assert seqs == [2, 3, 4, 5]
    for store in stores:
        await store.close()


async def test_a_node_that_looked_before_another_one_had_made_everything(
    mongo_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await MongoStore.open(mongo_uri)).close()
    find_one = AsyncCollection.find_one
    looks: list[object] = []

    async def look(self: AsyncCollection[dict[str, Any]], wanted: object, *args: Any, **options: Any) -> Any:
        looks.append(wanted)
        # The first is the question whether this user may read at all; the second whose database it is.
        return None if len(looks) == 2 else await find_one(self, wanted, *args, **options)

    monkeypatch.setattr(AsyncCollection, "find_one", look)
    await (await MongoStore.open(mongo_uri)).close()
    assert looks.count({"_id": "schema"}) == 3


async def test_a_start_that_was_cut_short_is_finished_by_the_next(mongo_uri: str) -> None:
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        database = client.get_default_database()
        database.meta.insert_one({"_id": "schema", "application": "chirpbird", "version": 0})
        database.create_collection("entries", clusteredIndex={"key": {"_id": 1}, "unique": True})
    store = await MongoStore.open(mongo_uri)
    ann = await add_user(store, "ann")
    await store.close()
    store = await MongoStore.open(mongo_uri)
    assert await store.users.by_username("ANN") == ann
    await store.close()


async def test_a_server_that_is_too_old(
    replica_set: ReplicaSet, mongo_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_WIRE_VERSION_6_0", 99)  # nothing older than 6.0 is at hand
    assert "is too old, 6.0 or newer is expected" in await _refusal(mongo_uri)


@pytest.mark.parametrize(("minutes", "words"), [(10, "0:10:00 ahead of"), (-10, "0:10:00 behind")])
async def test_a_clock_that_is_not_mongodbs(
    mongo_uri: str, monkeypatch: pytest.MonkeyPatch, minutes: int, words: str
) -> None:
    monkeypatch.setattr(opening, "time", _Clock(60.0 * minutes))
    said = await _refusal(mongo_uri)
    assert f"this machine's clock is {words} that of the MongoDB primary" in said
    assert "keep both so with NTP" in said
    monkeypatch.setattr(opening, "time", _Clock(opening.MAX_CLOCK_SKEW / 2))
    await (await MongoStore.open(mongo_uri)).close()


class _Clock:
    """Stands in for the module ``time``."""

    def __init__(self, ahead: float) -> None:
        self._ahead = ahead

    def time(self) -> float:
        return round(time.time() + self._ahead)


@pytest.mark.e2e
async def test_what_an_older_version_left_is_read_owned_and_found(mongo_uri: str) -> None:
    """As schema 1 has it: a group whose creator is in it, one whose creator left, and a pair."""
    await (await MongoStore.open(mongo_uri)).close()
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        database = client.get_default_database()
        database.meta.update_one({"_id": "schema"}, {"$set": {"version": 1}})
        for channel_id, kind in (("C-one", "private"), ("C-two", "public"), ("C-three", "direct")):
            database.channels.insert_one(
                {"_id": channel_id, "kind": kind, "name_key": kind, "creator_id": "U-bob"}
            )
            for seq in (1, 2, 3):
                entry = {"kind": "message", "sender_id": "U-bob", "text": f"said {seq}", "created_at": seq}
                place = {"_id": {"channel": channel_id, "seq": seq}, "message_number": seq}
                database.entries.insert_one(place | entry)
            for user in ("U-ann" if channel_id == "C-two" else "U-bob", "U-cid"):
                database.members.insert_one({"_id": {"channel": channel_id, "user": user}})
    for _ in range(2):
        store = await MongoStore.open(mongo_uri)
        for channel_id, owner in (("C-one", "U-bob"), ("C-two", "U-ann"), ("C-three", None)):
            found = await store.channels.memberships(channel_id, ["U-ann", "U-bob", "U-cid"])
            assert [user for user, one in found.items() if one.role is Role.OWNER] == [owner] * (
                owner is not None
            )
            assert {one.read_seq for one in found.values()} == {3}
        wanted = Wanted(channel_ids=("C-two", "C-one"), terms=("3",))
        assert len(await store.search.find(wanted, before=None, limit=9)) == 2
        await store.close()


async def test_a_server_that_is_no_replica_set(tmp_path: Path) -> None:
    with ReplicaSet(tmp_path / "m", replicated=False) as server:
        said = await _refusal(f"mongodb://127.0.0.1:{server.ports[0]}/")
    assert "is not a replica set" in said
    assert "start it with --replSet rs and run rs.initiate()" in said


@pytest.mark.e2e
async def test_a_set_that_was_never_initiated(tmp_path: Path) -> None:
    server = ReplicaSet(tmp_path / "m")
    try:
        server.start(server.ports[0])
        server.command(server.ports[0], {"hello": 1})
        said = await _refusal(server.uri())
    finally:
        server.close()
    assert "is in no set yet; run rs.initiate()" in said


@pytest.mark.e2e
async def test_a_set_without_its_majority(tmp_path: Path) -> None:
    with ReplicaSet(tmp_path / "m", members=3) as servers:
        for port in servers.ports[1:]:
            servers.processes[port].kill()
            servers.processes[port].wait()
        said = await _refusal(servers.uri())
    assert "of the replica set rs does not" in said or "rs has no primary that can be reached" in said
    assert "more than half of them must be up" in said


@pytest.mark.e2e
# PyMongo leaves a socket to the garbage collector when it is told to close while it connects.
@pytest.mark.filterwarnings(
    r"ignore:Exception ignored in. <(socket\.socket|ssl\.SSLSocket):pytest.PytestUnraisableExceptionWarning"
)
async def test_a_server_that_wants_tls(tmp_path: Path) -> None:
    options = ("--tlsMode", "requireTLS", "--tlsCertificateKeyFile", str(CERTIFICATE))
    server = ReplicaSet(tmp_path / "m", options=options)
    try:
        server.start(server.ports[0])
        server.wait_until_it_listens(server.ports[0])
        plain = await _refusal(server.uri())
        unknown = await _refusal(server.uri(tls="true"))
    finally:
        server.close()
    assert "add ?tls=true" in plain
    assert "check the certificate, and name its authority with ?tlsCAFile=" in unknown
    gc.collect()  # here, and not in whichever test comes next


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    """A set with users: ``keeper`` may write to the database ``chirpbird``, ``guest`` to none."""
    directory = tmp_path_factory.mktemp("guarded")
    key = directory / "key"
    key.write_text("c2hhcmVkIGJ5IHRoZSBtZW1iZXJz")
    key.chmod(0o600)
    with ReplicaSet(directory / "m", options=("--auth", "--keyFile", str(key))) as running:
        port = running.ports[0]
        running.command(port, {"createUser": "root", "pwd": "pw", "roles": ["root"]})
        with MongoClient[dict[str, Any]](running.uri(), username="root", password="pw") as client:
            write = [{"role": "readWrite", "db": "chirpbird"}]
            client.admin.command({"createUser": "keeper", "pwd": "pw", "roles": write})
            client.admin.command({"createUser": "guest", "pwd": "pw", "roles": []})
        yield running


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        ("", "wants a user and password"),
        ("keeper:wrong@", "does not accept the user and password"),
        ("nobody:pw@", "does not accept the user and password"),
        ("guest:pw@", "may not use the database chirpbird; grant the role readWrite on it"),
    ],
)
async def test_credentials_that_do_not_fit(guarded: ReplicaSet, credentials: str, words: str) -> None:
    said = await _refusal(f"mongodb://{credentials}127.0.0.1:{guarded.ports[0]}/?authSource=admin")
    assert words in said
    assert "pw" not in said


@pytest.mark.e2e
async def test_credentials_that_fit(guarded: ReplicaSet) -> None:
    store = await MongoStore.open(f"mongodb://keeper:pw@127.0.0.1:{guarded.ports[0]}/?authSource=admin")
    await store.check_writable()
    await add_channel(store, "guarded", ["U-ann"])
    await store.close()
