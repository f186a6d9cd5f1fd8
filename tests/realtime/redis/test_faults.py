"""What dies, is cut off, or hangs; and what of it is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from chirpbird.realtime import ClientInfo, Node, Publication, PublishOptions, StreamPosition
from chirpbird.realtime.core import settled
from chirpbird.realtime.redis import RedisUnavailable
from chirpbird.realtime.redis.keys import slot_of
from tests.support.patient import PatientPeer
from tests.support.redis_server import RedisCluster, RedisSentinels, RedisServers, RedisStandalone
from tests.support.relay import Relay

if TYPE_CHECKING:
    from tests.realtime.redis.conftest import Ear, Log

KEPT = PublishOptions(history_size=100, history_ttl=60)
MakeEar = Callable[[str], Awaitable["Ear"]]
MakeNode = Callable[..., Awaitable[Node]]


async def follow(node: Node, channel: str = "stream:c") -> PatientPeer:
    peer = PatientPeer(node)
    await peer.connect()
    await peer.subscribe(channel)
    return peer


async def hears(peer: PatientPeer, numbers: list[int], channel: str = "stream:c") -> None:
    """It gets these, in this order, and nothing else."""
    await peer.until(lambda: len(peer.pubs(channel)) >= len(numbers))
    assert peer.heard(channel) == numbers


def say(node: Node, log: Log, number: int, channel: str = "stream:c") -> None:
    node.announce(channel, log.append(channel, b"%d" % number), "log")


async def test_cut_off_nodes_hear_what_they_missed(
    standalone: RedisStandalone, node: MakeNode, log: Log
) -> None:
    async with Relay(standalone.process.port) as relay:
        url = f"redis://127.0.0.1:{relay.port}"
        here, there = await node(standalone.url, log), await node(url, log)
        anna, bert = await follow(here), await follow(there)
        say(here, log, 1)
        await hears(bert, [1])
        await relay.cut()
        say(here, log, 2)
        say(there, log, 3)
        await hears(bert, [1, 2, 3])
        say(here, log, 4)
        await hears(bert, [1, 2, 3, 4])
        await relay.heal()
        say(there, log, 5)
        await hears(anna, [1, 2, 3, 4, 5])
        await hears(bert, [1, 2, 3, 4, 5])


async def test_without_redis_subscribing_and_sending_go_on(node: MakeNode, log: Log) -> None:
    async with Relay(1) as relay:
        here, there = [await node(f"redis://127.0.0.1:{relay.port}", log) for _ in range(2)]
        anna, bert = await follow(here), await follow(there)
        say(here, log, 1)
        await hears(anna, [1])
        await hears(bert, [1])


async def test_a_server_that_hangs_is_not_waited_for(node: MakeNode, log: Log) -> None:
    with RedisStandalone() as server:
        here, there = [await node(server.url, log) for _ in range(2)]
        anna, bert = await follow(here), await follow(there)
        server.process.pause()
        say(here, log, 1)
        late = await follow(there)  # does not wait for Redis
        await hears(anna, [1])
        await hears(bert, [1])
        say(here, log, 2)
        await late.until(lambda: late.heard("stream:c")[-1:] == [2])
        server.process.resume()
        say(there, log, 3)
        await hears(anna, [1, 2, 3])
        await hears(bert, [1, 2, 3])


async def test_only_the_listening_connection_breaks(standalone: RedisStandalone, ear: MakeEar) -> None:
    here, there = await ear(standalone.url), await ear(standalone.url)
    await settled(here.broker.subscribe("ch"))
    clients = standalone.process.command("CLIENT", "LIST", "TYPE", "pubsub")
    assert isinstance(clients, bytes)
    standalone.process.command("CLIENT", "KILL", "TYPE", "pubsub")
    await here.until(lambda: here.bus[-2:] == [False, True])
    await there.until(lambda: there.bus[-2:] == [False, True])
    await settled(there.broker.publish("ch", Publication(data=b"1"), KEPT))
    await here.until(lambda: here.data == [b"1"])


async def test_orders_given_without_redis_arrive_when_it_is_back(
    standalone: RedisStandalone, ear: MakeEar
) -> None:
    async with Relay(standalone.process.port) as relay:
        here, there = await ear(f"redis://127.0.0.1:{relay.port}"), await ear(standalone.url)
        await relay.cut()
        await here.until(lambda: here.bus == [False])
        await settled(here.broker.publish_control(b"1"))
        await settled(here.broker.publish_control(b"2"))
        await relay.heal()
        await there.until(lambda: there.controls == [b"1", b"2"])


async def test_without_redis_what_needs_it_fails_at_once(standalone: RedisStandalone, ear: MakeEar) -> None:
    async with Relay(standalone.process.port) as relay:
        here = await ear(f"redis://127.0.0.1:{relay.port}")
        await relay.cut()
        await here.until(lambda: here.bus == [False])
        with pytest.raises(RedisUnavailable):
            await settled(here.broker.publish("ch", Publication(data=b"1"), KEPT))
        with pytest.raises(RedisUnavailable):
            await here.broker.top("ch")
        anna = ClientInfo("anna", "c1")
        await settled(here.presence.put([("ch", anna)], 60))
        await settled(here.presence.remove("ch", anna))
        with pytest.raises(RedisUnavailable):
            await here.presence.get("ch")
        with pytest.raises(RedisUnavailable):
            await here.presence.stats("ch")
        await settled(here.broker.publish("ch", Publication(data=b"1"), PublishOptions()))
        assert here.data == [b"1"]


async def test_a_hundred_thousand_channels_are_subscribed_again(
    standalone: RedisStandalone, ear: MakeEar
) -> None:
    here, there = await ear(standalone.url), await ear(standalone.url)
    await asyncio.gather(*{settled(here.broker.subscribe(f"ch{number}")) for number in range(100_000)})
    standalone.process.command("CLIENT", "KILL", "TYPE", "pubsub")
    await here.until(lambda: here.bus == [False, True])
    for number in (0, 50_000, 99_999):
        await settled(there.broker.publish(f"ch{number}", Publication(data=b"%d" % number), PublishOptions()))
    await here.until(lambda: here.data == [b"0", b"50000", b"99999"])
    listed = standalone.process.command("PUBSUB", "NUMSUB", "chirpbird:{c:ch70000}")
    assert listed == [b"chirpbird:{c:ch70000}", 1]


async def _publish_through(here: Ear, fault: Callable[[], None], numbers: range) -> list[int]:
    """Publish one number after the other, with a fault amid; those that were acknowledged."""
    done = []
    for number in numbers:
        if number == numbers[len(numbers) // 2]:
            fault()
        async with asyncio.timeout(20):
            while True:
                try:
                    once = PublishOptions(history_size=1000, history_ttl=60, idempotency_key=str(number))
                    await settled(here.broker.publish("ch", Publication(data=b"%d" % number), once))
                    break
                except RedisUnavailable:
                    await asyncio.sleep(0.05)
        done.append(number)
    return done


@pytest.fixture(params=["sentinel", "cluster"])
def redundant(request: pytest.FixtureRequest) -> Iterator[RedisServers]:
    with RedisSentinels() if request.param == "sentinel" else RedisCluster(replicas=True) as servers:
        yield servers


async def test_a_master_is_killed_while_publishing(redundant: RedisServers, ear: MakeEar) -> None:
    here, there = await ear(redundant.url), await ear(redundant.url)
    await settled(there.broker.subscribe("ch"))

    def kill() -> None:
        [master] = [one for one in redundant.masters() if one.command("KEYS", "*:meta")]
        master.kill()

    await _publish_through(here, kill, range(100))
    await there.until(lambda: there.bus[-1:] == [True])
    await settled(here.broker.publish("ch", Publication(data=b"last"), KEPT))
    await there.until(lambda: there.data[-1:] == [b"last"])
    offsets = [publication.offset for _, publication in there.publications]
    epochs = (await there.broker.top("ch")).epoch
    assert epochs
    assert offsets[-1] < offsets[0] + 100  # the stream began anew, rather than use numbers twice
    await settled(there.broker.subscribe("another"))
    await settled(here.broker.publish("another", Publication(data=b"x"), PublishOptions()))
    await there.until(lambda: there.data[-1:] == [b"x"])


async def test_a_logs_subscribers_do_not_notice_that_a_master_is_killed(
    redundant: RedisServers, node: MakeNode, log: Log
) -> None:
    here, there = [await node(redundant.url, log) for _ in range(2)]
    anna, bert = await follow(here), await follow(there)
    for number in range(60):
        if number == 20:
            redundant.masters()[0].kill()
        say(here if number % 2 else there, log, number)
        await hears(anna, list(range(number + 1)))
    await hears(bert, list(range(60)))


async def test_what_one_node_could_not_announce_is_announced_when_it_is_back(
    standalone: RedisStandalone, ear: MakeEar
) -> None:
    async with Relay(standalone.process.port) as relay:
        here, there = await ear(f"redis://127.0.0.1:{relay.port}"), await ear(standalone.url)
        await settled(there.broker.subscribe("ch"))
        await relay.cut()
        await here.until(lambda: here.bus == [False])
        for offset in (1, 2, 3):
            here.broker.announce("ch", Publication(data=b"%d" % offset, offset=offset), "log")
        assert here.data == [b"1", b"2", b"3"]
        await relay.heal()
        await there.until(lambda: there.data == [b"3"])


async def test_slots_move_to_another_master(ear: MakeEar) -> None:
    with RedisCluster() as cluster:
        here, there = await ear(cluster.url), await ear(cluster.url)
        channels = [f"ch{number}" for number in range(200)]
        for channel in channels:
            await settled(there.broker.subscribe(channel))
        source, target = cluster.processes[:2]
        name = target.command("CLUSTER", "MYID")
        assert isinstance(name, bytes)
        slots = [
            slot for slot in {slot_of(b"chirpbird:{c:%b}" % one.encode()) for one in channels} if slot < 5461
        ]
        for process in (target, source, cluster.processes[2]):
            for slot in slots:
                process.command("CLUSTER", "SETSLOT", slot, "NODE", name)
        for channel in channels:
            here.broker.announce(channel, Publication(data=channel.encode(), offset=1), "log")
        await here.until(lambda: len(here.data) == len(channels))

        for number in range(20):  # until the subscriptions have moved as well
            there.publications.clear()
            for channel in channels:
                here.broker.announce(channel, Publication(data=b"%d" % number, offset=1), "log")
            with suppress(TimeoutError):
                await there.until(lambda: len(there.data) >= len(channels), patience=1)
                break
        assert len(there.data) >= len(channels)


async def test_several_sets_go_on_without_one_of_them(ear: MakeEar) -> None:
    with RedisStandalone() as first, RedisStandalone() as second:
        url = f"{first.url} {second.url}"
        here, there = await ear(url), await ear(f"{second.url},{first.url}")
        channels = [f"ch{number}" for number in range(50)]
        for channel in channels:
            await settled(there.broker.subscribe(channel))
            await settled(here.broker.publish(channel, Publication(data=channel.encode()), KEPT))
        await there.until(lambda: len(there.data) == 50)
        first.process.kill()
        await here.until(lambda: here.bus == [False])
        alive = []
        for channel in channels:
            try:
                await settled(here.broker.publish(channel, Publication(data=b"2"), KEPT))
                alive.append(channel)
            except RedisUnavailable:
                continue
        assert 10 < len(alive) < 40
        assert [channel for channel in channels if here.broker.reaches(channel)] == alive
        await there.until(lambda: there.data.count(b"2") == len(alive))
        await settled(here.broker.publish_control(b"order"))
        await there.until(lambda: there.controls == [b"order"])
        first.process.start()
        await here.until(lambda: here.bus == [False, True])
        await there.until(lambda: there.bus == [False, True])
        for channel in channels:
            await settled(here.broker.publish(channel, Publication(data=b"3"), KEPT))
        await there.until(lambda: there.data.count(b"3") == 50)


async def test_a_server_that_forgets_its_scripts(standalone: RedisStandalone, ear: MakeEar) -> None:
    here = await ear(standalone.url)
    standalone.process.command("SCRIPT", "FLUSH")
    assert (await settled(here.broker.publish("scripts", Publication(data=b"1"), KEPT))).offset == 1
    assert (await settled(here.broker.publish("scripts", Publication(data=b"2"), KEPT))).offset == 2


async def test_a_stream_that_another_process_wrote_begins_anew(ear: MakeEar) -> None:
    with RedisStandalone() as server:
        here = await ear(server.url)
        first = await settled(here.broker.publish("ch", Publication(data=b"1"), KEPT))
        server.process.command("HSET", "chirpbird:{c:ch}:meta", "r", "another")
        second = await settled(here.broker.publish("ch", Publication(data=b"2"), KEPT))
        assert (first.offset, second.offset) == (1, 1)
        assert first.epoch != second.epoch
        assert await here.broker.top("ch") == StreamPosition(1, second.epoch)


async def test_what_is_no_message_is_dropped(standalone: RedisStandalone, ear: MakeEar) -> None:
    here = await ear(standalone.url)
    await settled(here.broker.subscribe("odd"))
    channel = "chirpbird:{c:odd}"
    good = b"P0 - 0 \x91\xc4\x01x"
    for data in (b"", b"Q", b"P", b"P1 - x y", b"P1 - 3 ab", b"Px - 0 \x91\xc4\x01x", b"J- \xff", b"L", good):
        standalone.process.command("PUBLISH", channel, data)
    await here.until(lambda: here.data == [b"x"])
