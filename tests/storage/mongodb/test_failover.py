"""Three members, of which one dies, hangs, or most are gone, while people write."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from chirpbird.chat.entities import Channel, Entry
from chirpbird.chat.errors import StoreUnavailable
from chirpbird.storage.mongodb import MongoStore, connection
from tests.support.mongod import ReplicaSet, require_mongod
from tests.support.store_things import add_channel, message

pytestmark = pytest.mark.e2e

SENDERS = 8
BEFORE = 300
AFTER = 300


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[ReplicaSet]:
    require_mongod()
    with ReplicaSet(tmp_path / "m", members=3) as running:
        yield running


class _Crowd:
    """Senders on two nodes, each of whom sends its next message when the last one is acknowledged, retrying with the same key."""

    def __init__(self, stores: list[MongoStore], channel: Channel) -> None:
        self._stores = stores
        self._channel = channel
        self._stopped = False
        self.acknowledged: dict[str, Entry] = {}
        self.refused = 0
        self._more = asyncio.Condition()
        self._tasks = [asyncio.create_task(self._send(sender)) for sender in range(SENDERS)]

    async def until(self, enough: Callable[[], bool]) -> None:
        async with self._more:
            await self._more.wait_for(enough)

    async def until_acknowledged(self, more: int) -> None:
        wanted = len(self.acknowledged) + more
        await self.until(lambda: len(self.acknowledged) >= wanted)

    async def stop(self) -> None:
        self._stopped = True
        await asyncio.gather(*self._tasks)

    async def _send(self, sender: int) -> None:
        number = 0
        store = self._stores[sender % len(self._stores)]
        while not self._stopped:
            key = f"{sender}-{number}"
            draft = message(self._channel, key, sender=f"U-{sender}", key=key)
            try:
                entry = await store.log.append(draft)
            except StoreUnavailable:
                self.refused += 1
            else:
                self.acknowledged[key] = entry
                number += 1
            async with self._more:
                self._more.notify_all()


async def _check(stores: list[MongoStore], crowd: _Crowd, heard: list[list[Entry]]) -> None:
    for store in stores:
        entries, top = await store.log.read(crowd._channel.id, after=0, limit=1_000_000)
        assert [entry.seq for entry in entries] == list(range(1, top.seq + 1)), "no hole"
        by_key = {entry.key: entry for entry in entries[1:]}
        assert len(by_key) == len(entries) - 1, "no duplicate"
        assert by_key == crowd.acknowledged, "all that was acknowledged is there, and nothing else"
    for own in heard:
        assert [entry.seq for entry in own] == sorted({entry.seq for entry in own})


async def _run(servers: ReplicaSet, strike: Callable[[_Crowd], object]) -> _Crowd:
    stores = [await MongoStore.open(servers.uri("failover")) for _ in range(2)]
    channel = await add_channel(stores[0], "failover", ["U-ann"])
    heard: list[list[Entry]] = [[], []]
    for store, own in zip(stores, heard, strict=True):
        store.log.add_commit_listener(own.extend)
    crowd = _Crowd(stores, channel)
    await crowd.until_acknowledged(BEFORE)
    awaited = strike(crowd)
    if asyncio.iscoroutine(awaited):
        await awaited
    await crowd.until_acknowledged(AFTER)
    await crowd.stop()
    await _check(stores, crowd, heard)
    for store in stores:
        await store.close()
    return crowd


async def test_the_primary_is_killed_and_comes_back(servers: ReplicaSet) -> None:
    async def strike(crowd: _Crowd) -> None:
        primary = await asyncio.to_thread(servers.wait_for_primary)
        await asyncio.to_thread(servers.signal, primary, signal.SIGKILL)
        await crowd.until_acknowledged(AFTER)
        servers.start(primary)

    await _run(servers, strike)


async def test_the_primary_is_killed_twice(servers: ReplicaSet) -> None:
    async def strike(crowd: _Crowd) -> None:
        for _ in range(2):
            primary = await asyncio.to_thread(servers.wait_for_primary)
            await asyncio.to_thread(servers.signal, primary, signal.SIGKILL)
            servers.start(primary)
            await crowd.until_acknowledged(AFTER)

    await _run(servers, strike)


async def test_the_primary_hangs_and_wakes_up_after_the_election(servers: ReplicaSet) -> None:
    async def strike(crowd: _Crowd) -> None:
        primary = await asyncio.to_thread(servers.wait_for_primary)
        servers.signal(primary, signal.SIGSTOP)
        try:
            # Few: with a member that hangs, MongoDB's majority takes half a second each time.
            await crowd.until_acknowledged(3 * SENDERS)
        finally:
            servers.signal(primary, signal.SIGCONT)

    await _run(servers, strike)


async def test_without_a_majority_sends_and_reads_fail_for_now_and_then_all_goes_on(
    servers: ReplicaSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SECONDS", 1.0)

    async def strike(crowd: _Crowd) -> None:
        primary = await asyncio.to_thread(servers.wait_for_primary)
        others = [port for port in servers.ports if port != primary]
        for port in others:
            await asyncio.to_thread(servers.signal, port, signal.SIGKILL)
        await crowd.until(lambda: crowd.refused >= SENDERS)
        for store in crowd._stores:
            with pytest.raises(StoreUnavailable, match="does not answer"):
                await store.check_writable()
        for port in others:
            servers.start(port)

    crowd = await _run(servers, strike)
    assert crowd.refused


async def test_with_all_gone_everything_fails_for_now(
    servers: ReplicaSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SECONDS", 1.0)

    async def strike(crowd: _Crowd) -> None:
        for port in servers.ports:
            await asyncio.to_thread(servers.signal, port, signal.SIGKILL)
        await crowd.until(lambda: crowd.refused >= SENDERS)
        [store, _] = crowd._stores
        for reading in (
            store.log.read(crowd._channel.id, after=0, limit=1),
            store.channels.is_member(crowd._channel.id, "U-ann"),
            store.users.by_ids(["U-ann"]),
            store.channels.of_user("U-ann"),
        ):
            with pytest.raises(StoreUnavailable, match="does not answer"):
                await reading
        for port in servers.ports:
            servers.start(port)

    await _run(servers, strike)
