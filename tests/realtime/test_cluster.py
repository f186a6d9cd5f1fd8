"""Nodes that know of each other, ask each other and tell each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from chirpbird.realtime import (
    Node,
    NodeConfig,
    NotificationEvent,
    ProtocolError,
    SurveyEvent,
    SurveyIncomplete,
    SurveyReply,
    UnknownNode,
)
from tests.support.cluster import Town
from tests.support.realtime import FakeClock, Peer, settle


@pytest.fixture
async def town(clock: FakeClock) -> AsyncIterator[Town]:
    town = Town(clock)
    for number in range(2):
        await town.found(NodeConfig(name=f"node-{number}", version="7"))
    yield town
    for node in town.nodes:
        await node.shutdown()


def known(node: Node) -> list[str]:
    return [info.name for info in node.info().nodes]


def answering(node: Node, op: str, data: bytes) -> None:
    node.on_survey(op)(lambda event: SurveyReply(data + event.data))


# Who is there


async def test_nodes_find_each_other_at_once(town: Town) -> None:
    assert known(town.nodes[0]) == ["node-0", "node-1"]
    assert known(town.nodes[1]) == ["node-1", "node-0"]


async def test_a_node_tells_what_it_does(town: Town) -> None:
    far = town.nodes[1]
    anna, bert = Peer(far), Peer(far)
    await anna.connect("anna")
    await bert.connect("anna")
    await anna.subscribe("a")
    await bert.subscribe("a")
    await bert.subscribe("b")
    await town.later(5)
    info = town.nodes[0].info().nodes[1]
    assert (info.uid, info.name, info.version, info.uptime) == (far.id, "node-1", "7", 5)
    assert (info.num_clients, info.num_users, info.num_channels, info.num_subs) == (2, 1, 2, 3)
    assert info.metrics["connections"] == 2
    assert info.metrics["commands"] == 5
    assert info.metrics["disconnects"] == 0
    bert.send({"id": 9})
    assert far.info().nodes[0].metrics["disconnects"] == 1


async def test_a_node_that_fell_silent_is_dropped_and_found_again(town: Town) -> None:
    town.wires[1].cut = True
    await town.later(4)
    assert known(town.nodes[0]) == ["node-0", "node-1"]
    await town.later(4)
    assert known(town.nodes[0]) == ["node-0"]
    town.wires[1].cut = False
    await town.later(4)
    assert known(town.nodes[0]) == ["node-0", "node-1"]


async def test_a_node_that_fell_silent_may_go_on_unheard_and_is_looked_after(clock: FakeClock) -> None:
    town = Town(clock)
    config = NodeConfig(
        lost_node_doubt=60, lost_node_check_interval=5, position_check_interval=3600, pong_timeout=0
    )
    here, there = await town.found(config), await town.found(config)
    tops = 0

    async def asked(seconds: float) -> int:
        nonlocal tops
        for _ in range(int(seconds)):
            await town.later(1)
        asked, tops = town.wires[0].tops - tops, town.wires[0].tops
        return asked

    anna = Peer(here)
    await anna.connect()
    await anna.subscribe("positioned:c")
    assert await asked(6) == 1
    town.wires[1].cut = True
    assert await asked(20) >= 2
    town.wires[1].cut = False
    await town.later(4)
    assert [info.uid for info in here.info().nodes] == [here.id, there.id]
    await asked(6)
    assert await asked(20) == 0
    await there.shutdown()
    assert await asked(20) == 0


async def test_a_node_that_misses_two_announcements_is_doubted_before_it_is_taken_for_gone(
    clock: FakeClock,
) -> None:
    town = Town(clock)
    here, _ = await town.found(), await town.found()
    anna = Peer(here)
    await anna.connect()
    await anna.subscribe("positioned:c")
    await town.later(1)
    before = town.wires[0].tops
    town.wires[1].cut = True
    for _ in range(4):
        await town.later(1)
    assert len(here.info().nodes) == 2
    assert town.wires[0].tops > before
    town.wires[1].cut = False
    await town.later(1)
    await town.later(1)
    settled = town.wires[0].tops
    await town.later(1)
    assert town.wires[0].tops == settled


async def test_without_the_bus_nothing_is_announced(town: Town) -> None:
    town.nodes[0].on_bus(False)
    said = town.said
    await town.later(3)
    assert town.said == said + len(town.nodes) - 1


async def test_a_node_that_shuts_down_is_dropped_at_once(town: Town) -> None:
    await town.nodes[1].shutdown()
    await settle()
    assert known(town.nodes[0]) == ["node-0"]


async def test_announcements_do_not_multiply(town: Town) -> None:
    await town.found()
    said = town.said
    await town.later(3)
    assert town.said == said + 3


async def test_after_the_bus_was_down_nodes_announce_themselves(town: Town) -> None:
    said = town.said
    town.nodes[0].on_bus(False)
    town.nodes[0].on_bus(True)
    await town.later(0.25)
    assert town.said == said + 1


async def test_a_bus_that_fails_is_logged_and_tried_again(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    town.wires[0].failing = True
    await town.later(3)
    assert "cannot be told of a Announcement" in caplog.text
    town.wires[0].failing = False
    await town.later(3)
    assert known(town.nodes[1]) == ["node-1", "node-0"]


# Surveys


async def test_a_survey_asks_every_node(town: Town) -> None:
    answering(town.nodes[0], "greet", b"hello ")
    answering(town.nodes[1], "greet", b"ahoy ")
    replies = await town.nodes[0].survey("greet", b"world")
    assert replies == {
        town.nodes[0].id: SurveyReply(b"hello world"),
        town.nodes[1].id: SurveyReply(b"ahoy world"),
    }


@pytest.mark.parametrize("to", [0, 1])
async def test_a_survey_of_one_node(town: Town, to: int) -> None:
    await town.found()
    asked: list[str] = []
    for node in town.nodes:

        @node.on_survey("who")
        def who(event: SurveyEvent, node: Node = node) -> SurveyReply:
            asked.append(node.id)
            return SurveyReply(b"me")

    target = town.nodes[to].id
    assert await town.nodes[0].survey("who", b"", to=target) == {target: SurveyReply(b"me")}
    assert asked == [target]


async def test_a_single_node_says_nothing_on_the_bus(clock: FakeClock) -> None:
    town = Town(clock)
    node = await town.found()
    answering(node, "greet", b"")
    said = town.said
    assert await node.survey("greet", b"x") == {node.id: SurveyReply(b"x")}
    assert town.said == said
    await node.shutdown()


async def test_handlers_may_take_their_time_and_fail(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    near, far = town.nodes

    @near.on_survey("slow")
    async def slow(event: SurveyEvent) -> SurveyReply:
        await settle(3)
        return SurveyReply(event.node.encode(), code=7)

    @far.on_survey("slow")
    async def refuse(event: SurveyEvent) -> SurveyReply:
        await settle(3)
        raise ProtocolError(400, "not today")

    assert await near.survey("slow", b"") == {
        near.id: SurveyReply(near.id.encode(), code=7),
        far.id: SurveyReply(code=400),
    }

    @near.on_survey("fail")
    def fail(event: SurveyEvent) -> SurveyReply:
        raise ValueError("oops")

    assert await near.survey("fail", b"") == {near.id: SurveyReply(code=100), far.id: SurveyReply(code=104)}
    assert "oops" in caplog.text


async def test_a_survey_is_asked_in_order(town: Town) -> None:
    heard: list[bytes] = []
    near, far = town.nodes

    @far.on_survey("log")
    def log(event: SurveyEvent) -> SurveyReply:
        heard.append(event.data)
        return SurveyReply()

    await asyncio.gather(*(near.survey("log", b"%d" % number, to=far.id) for number in range(5)))
    assert heard == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_silent_node_makes_a_survey_incomplete(town: Town) -> None:
    near, far = town.nodes
    answering(near, "greet", b"")
    town.wires[1].cut = True
    with pytest.raises(SurveyIncomplete, match="1 of 2 nodes did not answer survey 'greet'") as incomplete:
        await near.survey("greet", b"x", timeout=0.01)
    assert incomplete.value.replies == {near.id: SurveyReply(b"x")}
    assert incomplete.value.missing == {far.id}


async def test_a_survey_does_not_wait_for_who_has_gone(town: Town) -> None:
    near, far = town.nodes
    answering(near, "greet", b"")
    unanswered: asyncio.Future[SurveyReply] = asyncio.get_running_loop().create_future()
    far.on_survey("greet")(lambda event: unanswered)
    everybody = asyncio.create_task(near.survey("greet", b"x"))
    one = asyncio.create_task(near.survey("greet", b"x", to=far.id))
    await settle()
    town.wires[1].cut = True
    await town.later(8)
    assert await everybody == {near.id: SurveyReply(b"x")}
    with pytest.raises(UnknownNode, match=r"node is '.*', expected one that is alive"):
        await one
    unanswered.set_result(SurveyReply(b""))


async def test_what_cannot_be_asked_is_an_error(town: Town) -> None:
    near, _ = town.nodes
    with pytest.raises(UnknownNode):
        await near.survey("greet", b"", to="nobody")
    town.wires[0].failing = True
    with pytest.raises(ConnectionError):
        await near.survey("greet", b"")


async def test_answers_that_nobody_asked_for_are_dropped(town: Town) -> None:
    near, far = town.nodes
    answering(far, "greet", b"")
    await near.survey("greet", b"", to=far.id)
    town.pass_on(
        b"\x85\xa2do\xa6answer\xa4node\xa1x\xa2id\x01\xa4code\x00\xa4data\xc4\x00"  # a survey that is over
    )
    assert (await near.survey("greet", b"1", to=far.id))[far.id].data == b"1"


# Notifications


async def test_a_notification_reaches_every_node_or_one(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    near, far = town.nodes
    heard: list[tuple[str, bytes, bool]] = []
    for node in town.nodes:

        @node.on_notification("news")
        async def news(event: NotificationEvent, node: Node = node) -> None:
            heard.append((node.id, event.data, event.node == near.id))

    await near.notify("news", b"1")
    await near.notify("news", b"2", to=far.id)
    await near.notify("news", b"3", to=near.id)
    await near.notify("unheard of", b"4")
    await settle()
    assert sorted(heard, key=lambda each: each[1:]) == [
        (near.id, b"1", True),
        (far.id, b"1", True),
        (far.id, b"2", True),
        (near.id, b"3", True),
    ]
    with pytest.raises(UnknownNode):
        await near.notify("news", b"", to="nobody")

    @near.on_notification("news")
    def fail(event: NotificationEvent) -> None:
        raise ValueError("oops")

    await near.notify("news", b"")
    assert "oops" in caplog.text


# Channels


async def test_channels_of_all_nodes(town: Town) -> None:
    near, far = town.nodes
    for node, channels in ((near, ("a:1", "a:2")), (far, ("a:1", "b/x", "c")), (far, ("a:1",))):
        peer = Peer(node)
        await peer.connect()
        for channel in channels:
            await peer.subscribe(channel)
    await peer.ask(unsubscribe={"channel": "a:1"})
    assert await near.channels() == {"a:1": 2, "a:2": 1, "b/x": 1, "c": 1}
    assert await near.channels("a:*") == {"a:1": 2, "a:2": 1}
    assert await far.channels("?") == {"c": 1}
    assert await far.channels("[ab]*[!1]") == {"a:2": 1, "b/x": 1}
    assert await far.channels("A:*") == {}


async def test_channels_are_all_of_them_or_an_error(town: Town) -> None:
    near, far = town.nodes
    far.on_survey("chirpbird.channels")(lambda event: SurveyReply(code=100))
    with pytest.raises(SurveyIncomplete) as incomplete:
        await near.channels()
    assert incomplete.value.missing == {far.id}
