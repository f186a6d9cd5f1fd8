"""The forms in which one publication reaches its subscribers: differences, filtered, channels by number."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from centrifuge.fossil import apply_delta

from chirpbird.realtime import (
    Client,
    ConnectingEvent,
    ConnectReply,
    FilterNode,
    Node,
    RecoveryMode,
    SubRefreshEvent,
    SubRefreshReply,
    SubscribeEvent,
    SubscribeOptions,
    SubscribeReply,
    fossil,
)
from tests.support.realtime import Bus, Peer, settle

Peers = Callable[[], Peer]
Json = dict[str, Any]
OPTIONS = SubscribeOptions(
    recoverable=True,
    push_join_leave=True,
    allowed_delta_types=("fossil",),
    allow_tags_filter=True,
    allow_channel_compaction=True,
)
CACHE = SubscribeOptions(recoverable=True, recovery_mode=RecoveryMode.CACHE, allow_tags_filter=True)
EVEN = {"key": "parity", "cmp": "eq", "val": "even"}


def payload(number: int) -> Json:
    return {"text": "the same words in every publication, so that there is something to save", "n": number}


def publish(node: Node, number: int, *, delta: bool = True, kept: bool = True, channel: str = "c") -> None:
    node.publish(
        channel,
        json.dumps(payload(number)).encode(),
        delta=delta,
        tags={"parity": "odd" if number % 2 else "even"},
        history_size=100 if kept else 0,
        history_ttl=60,
    ).result()


class Reader:
    """What an SDK does with publications of a subscription for which deltas were agreed upon."""

    def __init__(self) -> None:
        self.before: bytes | None = None
        self.deltas: list[bool] = []

    def read(self, pub: Json) -> Json:
        data = pub["data"].encode()
        self.deltas.append(pub.get("delta", False))
        if self.deltas[-1]:
            assert self.before is not None
            data = apply_delta(self.before, data)  # type: ignore[no-untyped-call]
        self.before = data
        read: Json = json.loads(data)
        return read


@pytest.fixture(autouse=True)
def allowing(node: Node) -> None:
    @node.on_subscribe
    def subscribe(client: Client, event: SubscribeEvent) -> SubscribeReply:
        return SubscribeReply({"plain": SubscribeOptions(), "cache": CACHE}.get(event.channel, OPTIONS))


async def connected(peer: Peers) -> Peer:
    somebody = peer()
    await somebody.connect()
    return somebody


# Deltas


async def test_the_first_publication_is_whole_and_the_next_are_differences(node: Node, peer: Peers) -> None:
    anna, bert, carl = [await connected(peer) for _ in range(3)]
    assert (await anna.subscribe("c", delta="fossil"))["delta"]
    assert "delta" not in await carl.subscribe("c")
    heard, later = Reader(), Reader()
    for number in range(3):
        publish(node, number)
    await settle()
    assert [heard.read(pub) for pub in anna.pubs("c")] == [payload(n) for n in range(3)]
    await bert.subscribe("c", delta="fossil")
    for number in range(3, 6):
        publish(node, number)
        await settle()
    assert [heard.read(pub) for pub in anna.pubs("c")] == [payload(n) for n in range(3, 6)]
    assert [later.read(pub) for pub in bert.pubs("c")] == [payload(n) for n in range(3, 6)]
    assert heard.deltas == [False] + [True] * 5
    assert later.deltas == [False, True, True]
    plain = carl.pubs("c")
    assert [pub["data"] for pub in plain] == [payload(n) for n in range(6)]
    assert all("delta" not in pub for pub in plain)


async def test_only_publications_that_say_so_are_told_as_differences(node: Node, peer: Peers) -> None:
    anna, heard = await connected(peer), Reader()
    await anna.subscribe("c", delta="fossil")
    for number in range(4):
        publish(node, number, delta=number != 2)
    await settle()
    assert [heard.read(pub)["n"] for pub in anna.pubs("c")] == [0, 1, 2, 3]
    assert heard.deltas == [False, True, False, True]


async def test_a_difference_that_saves_nothing_is_not_told(node: Node, peer: Peers) -> None:
    anna = await connected(peer)
    await anna.subscribe("c", delta="fossil")
    for data in (b'"something"', b'"else"'):
        node.publish("c", data, delta=True).result()
    await settle()
    assert anna.pubs("c") == [{"data": '"something"'}, {"data": '"else"'}]


async def test_deltas_are_for_channels_that_allow_them(node: Node, peer: Peers) -> None:
    anna = await connected(peer)
    assert "delta" not in await anna.subscribe("plain", delta="fossil")
    publish(node, 1, channel="plain")
    await settle()
    assert anna.pubs("plain")[0]["data"] == payload(1)
    anna.send({"id": 9, "subscribe": {"channel": "d", "delta": "xdelta"}})
    assert anna.ended == (3501, "bad request")


async def test_recovered_publications_are_differences_and_live_ones_go_on_from_them(
    node: Node, peer: Peers
) -> None:
    for number in range(5):
        publish(node, number)
    epoch = (await node.history("c")).position.epoch
    anna, heard = await connected(peer), Reader()
    result = await anna.subscribe("c", delta="fossil", recover=True, offset=2, epoch=epoch)
    assert [heard.read(pub)["n"] for pub in result["publications"]] == [2, 3, 4]
    publish(node, 5)
    await settle()
    assert [heard.read(pub)["n"] for pub in anna.pubs("c")] == [5]
    assert heard.deltas == [False, True, True, True]


async def test_who_recovers_nothing_or_not_at_all_begins_with_a_whole_one(node: Node, peer: Peers) -> None:
    for number in range(5):
        publish(node, number)
    epoch = (await node.history("c")).position.epoch
    anna, bert = await connected(peer), await connected(peer)
    assert (await anna.subscribe("c", delta="fossil", recover=True, offset=5, epoch=epoch))["recovered"]
    assert not (await bert.subscribe("c", delta="fossil", recover=True, offset=5, epoch="x")).get("recovered")
    publish(node, 5)
    await settle()
    for somebody in (anna, bert):
        heard = Reader()
        assert [heard.read(pub)["n"] for pub in somebody.pubs("c")] == [5]
        assert heard.deltas == [False]


async def test_a_base_that_others_have_left_behind_is_not_built_upon(node: Node, peer: Peers) -> None:
    """A publication outside the stream is the last one that anna got, and not what bert recovers to."""
    anna, bert, heard, later = await connected(peer), await connected(peer), Reader(), Reader()
    await anna.subscribe("c", delta="fossil")
    publish(node, 0)
    publish(node, 1)
    publish(node, 2, kept=False)
    await settle()
    result = await bert.subscribe("c", delta="fossil", recover=True, offset=0, epoch="")
    assert [later.read(pub)["n"] for pub in result["publications"]] == [0, 1]
    publish(node, 3)
    await settle()
    assert [heard.read(pub)["n"] for pub in anna.pubs("c")] == [0, 1, 2, 3]
    assert [later.read(pub)["n"] for pub in bert.pubs("c")] == [3]
    assert later.deltas == [False, True, False]


async def test_history_is_never_told_as_differences(node: Node, peer: Peers) -> None:
    anna = await connected(peer)
    await anna.subscribe("c", delta="fossil")
    for number in range(2):
        publish(node, number)
    reply = await anna.ask(history={"channel": "c", "limit": -1})
    assert [pub["data"] for pub in reply["history"]["publications"]] == [payload(0), payload(1)]


async def test_one_difference_is_made_for_all(
    node: Node, peer: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bytes] = []
    create = fossil.create

    def counting(source: bytes, target: bytes) -> bytes | None:
        made.append(target)
        return create(source, target)

    monkeypatch.setattr(fossil, "create", counting)
    people = [await connected(peer) for _ in range(4)]
    for number, somebody in enumerate(people):
        await somebody.subscribe("c", delta="fossil", flag=number % 2)
    for number in range(3):
        publish(node, number)
        await settle()
    assert len(made) == 2


async def test_what_was_delivered_last_is_kept_only_while_it_is_needed(node: Node, peer: Peers) -> None:
    anna = await connected(peer)
    await anna.subscribe("c", delta="fossil")
    publish(node, 1)
    await settle()
    channel = node._core.hub.channels["c"]

    def kept() -> bytes | None:
        return None if channel.base is None else channel.base.data

    assert kept() == json.dumps(payload(1)).encode()
    await anna.ask(unsubscribe={"channel": "c"})
    assert kept() is None
    assert (channel.deltas, channel.count, len(channel.groups)) == (0, 0, 0)


async def test_deltas_of_what_is_not_json_end_the_connection(node: Node, peer: Peers) -> None:
    anna = await connected(peer)
    await anna.subscribe("c", delta="fossil")
    node.publish("c", b"\xff", delta=True).result()
    await settle()
    assert anna.ended == (3506, "inappropriate protocol")


# Filters


async def test_a_filter_lets_only_matching_publications_through(node: Node, peer: Peers) -> None:
    anna, bert, carl = [await connected(peer) for _ in range(3)]
    await anna.subscribe("c", tf=EVEN)
    await bert.subscribe("c", tf={"op": "not", "nodes": [EVEN]})
    await carl.subscribe("c")
    for number in range(5):
        publish(node, number)
    await settle()
    assert [pub["offset"] for pub in anna.pubs("c")] == [1, 3, 5]
    assert [pub["offset"] for pub in bert.pubs("c")] == [2, 4]
    assert [pub["offset"] for pub in carl.pubs("c")] == [1, 2, 3, 4, 5]
    assert node.stats().counters.deliveries == 10


async def test_nothing_is_written_to_those_whose_filter_lets_nothing_through(node: Node, peer: Peers) -> None:
    anna = await connected(peer)
    await anna.subscribe("c", tf=EVEN)
    writes = len(anna.connection.writes)
    publish(node, 1)
    await settle()
    assert len(anna.connection.writes) == writes


@pytest.mark.parametrize(
    ("channel", "tf"),
    [("plain", EVEN), ("c", {"cmp": "eq"}), ("c", {}), ("c", {"op": "and", "nodes": [EVEN] * 100})],
    ids=["not allowed", "invalid", "empty", "too large"],
)
async def test_filters_that_may_not_be(node: Node, peer: Peers, channel: str, tf: Json) -> None:
    anna = await connected(peer)
    assert (await anna.ask(subscribe={"channel": channel, "tf": tf}))["error"]["code"] == 107
    assert node.stats().num_subscriptions == 0
    assert await anna.subscribe(channel) is not None


async def test_a_filter_wins_over_deltas(node: Node, peer: Peers) -> None:
    anna = await connected(peer)
    assert "delta" not in await anna.subscribe("c", delta="fossil", tf=EVEN)
    publish(node, 2)
    await settle()
    assert anna.pubs("c")[0]["data"] == payload(2)


def filtered_by_the_server(node: Node, **options: Any) -> None:
    of_server = SubscribeOptions(
        recoverable=True, server_tags_filter=FilterNode(key="team", cmp="eq", val="a"), **options
    )

    @node.on_subscribe
    def subscribe(client: Client, event: SubscribeEvent) -> SubscribeReply:
        return SubscribeReply(of_server)


def publish_to_teams(node: Node) -> None:
    for team, parity in (("a", "odd"), ("b", "odd"), ("a", "even"), ("b", "even")):
        tags = {"team": team, "parity": parity}
        node.publish("c", b"1", tags=tags, history_size=100, history_ttl=60).result()
    node.publish("c", b"1", history_size=100, history_ttl=60).result()


async def test_the_servers_filter_and_the_clients_both_have_to_match(node: Node, peer: Peers) -> None:
    filtered_by_the_server(node, allow_tags_filter=True, allowed_delta_types=("fossil",))
    anna, bert, carl = [await connected(peer) for _ in range(3)]
    assert "delta" not in await anna.subscribe("c", delta="fossil")
    await bert.subscribe("c", tf=EVEN)
    await carl.subscribe("c", tf={"key": "team", "cmp": "eq", "val": "b"})
    publish_to_teams(node)
    await settle()
    assert [[pub["offset"] for pub in each.pubs("c")] for each in (anna, bert, carl)] == [[1, 3], [3], []]


async def test_the_servers_filter_holds_for_what_was_missed(node: Node, peer: Peers) -> None:
    filtered_by_the_server(node, allow_tags_filter=True)
    publish_to_teams(node)
    epoch = (await node.history("c")).position.epoch
    anna, bert = await connected(peer), await connected(peer)
    result = await anna.subscribe("c", recover=True, epoch=epoch)
    assert [pub["offset"] for pub in result["publications"]] == [1, 3]
    result = await bert.subscribe("c", recover=True, epoch=epoch, tf=EVEN)
    assert [pub["offset"] for pub in result["publications"]] == [3]


async def test_the_servers_filter_holds_for_the_latest(node: Node, peer: Peers) -> None:
    filtered_by_the_server(node, recovery_mode=RecoveryMode.CACHE, auto_cache_recover=True)
    publish_to_teams(node)
    anna = await connected(peer)
    assert [pub["offset"] for pub in (await anna.subscribe("c"))["publications"]] == [3]


async def test_the_servers_filter_holds_for_server_side_subscriptions(node: Node, peer: Peers) -> None:
    options = SubscribeOptions(server_tags_filter=FilterNode(key="team", cmp="eq", val="a"))

    @node.on_connecting
    def connecting(client: Client, event: ConnectingEvent) -> ConnectReply:
        return ConnectReply(user=event.token, subscriptions={"c": options})

    anna = await connected(peer)
    publish_to_teams(node)
    await settle()
    assert [pub["offset"] for pub in anna.pubs("c")] == [1, 3]


def test_a_filter_of_the_server_that_makes_no_sense_is_an_error() -> None:
    with pytest.raises(ValueError, match="is no comparison"):
        SubscribeOptions(server_tags_filter=FilterNode(key="team", cmp="is"))


async def test_recovery_gives_what_matches(node: Node, peer: Peers) -> None:
    for number in range(5):
        publish(node, number)
    epoch = (await node.history("c")).position.epoch
    anna, bert = await connected(peer), await connected(peer)
    result = await anna.subscribe("c", tf=EVEN, recover=True, offset=1, epoch=epoch)
    assert (result["recovered"], result["offset"]) == (True, 1)
    assert [pub["offset"] for pub in result["publications"]] == [3, 5]
    none = await bert.subscribe("c", tf={"key": "none", "cmp": "ex"}, recover=True, offset=1, epoch=epoch)
    assert (none["recovered"], none["offset"], none.get("publications")) == (True, 5, None)


async def test_a_filter_is_asked_once_per_publication(
    node: Node, peer: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [await connected(peer) for _ in range(4)]
    for number, somebody in enumerate(people):
        await somebody.subscribe("c", tf=EVEN, flag=number % 2)
    [tag_filter] = {variety.filter for variety in node._core.hub.channels["c"].groups}
    assert tag_filter is not None
    asked: list[object] = []

    def matches(tags: object) -> bool:
        asked.append(tags)
        return True

    monkeypatch.setattr(tag_filter, "_matches", matches)
    publish(node, 1)
    publish(node, 2)
    await settle()
    assert len(asked) == 2


# Channels by number


async def test_a_number_stands_for_the_channel(node: Node, peer: Peers) -> None:
    anna, bert = await connected(peer), await connected(peer)
    number = (await anna.subscribe("c", flag=1))["id"]
    other = (await anna.subscribe("d", flag=1))["id"]
    assert number != other
    assert "id" not in await bert.subscribe("c")
    publish(node, 1)
    publish(node, 1, channel="d")
    await settle()
    pushes = [told["push"] for told in anna.told()]
    assert [(push.get("id"), "channel" in push) for push in pushes] == [(number, False), (other, False)]
    assert [told["push"].get("channel") for told in bert.told()] == ["c"]


async def test_joins_and_leaves_come_by_number_and_the_end_by_name(node: Node, peer: Peers, bus: Bus) -> None:
    anna, bert = await connected(peer), await connected(peer)
    number = (await anna.subscribe("c", flag=1))["id"]
    await bert.subscribe("c")
    info = node._core.hub.users["anna"]
    node.on_join("c", next(iter(info)).info)
    node.on_leave("c", next(iter(info)).info)
    await node.unsubscribe("anna", "c")
    await settle()
    assert [(push.get("id"), push.get("channel")) for push in _pushes(anna)] == [
        (number, None),
        (number, None),
        (None, "c"),
    ]
    assert [push["channel"] for push in _pushes(bert)] == ["c", "c", "c"]


async def test_numbers_are_for_channels_that_allow_them(node: Node, peer: Peers) -> None:
    anna = await connected(peer)
    assert "id" not in await anna.subscribe("plain", flag=1)


def _pushes(peer: Peer) -> list[Json]:
    return [told["push"] for told in peer.told()]


# The latest publication only


async def test_the_latest_that_matches_is_given_in_cache_mode(node: Node, peer: Peers) -> None:
    for number in range(4):
        publish(node, number, channel="cache")
    epoch = (await node.history("cache")).position.epoch
    anna = await connected(peer)
    result = await anna.subscribe("cache", tf=EVEN, recover=True)
    assert result["recovered"]
    assert [pub["offset"] for pub in result["publications"]] == [3]
    bert = await connected(peer)
    result = await bert.subscribe("cache", tf=EVEN, recover=True, offset=3, epoch=epoch)
    assert (result["recovered"], result["offset"], result.get("publications")) == (True, 4, None)
    carl = await connected(peer)
    result = await carl.subscribe("cache", tf={"key": "x", "cmp": "ex"}, recover=True)
    assert (result["recovered"], result["offset"], result.get("publications")) == (True, 4, None)


async def test_the_latest_is_given_unasked_where_the_channel_says_so(node: Node, peer: Peers) -> None:
    options = SubscribeOptions(recoverable=True, recovery_mode=RecoveryMode.CACHE, auto_cache_recover=True)

    @node.on_subscribe
    def subscribe(client: Client, event: SubscribeEvent) -> SubscribeReply:
        return SubscribeReply(options)

    anna, bert = await connected(peer), await connected(peer)
    empty = await anna.subscribe("c")
    assert (empty["was_recovering"], empty.get("recovered")) == (True, None)
    publish(node, 7)
    result = await bert.subscribe("c")
    assert (result["was_recovering"], result["recovered"]) == (True, True)
    assert [pub["data"]["n"] for pub in result["publications"]] == [7]


def team(name: str) -> FilterNode:
    return FilterNode(key="team", cmp="eq", val=name)


async def test_a_refresh_may_bring_another_filter(node: Node, peer: Peers) -> None:
    filtered_by_the_server(node, allow_tags_filter=True)

    @node.on_sub_refresh
    def sub_refresh(client: Client, event: SubRefreshEvent) -> SubRefreshReply:
        return SubRefreshReply(server_tags_filter=None if event.token == "same" else team(event.token))

    anna, bert = await connected(peer), await connected(peer)
    await anna.subscribe("c")
    await bert.subscribe("c", tf=EVEN)
    for each in (anna, bert):
        assert await each.ask(sub_refresh={"channel": "c", "token": "same"}) == {"sub_refresh": {}}
    publish_to_teams(node)
    for each in (anna, bert):
        await each.ask(sub_refresh={"channel": "c", "token": "b"})
    publish_to_teams(node)
    await settle()
    assert [pub["offset"] for pub in anna.pubs("c")] == [1, 3, 7, 9]
    assert [pub["offset"] for pub in bert.pubs("c")] == [3, 9]


async def test_a_filter_that_comes_to_deltas_has_the_client_subscribe_again(node: Node, peer: Peers) -> None:
    @node.on_subscribe
    def subscribe(client: Client, event: SubscribeEvent) -> SubscribeReply:
        return SubscribeReply(SubscribeOptions(allowed_delta_types=("fossil",)))

    @node.on_sub_refresh
    def sub_refresh(client: Client, event: SubRefreshEvent) -> SubRefreshReply:
        return SubRefreshReply(server_tags_filter=team(event.token))

    anna = await connected(peer)
    await anna.subscribe("c", delta="fossil")
    assert await anna.ask(sub_refresh={"channel": "c", "token": "b"}) == {"sub_refresh": {}}
    [ended] = anna.told()
    assert ended["push"]["unsubscribe"]["code"] == 2500


def test_a_filter_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="cmp"):
        SubRefreshReply(server_tags_filter=FilterNode(key="team", cmp="like", val="a"))
