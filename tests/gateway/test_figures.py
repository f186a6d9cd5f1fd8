from __future__ import annotations

from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry

from chirpbird.chat.entities import Entry, EntryKind
from chirpbird.gateway.figures import Figures
from chirpbird.realtime import Node, NodeConfig
from chirpbird.realtime.stats import Counters
from tests.support.realtime import FakeClock, Peer, settle, with_handlers

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def entry(kind: EntryKind) -> Entry:
    return Entry(
        channel_id="c",
        seq=1,
        kind=kind,
        sender_id="u",
        key="",
        text="",
        members=(),
        created_at=0,
        message_number=1,
    )


async def test_what_prometheus_is_told() -> None:
    node = with_handlers(Node(NodeConfig(write_queue_limit=1000), clock=FakeClock()))
    await node.start()
    figures = Figures(node)
    registry = CollectorRegistry()
    registry.register(figures)
    anna, bert, slow = Peer(node), Peer(node), Peer(node)
    Peer(node)
    for each in (anna, bert, slow):
        await each.connect("anna" if each is anna else "bert")
        await each.subscribe("plain:c")
    slow.connection.stuck = 5000
    for number in range(3):
        node.publish("plain:c", b"%d" % number).result()
    node.publish("plain:nobody", b"1").result()
    await settle()
    bert.lose()
    figures.committed([entry(EntryKind.MESSAGE), entry(EntryKind.JOINED), entry(EntryKind.MESSAGE)])

    def figure(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"chirpbird_{name}", labels)

    assert figure("connections") == 3
    assert figure("clients") == 2
    assert figure("users") == 2
    assert figure("channels") == 1
    assert figure("subscriptions") == 2
    assert figure("nodes") == 1
    assert figure("bus_up") == 1
    assert figure("messages_appended_total") == 2
    assert figure("connections_accepted_total") == 4
    assert figure("commands_total") == 6
    assert figure("publications_received_total") == 3
    assert figure("publications_delivered_total") == 9
    assert figure("slow_disconnects_total") == 0
    node.publish("plain:c", b'"%s"' % (b"x" * 2000)).result()
    await settle()
    assert slow.ended == (3008, "slow")
    assert figure("slow_disconnects_total") == 1
    assert figure("disconnects_total", code="3008") == 1
    assert figure("disconnects_total", code="3000") == 1
    node.on_bus(False)
    assert figure("bus_up") == 0
    await node.shutdown()


def test_every_figure_is_told_and_documented() -> None:
    node = Node()
    registry = CollectorRegistry()
    registry.register(Figures(node))
    told = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name for metric in registry.collect()
    }
    counted = {field.name for field in msgspec.structs.fields(Counters)} - {"disconnects"}
    assert len(told) == 7 + len(counted) + 3
    text = OPERATIONS.read_text()
    assert [name for name in sorted(told) if f"`{name}" not in text] == []
