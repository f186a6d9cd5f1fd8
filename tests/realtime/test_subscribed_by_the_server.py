"""Subscriptions that the server begins."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chirpbird.realtime import (
    Node,
    SubscribeOptions,
)
from tests.support.realtime import Bus, Peer, settle

Peers = Callable[[], Peer]


async def test_the_server_subscribes_all_connections_of_a_user(node: Node, peer: Peers, bus: Bus) -> None:
    anna_1, anna_2, bert = peer(), peer(), peer()
    await anna_1.connect("anna")
    await anna_2.connect("anna")
    await bert.connect("bert")
    await anna_2.subscribe("stream:c")
    await node.subscribe("anna", "stream:c", options=SubscribeOptions(recoverable=True, data=b"1"))
    await settle()
    epoch = (await bus.top("stream:c")).epoch
    assert anna_1.told() == [
        {
            "push": {
                "channel": "stream:c",
                "subscribe": {"recoverable": True, "epoch": epoch, "positioned": True, "data": 1},
            }
        }
    ]
    assert anna_2.told() == bert.told() == []
    node.publish("stream:c", b"1", history_size=5, history_ttl=60).result()
    await settle()
    assert len(anna_1.told()) == len(anna_2.told()) == 1


async def test_the_server_subscribes_one_connection(node: Node, peer: Peers) -> None:
    anna_1, anna_2 = peer(), peer()
    await anna_1.connect("anna")
    client = (await anna_2.connect("anna"))["client"]
    await node.subscribe("anna", "c", client=client)
    await settle()
    assert (anna_1.told(), len(anna_2.told())) == ([], 1)


async def test_a_failing_subscription_by_the_server_ends_the_connection_for_now(
    node: Node, peer: Peers, bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    anna = peer()
    await anna.connect()
    bus.broken = True
    await node.subscribe("anna", "stream:c", options=SubscribeOptions(recoverable=True))
    assert anna.ended == (3004, "internal server error")
    assert "cannot be read" in caplog.text
