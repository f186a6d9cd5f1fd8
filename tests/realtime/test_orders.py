"""What the server does to users' connections, on all nodes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from chirpbird.realtime import Disconnect, FilterNode, Node, StreamPosition, SubscribeOptions
from tests.support.cluster import Town
from tests.support.realtime import FakeClock, Peer, Recorder, settle

Peers = Callable[[], Peer]
GONE = (3503, "force disconnect")


@pytest.fixture
async def town(clock: FakeClock) -> AsyncIterator[Town]:
    town = Town(clock)
    for _ in range(2):
        await town.found()
    yield town
    for node in town.nodes:
        await node.shutdown()


async def test_users_are_reached_on_every_node(town: Town, clock: FakeClock) -> None:
    peers = [Peer(node) for node in town.nodes]
    for each in peers:
        await each.connect("anna")
    near = town.nodes[0]

    def told(push: dict[str, object]) -> bool:
        return [each.told() for each in peers] == [[{"push": push}]] * 2

    await near.subscribe("anna", "c", options=SubscribeOptions(data=b'"x"', push_join_leave=True))
    await settle()
    assert told({"channel": "c", "subscribe": {"data": "x"}})
    await near.unsubscribe("anna", "c", code=2501, reason="later")
    await settle()
    assert told({"channel": "c", "unsubscribe": {"code": 2501, "reason": "later"}})
    await near.refresh("anna", expire_at=clock.time() + 60)
    await settle()
    assert told({"refresh": {"expires": True, "ttl": 60}})
    await near.disconnect("anna")
    await settle()
    assert [each.ended for each in peers] == [GONE] * 2


async def test_a_filter_of_the_server_goes_to_every_node(town: Town) -> None:
    near, far = town.nodes
    peers = [Peer(near), Peer(far)]
    for each in peers:
        await each.connect("anna")
    options = SubscribeOptions(server_tags_filter=FilterNode(key="team", cmp="eq", val="a"))
    await near.subscribe("anna", "c", options=options)
    await settle()
    for node, each in zip(town.nodes, peers, strict=True):
        each.told()
        for team in "ab":
            node.publish("c", b'"%b"' % team.encode(), tags={"team": team}).result()
        await settle()
        assert {pub["data"] for pub in each.pubs("c")} == {"a"}
        await settle()


async def test_one_client_is_found_on_any_node(town: Town) -> None:
    near, far = town.nodes
    peers = [Peer(near), Peer(far), Peer(far)]
    ids = [(await each.connect("anna"))["client"] for each in peers]
    await near.disconnect("bert", client=ids[1])
    await settle()
    assert [each.ended for each in peers] == [None, None, None]
    await near.disconnect("anna", client=ids[1], disconnect=Disconnect(4000, "moved"))
    await settle()
    assert [each.ended for each in peers] == [None, (4000, "moved"), None]
    await near.disconnect("anna", whitelist=[ids[2]])
    await settle()
    assert [each.ended for each in peers] == [GONE, (4000, "moved"), None]


async def test_one_session_is_found_on_any_node(town: Town) -> None:
    near, far = town.nodes
    emulated, other = Peer(far, emulation=True), Peer(far)
    result = await emulated.connect("anna")
    await other.connect("anna")
    assert result["node"] == far.id
    assert len(result["session"]) == 32
    assert far.receiver(result["session"]) is emulated.receiver
    assert near.receiver(result["session"]) is None
    await near.subscribe("anna", "c", session=result["session"])
    await settle()
    assert (len(emulated.told()), other.told()) == (1, [])
    await near.unsubscribe("anna", "c", session="guessed")
    await near.unsubscribe("anna", "c", client="other", session=result["session"])
    await settle()
    assert emulated.told() == []
    await near.disconnect("anna", session=result["session"])
    await settle()
    assert (emulated.ended, other.ended) == (GONE, None)
    assert far.receiver(result["session"]) is None


async def test_transports_without_need_of_them_have_no_sessions(node: Node, peer: Peers) -> None:
    assert (await peer().connect()).keys() & {"session", "node"} == set()


async def test_orders_for_everybody(town: Town, clock: FakeClock) -> None:
    near, far = town.nodes
    peers = [Peer(near), Peer(far), Peer(far)]
    for each, user in zip(peers, ("anna", "bert", ""), strict=True):
        await each.connect(user)
    await near.subscribe("", "c", all_users=True)
    await settle()
    assert [len(each.told()) for each in peers] == [1, 1, 1]
    await near.refresh("", all_users=True, expire_at=clock.time() + 60)
    await settle()
    assert [each.told() for each in peers] == [[{"push": {"refresh": {"expires": True, "ttl": 60}}}]] * 3
    await near.unsubscribe("", "c", all_users=True)
    await settle()
    assert [len(each.told()) for each in peers] == [1, 1, 1]
    await near.disconnect("")
    await settle()
    assert [each.ended for each in peers] == [None, None, GONE]
    await near.disconnect("", all_users=True)
    await settle()
    assert [each.ended for each in peers] == [GONE, GONE, GONE]
    with pytest.raises(ValueError, match="user is 'anna', expected none with all_users"):
        await near.disconnect("anna", all_users=True)


async def test_unsubscribing_from_everything(node: Node, peer: Peers) -> None:
    anna = peer()
    await anna.connect()
    for channel in ("a", "b"):
        await anna.subscribe(channel)
    await node.subscribe("anna", "s")
    await settle()
    anna.told()
    await node.unsubscribe("anna", "")
    await settle()
    assert [told["push"]["channel"] for told in anna.told()] == ["a", "b", "s"]
    assert node.stats().num_subscriptions == 0


async def test_a_subscription_by_the_server_from_a_position_on(node: Node, peer: Peers) -> None:
    for number in range(3):
        node.publish("c", b"%d" % number, history_size=5, history_ttl=60).result()
    epoch = (await node.history("c")).position.epoch
    anna = peer()
    await anna.connect()
    options = SubscribeOptions(recoverable=True)
    await node.subscribe("anna", "c", options=options, recover_since=StreamPosition(1, epoch))
    node.publish("c", b"3", history_size=5, history_ttl=60).result()
    await settle()
    subscribed, *pubs = [told["push"] for told in anna.told()]
    assert subscribed["subscribe"] == {"recoverable": True, "positioned": True, "epoch": epoch, "offset": 1}
    assert [push["pub"]["offset"] for push in pubs] == [2, 3, 4]


async def test_refreshing_a_users_connections(node: Node, peer: Peers, clock: FakeClock) -> None:
    anna, bert = peer(), peer()
    await anna.connect("anna")
    await bert.connect("bert")
    await node.refresh("anna", expired=True)
    assert anna.ended == (3005, "connection expired")
    await node.refresh("bert", expire_at=clock.time() - 1)
    assert bert.ended == (3005, "connection expired")
    carl = peer()
    await carl.connect("carl")
    await node.refresh("carl", expire_at=None)
    await settle()
    assert carl.told() == [{"push": {"refresh": {}}}]


async def test_refreshing_what_others_see_of_a_user(node: Node, peer: Peers) -> None:
    anna = peer()
    await anna.connect("anna")
    await anna.subscribe("plain:c")
    await node.subscribe("anna", "info", options=SubscribeOptions(info=b"1"))
    await node.refresh("anna", info=b'{"name":"Anna"}')
    for channel in ("plain:c", "info", "elsewhere"):
        anna.send({"id": 9, "publish": {"channel": channel, "data": 1}})
    await settle()
    infos = [told["push"]["pub"]["info"] for told in anna.told() if "pub" in told.get("push", {})]
    assert [(info["conn_info"]["name"], info.get("chan_info")) for info in infos] == [
        ("Anna", None),
        ("Anna", 1),
    ]


async def test_a_connection_that_is_about_to_get_in_is_not_found(node: Node) -> None:
    recorder = Recorder(emulation=True)
    node.accept(recorder)
    await node.disconnect("", all_users=True)
    assert recorder.ended is None
