"""Three nodes on one log, whose ways to Redis are cut, held up and mended at random: everybody hears all, once, in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from chirpbird.realtime import Node
from tests.support.patient import PatientPeer
from tests.support.redis_server import RedisStandalone
from tests.support.relay import Relay

if TYPE_CHECKING:
    from tests.realtime.redis.conftest import Log

CHANNELS = ("stream:a", "stream:b")
STEPS = 400


async def _disturb(relay: Relay, what: str) -> None:
    if what == "cut":
        await relay.cut()
    elif what == "heal":
        relay.release()
        await relay.cut()
        await relay.heal()
    elif what == "drop":
        relay.drop()
    elif what == "drop one":
        relay.drop(0)
    elif what == "hold":
        relay.hold()
    else:
        relay.release()


@pytest.mark.parametrize("seed", range(3))
async def test_nobody_misses_anything(
    standalone: RedisStandalone,
    stack: AsyncExitStack,
    node: Callable[[str, Log], Awaitable[Node]],
    log: Log,
    seed: int,
) -> None:
    dice = random.Random(seed)
    relays = [await stack.enter_async_context(Relay(standalone.process.port)) for _ in range(3)]
    nodes = [await node(f"redis://127.0.0.1:{relay.port}", log) for relay in relays]
    peers = [PatientPeer(one) for one in nodes for _ in range(2)]
    for peer in peers:
        await peer.connect()
        for channel in CHANNELS:
            await peer.subscribe(channel)
    said: dict[str, list[int]] = {channel: [] for channel in CHANNELS}
    for number in range(STEPS):
        if dice.random() < 0.1:
            await _disturb(
                dice.choice(relays), dice.choice(["cut", "heal", "drop", "drop one", "hold", "release"])
            )
        channel = dice.choice(CHANNELS)
        said[channel].append(number)
        entry = log.append(channel, b"%d" % number)
        if dice.random() < 0.95:  # else the announcement is lost before it is made
            dice.choice(nodes).announce(channel, entry, "log")
        if dice.random() < 0.2:
            await asyncio.sleep(0.01)
        else:
            await asyncio.sleep(0)
    for relay in relays:
        await _disturb(relay, "heal")
    for channel in CHANNELS:  # one more each, so that a lost tail shows without a periodic check
        said[channel].append(STEPS)
        entry = log.append(channel, b"%d" % STEPS)
        for one in nodes:
            one.announce(channel, entry, "log")
    for peer in peers:
        for channel in CHANNELS:
            await peer.until(lambda peer=peer, channel=channel: STEPS in peer.heard(channel))  # type: ignore[misc]
            assert peer.heard(channel) == said[channel]
