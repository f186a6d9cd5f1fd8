"""Appends while the server fails in every way that it knows: before applying, after applying, and when committing."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chirpbird.chat.entities import Channel, Draft, Entry, EntryKind
from chirpbird.chat.errors import StoreUnavailable
from chirpbird.storage.mongodb import MongoStore
from tests.support.mongod import ReplicaSet
from tests.support.store_things import add_channel, message, moving

WRITES = ["insert", "commitTransaction", "update", "delete", "find"]
FAULTS: dict[str, dict[str, Any]] = {
    "stepped down": {"errorCode": 10107, "failCommands": WRITES},
    "cut before applying": {"closeConnection": True, "failCommands": WRITES},
    "applied, then shutting down": {
        "writeConcernError": {"code": 91, "errmsg": "shutting down", "errorLabels": ["RetryableWriteError"]},
        "failCommands": ["insert", "commitTransaction"],
    },
    "applied, never by a majority": {
        "writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"},
        "failCommands": ["insert", "commitTransaction"],
    },
    "in the way of another transaction": {
        "errorCode": 112,
        "errorLabels": ["TransientTransactionError"],
        "failCommands": ["commitTransaction"],
    },
}
PEOPLE = ["U-ann", "U-bob", "U-cid"]

_numbers = count(1)

_faults = st.tuples(st.sampled_from(sorted(FAULTS)), st.integers(1, 3))
_sends = st.tuples(st.just("send"), st.integers(0, 1), st.integers(1, 5))
_moves = st.tuples(st.sampled_from([EntryKind.JOINED, EntryKind.LEFT]), st.integers(0, 1), st.integers(0, 2))
_steps = st.lists(st.one_of(_faults, _sends, _sends, _moves), min_size=2, max_size=10)


@pytest.fixture(autouse=True)
def no_long_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that failed is asked again at once."""
    monkeypatch.setattr("pymongo.common.MIN_HEARTBEAT_INTERVAL", 0.01)


async def _until_acknowledged(store: MongoStore, draft: Draft) -> Entry:
    """As a client does: the same key again, until there is an answer."""
    while True:
        try:
            return await store.log.append(draft)
        except StoreUnavailable:
            continue


class _Run:
    """Two nodes that append to one channel, and what they were told."""

    def __init__(self, servers: ReplicaSet, stores: list[MongoStore], channel: Channel) -> None:
        self._servers = servers
        self._stores = stores
        self._channel = channel
        self._keys = count(1)
        self.tasks: list[asyncio.Task[tuple[Draft, Entry]]] = []
        self.heard: list[list[Entry]] = [[] for _ in stores]
        for store, heard in zip(stores, self.heard, strict=True):
            store.log.add_commit_listener(heard.extend)

    async def take(self, step: tuple[Any, ...]) -> None:
        match step:
            case (str(fault), times) if fault in FAULTS:
                port = self._servers.ports[0]
                data = {"appName": "chirpbird", **FAULTS[fault]}
                await asyncio.to_thread(self._servers.fail, port, {"times": times}, **data)
            case ("send", node, many):
                for _ in range(many):
                    self._start(node, message(self._channel, "said", key=f"k{next(self._keys)}"))
            case (kind, node, person):
                draft = moving(self._channel, kind, PEOPLE[person])
                self._start(node, draft)
        await asyncio.sleep(0)

    def _start(self, node: int, draft: Draft) -> None:
        async def send() -> tuple[Draft, Entry]:
            return draft, await _until_acknowledged(self._stores[node], draft)

        self.tasks.append(asyncio.create_task(send()))


async def _scenario(servers: ReplicaSet, steps: list[tuple[Any, ...]]) -> None:
    uri = servers.uri(f"faults{next(_numbers)}")
    stores = [await MongoStore.open(uri) for _ in range(2)]
    try:
        channel = await add_channel(stores[0], "faulty", ["U-ann"])
        run = _Run(servers, stores, channel)
        for step in steps:
            await run.take(step)
        outcomes = await asyncio.gather(*run.tasks)
        await asyncio.to_thread(servers.fail, servers.ports[0], "off")
        entries, top = await stores[1].log.read(channel.id, after=0, limit=1000)
        members = await stores[0].channels.members(channel.id, limit=10)
        stored = await stores[0].channels.by_id(channel.id)
    finally:
        await asyncio.to_thread(servers.fail, servers.ports[0], "off")
        for store in stores:
            await store.close()
    _check(outcomes, run.heard, entries, top.seq)
    inside: set[str] = set()
    for entry in entries:
        if entry.kind is EntryKind.LEFT:
            assert set(entry.members) <= inside
            inside -= set(entry.members)
        elif entry.members:
            assert not inside & set(entry.members)
            inside |= set(entry.members)
    assert members == sorted(inside), "the members are those that the log says"
    assert stored is not None
    assert stored.member_count == len(members)


def _check(
    outcomes: list[tuple[Draft, Entry]], heard: list[list[Entry]], entries: list[Entry], top: int
) -> None:
    assert [entry.seq for entry in entries] == list(range(1, top + 1)), "no hole"
    by_seq = {entry.seq: entry for entry in entries}
    keys = [entry.key for entry in entries if entry.key]
    assert len(keys) == len(set(keys)), "no duplicate"
    assert sorted(keys) == sorted(draft.key for draft, _ in outcomes if draft.key), "nothing lost or invented"
    for draft, entry in outcomes:
        assert by_seq[entry.seq] == entry
        assert not draft.key or draft.key == entry.key
    told = {entry.key for own in heard for entry in own}
    assert told >= set(keys), "whatever was acknowledged, some node's listeners heard of"
    said = 0
    for before, entry in zip([None, *entries], entries, strict=False):
        said += entry.kind is EntryKind.MESSAGE
        assert entry.message_number == said
        assert before is None or before.created_at <= entry.created_at
    for own in heard:
        assert [entry.seq for entry in own] == sorted({entry.seq for entry in own}), "heard once, in order"
        assert all(by_seq[entry.seq] == entry for entry in own)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(steps=_steps)
def test_whatever_fails_the_log_keeps_its_promises(
    replica_set: ReplicaSet, steps: list[tuple[Any, ...]]
) -> None:
    asyncio.run(_scenario(replica_set, steps))


async def test_who_sends_again_after_a_lost_answer_is_heard_then(
    replica_set: ReplicaSet, mongo_uri: str
) -> None:
    store = await MongoStore.open(mongo_uri)
    channel = await add_channel(store, "late", ["U-ann"])
    heard: list[str] = []
    store.log.add_commit_listener(lambda entries: heard.extend(entry.text for entry in entries))
    await store.log.append(message(channel, "first"))
    fault = {"appName": "chirpbird", **FAULTS["applied, never by a majority"]}
    await asyncio.to_thread(replica_set.fail, replica_set.ports[0], {"times": 1}, **fault)
    draft = message(channel, "second", key="k")
    with pytest.raises(StoreUnavailable):
        await store.log.append(draft)
    assert heard == ["first"]
    assert (await store.log.append(draft)).seq == 3
    assert heard == ["first", "second"]
    await store.log.append(message(channel, "third"))
    assert heard == ["first", "second", "third"]
    await store.close()


@pytest.mark.parametrize("fault", sorted(FAULTS))
async def test_each_fault_while_sending_and_joining(replica_set: ReplicaSet, fault: str) -> None:
    await _scenario(
        replica_set,
        [
            ("send", 0, 2),
            (fault, 2),
            ("send", 0, 5),
            ("send", 1, 5),
            (fault, 1),
            (EntryKind.JOINED, 0, 1),
            ("send", 0, 3),
            (EntryKind.LEFT, 1, 1),
            (fault, 3),
            ("send", 1, 4),
        ],
    )
