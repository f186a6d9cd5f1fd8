"""What clients of a configured server may do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.support.realtime import Peer, settle
from tests.support.standalone import SECRET, Box, sign

Make = Callable[..., Awaitable[Box]]
HISTORY = {"history_size": 10, "history_ttl": "60s"}
CHATTY = {
    "presence": True,
    "allow_subscribe_for_client": True,
    "allow_publish_for_subscriber": True,
    "allow_presence_for_subscriber": True,
}


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    async with AsyncExitStack() as stack:

        async def start(**sections: Any) -> Box:
            return await stack.enter_async_context(Box(**sections))

        yield start


def channel(options: dict[str, Any], *namespaces: dict[str, Any]) -> dict[str, Any]:
    return {"without_namespace": options, "namespaces": list(namespaces)}


async def code(peer: Peer, **command: Any) -> int:
    """Of the error reply; 0 for none."""
    reply = await peer.ask(**command)
    found: int = reply.get("error", {}).get("code", 0)
    return found


async def ended(peer: Peer, **command: Any) -> tuple[int, str] | None:
    """How the server took it, who ends the connection."""
    peer.send({"id": 1000, **command})
    await settle()
    return peer.ended


# Coming in


async def test_a_token_says_who_it_is(make: Make) -> None:
    box = await make(channel=channel({"presence": True, "allow_subscribe_for_client": True}))
    ann = await box.user("ann", info={"name": "Ann"})
    await ann.subscribe("a")
    [info] = (await box.call("presence", channel="a"))["result"]["presence"].values()
    assert (info["user"], info["conn_info"]) == ("ann", {"name": "Ann"})


@pytest.mark.parametrize(
    "token", ["nonsense", sign("another secret that is as long as it should be", sub="ann")]
)
async def test_without_a_good_token_nobody_comes_in(make: Make, token: str) -> None:
    box = await make()
    assert await ended(box.peer(), connect={"token": token}) == (3500, "invalid token")
    assert await ended(box.peer(), connect={}) == (3501, "bad request")


async def test_an_old_token_is_to_be_renewed(make: Make) -> None:
    box = await make()
    stale = sign(sub="ann", exp=int(box.clock.time()))
    assert await code(box.peer(), connect={"token": stale}) == 109


async def test_anonymous_people(make: Make) -> None:
    box = await make(client={"allow_anonymous_connect_without_token": True})
    assert (await box.peer().ask(connect={}))["connect"]["client"]
    assert await ended(box.peer(), connect={"token": "x"}) == (3500, "invalid token")
    strict = await make(client={"disallow_anonymous_connection_tokens": True})
    assert await ended(strict.peer(), connect={"token": sign(sub="")}) == (3507, "permission denied")


async def test_insecure_mode_believes_everybody_but_no_bad_token(make: Make) -> None:
    box = await make(client={"insecure": True}, channel=channel({"presence": True, **HISTORY}))
    peer = await box.user("")
    for command in ({"subscribe": {"channel": "a"}}, {"publish": {"channel": "b", "data": 1}}):
        assert await code(peer, **command) == 0
    for command in ({"presence": {"channel": "b"}}, {"history": {"channel": "b"}}):
        assert await code(peer, **command) == 0
    assert await ended(box.peer(), connect={"token": "x"}) == (3500, "invalid token")
    ending = await box.user("ann", exp=int(box.clock.time()) + 5)
    box.clock.now += 60
    box.node.tick()
    await settle()
    assert ending.ended is None


async def test_connections_expire_and_are_refreshed(make: Make) -> None:
    box = await make(channel=channel(CHATTY))
    now = int(box.clock.time())
    ann = box.peer()
    connected = await ann.connect(sign(sub="ann", exp=now + 10, info={"v": 1}))
    assert (connected["expires"], connected["ttl"]) == (True, 10)
    await ann.subscribe("a")
    fresh = sign(sub="ann", exp=now + 20, info={"v": 2})
    assert (await ann.ask(refresh={"token": fresh}))["refresh"]["ttl"] == 20
    await ann.ask(publish={"channel": "a", "data": 1})
    assert [pub["info"]["conn_info"] for pub in ann.pubs("a")] == [{"v": 2}]
    box.clock.now += 50
    box.node.tick()
    await settle()
    assert ann.ended == (3005, "connection expired")


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"sub": "bob"}, (3500, "invalid token")),
        ({"sub": "ann", "channel": "a"}, (3500, "invalid token")),
        ({"sub": "ann", "exp": 1}, (3005, "connection expired")),
        ({"sub": "ann", "channels": ["other"]}, (3010, "insufficient state")),
    ],
)
async def test_a_refresh_that_does_not_do(make: Make, claims: dict[str, Any], told: tuple[int, str]) -> None:
    box = await make()
    ann = await box.user("ann", exp=int(box.clock.time()) + 10, channels=["news"])
    assert await ended(ann, refresh={"token": sign(**claims)}) == told


# Server-side subscriptions


async def test_tokens_bring_subscriptions(make: Make) -> None:
    box = await make(channel=channel({**HISTORY, "force_recovery": True}, {"name": "news", "presence": True}))
    ann = box.peer()
    subs = {"a": {"data": {"x": 1}}, "news:b": {"info": {"y": 1}, "override": {"presence": {"value": False}}}}
    connected = await ann.connect(sign(sub="ann", subs=subs))
    assert connected["subs"]["a"]["data"] == {"x": 1}
    assert connected["subs"]["a"]["recoverable"]
    assert "news:b" in connected["subs"]
    assert (await box.call("presence", channel="news:b"))["result"]["presence"] == {}
    unknown = box.peer()
    assert await code(unknown, connect={"token": sign(sub="ann", channels=["nothing:a"])}) == 102


async def test_personal_channels(make: Make) -> None:
    personal = {"enabled": True, "personal_channel_namespace": "me"}
    box = await make(
        client={
            "subscribe_to_user_personal_channel": personal,
            "allow_anonymous_connect_without_token": True,
        },
        channel=channel({}, {"name": "me"}),
    )
    ann = box.peer()
    assert list((await ann.connect(sign(sub="ann")))["subs"]) == ["me:#ann"]
    await box.call("publish", channel="me:#ann", data={"hello": 1})
    await settle()
    assert [pub["data"] for pub in ann.pubs("me:#ann")] == [{"hello": 1}]
    assert "subs" not in await box.peer().connect("")


async def test_a_single_connection_per_user(make: Make) -> None:
    box = await make(
        client={"subscribe_to_user_personal_channel": {"enabled": True, "single_connection": True}},
        channel=channel({"presence": True}),
    )
    first, bob = await box.user("ann"), await box.user("bob")
    second = await box.user("ann")
    assert first.ended == (3504, "connection limit")
    assert (second.ended, bob.ended) == (None, None)


async def test_clients_may_wish_for_server_side_subscriptions(make: Make) -> None:
    box = await make(
        client={"allow_anonymous_connect_without_token": True, "channel_limit": 3},
        channel=channel({}, {"name": "open", "allow_subscribe_for_client": True}),
    )
    ann = box.peer()
    wishes: dict[str, dict[str, Any]] = {"open:a": {}, "closed": {}, "$open:b": {}}
    assert list((await ann.connect(sign(sub="ann"), subs=wishes))["subs"]) == ["open:a"]
    assert "subs" not in await box.peer().connect("", subs={"open:a": {}})
    too_many: dict[str, dict[str, Any]] = {f"open:{number}": {} for number in range(4)}
    assert await code(box.peer(), connect={"token": sign(sub="ann"), "subs": too_many}) == 106
    assert await ended(box.peer(), connect={"subs": {"nothing:a": {}}}) == (3501, "bad request")


# Subscribing


async def test_namespaces_decide_who_subscribes(make: Make) -> None:
    box = await make(
        client={"allow_anonymous_connect_without_token": True},
        channel=channel({}, {"name": "open", "allow_subscribe_for_client": True}),
    )
    ann, nobody = await box.user("ann"), await box.user("")
    assert await code(ann, subscribe={"channel": "open:a"}) == 0
    assert await code(ann, subscribe={"channel": "a"}) == 103
    assert await code(ann, subscribe={"channel": "$open:a"}) == 103
    assert await code(ann, subscribe={"channel": "nothing:a"}) == 102
    assert await code(ann, subscribe={"channel": "open:ä"}) == 107
    assert await code(nobody, subscribe={"channel": "open:a"}) == 103


async def test_a_subscription_token_decides_alone(make: Make) -> None:
    box = await make(channel=channel({"presence": True}))
    ann = await box.user("ann")
    token = sign(sub="ann", channel="$a", info={"x": 1}, data={"d": 1})
    assert (await ann.subscribe("$a", token=token))["data"] == {"d": 1}
    [info] = (await box.call("presence", channel="$a"))["result"]["presence"].values()
    assert info["chan_info"] == {"x": 1}
    assert await code(ann, subscribe={"channel": "b", "token": "x"}) == 103
    assert await code(ann, subscribe={"channel": "b", "token": sign(sub="ann", channel="b", exp=1)}) == 109


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "ann", "channel": "b"},
        {"sub": "bob", "channel": "a"},
        {"sub": "ann", "channel": "a", "client": "x"},
    ],
)
async def test_a_token_for_something_else_ends_the_connection(make: Make, claims: dict[str, Any]) -> None:
    box = await make()
    for command in ("subscribe", "sub_refresh"):
        ann = await box.user("ann")
        if command == "sub_refresh":
            await ann.subscribe("a", token=sign(sub="ann", channel="a"))
        told = await ended(ann, **{command: {"channel": "a", "token": sign(**claims)}})
        assert told == (3500, "invalid token")


async def test_a_token_may_be_for_one_client(make: Make) -> None:
    box = await make()
    ann = box.peer()
    client = (await ann.connect(sign(sub="ann")))["client"]
    assert (
        await code(ann, subscribe={"channel": "a", "token": sign(sub="ann", channel="a", client=client)}) == 0
    )


async def test_subscription_tokens_may_have_keys_of_their_own(make: Make) -> None:
    other = "the secret of subscription tokens, which is another one, and as long as it should be"
    box = await make(client={"subscription_token": {"enabled": True, "hmac_secret_key": other}})
    ann = await box.user("ann")
    assert await code(ann, subscribe={"channel": "a", "token": sign(SECRET, sub="ann", channel="a")}) == 103
    assert await code(ann, subscribe={"channel": "a", "token": sign(other, sub="ann", channel="a")}) == 0


async def test_subscriptions_expire_and_are_refreshed(make: Make) -> None:
    box = await make()
    now = int(box.clock.time())
    ann = await box.user("ann")
    subscribed = await ann.subscribe("a", token=sign(sub="ann", channel="a", exp=now + 10))
    assert (subscribed["expires"], subscribed["ttl"]) == (True, 10)
    fresh = sign(sub="ann", channel="a", exp=now + 20)
    assert (await ann.ask(sub_refresh={"channel": "a", "token": fresh}))["sub_refresh"]["ttl"] == 20
    assert await code(ann, sub_refresh={"channel": "a", "token": sign(sub="ann", channel="a", exp=1)}) == 109


async def test_a_refreshed_subscription_may_have_other_info(make: Make) -> None:
    box = await make(channel=channel({"presence": True}))
    ann = await box.user("ann")
    await ann.subscribe("a", token=sign(sub="ann", channel="a", info={"v": 1}))
    fresh: list[tuple[dict[str, Any], object]] = [
        ({}, {"v": 1}),
        ({"info": {"v": 2}}, {"v": 2}),
        ({}, {"v": 2}),
    ]
    for claims, info in fresh:
        token = sign(sub="ann", channel="a", **claims)
        assert await code(ann, sub_refresh={"channel": "a", "token": token}) == 0
        [session] = box.node._core.hub.sessions.values()
        assert json.loads(session.info_in("a").chan_info) == info


async def test_meta_stays_on_the_server(make: Make) -> None:
    box = await make()
    ann = box.peer()
    connected = await ann.connect(sign(sub="ann", meta={"secret": 1}))
    [session] = box.node._core.hub.sessions.values()
    assert json.loads(session.client.meta) == {"secret": 1}
    fresh: list[tuple[dict[str, Any], object]] = [
        ({}, {"secret": 1}),
        ({"meta": {"secret": 2}}, {"secret": 2}),
    ]
    for claims, meta in fresh:
        refreshed = await ann.ask(refresh={"token": sign(sub="ann", **claims)})
        assert json.loads(session.client.meta) == meta
        assert "secret" not in json.dumps([connected, refreshed, ann.told()])


async def test_wishes_are_granted_to_those_who_may_see_the_past(make: Make) -> None:
    box = await make(
        channel=channel(
            {"allow_subscribe_for_client": True},
            {"name": "past", **CHATTY, **HISTORY, "join_leave": True, "allow_history_for_subscriber": True},
            {"name": "allowed", **HISTORY, "allow_subscribe_for_client": True, "allow_recovery": True},
            {"name": "closed", **HISTORY, "allow_subscribe_for_client": True, "join_leave": True},
        )
    )
    ann = await box.user("ann")
    wishes = {"recoverable": True, "positioned": True, "join_leave": True}
    past = await ann.subscribe("past:a", **wishes)
    assert (past["recoverable"], past["positioned"]) == (True, True)
    assert (await ann.subscribe("allowed:a", **wishes))["recoverable"]
    assert await ann.subscribe("closed:a", **wishes) == {}
    assert await ann.subscribe("a", **wishes) == {}
    await settle()
    told = [push["push"]["channel"] for push in ann.told() if "join" in push["push"]]
    assert told == ["past:a"]


# In channels


async def test_publishing(make: Make) -> None:
    box = await make(
        channel=channel(CHATTY, {"name": "object", **CHATTY, "publication_data_format": "json_object"})
    )
    ann = await box.user("ann")
    assert await code(ann, publish={"channel": "a", "data": 1}) == 103
    await ann.subscribe("a")
    assert await code(ann, publish={"channel": "a", "data": {"x": 1}}) == 0
    await settle()
    [pub] = ann.pubs("a")
    assert (pub["data"], pub["info"]["user"]) == ({"x": 1}, "ann")
    await ann.subscribe("object:a")
    assert await code(ann, publish={"channel": "object:a", "data": 1}) == 107
    assert await code(ann, publish={"channel": "nothing:a", "data": 1}) == 102


async def test_presence_and_history(make: Make) -> None:
    box = await make(
        channel=channel(
            {**CHATTY, **HISTORY, "allow_history_for_client": True},
            {"name": "none", **CHATTY, "presence": False},
        )
    )
    ann, bob = await box.user("ann"), await box.user("bob")
    await ann.subscribe("a")
    await ann.ask(publish={"channel": "a", "data": 1})
    for what in ("presence", "presence_stats"):
        assert await code(bob, **{what: {"channel": "a"}}) == 103
        assert await code(ann, **{what: {"channel": "none:a"}}) == 108
    assert (await ann.ask(presence_stats={"channel": "a"}))["presence_stats"] == {
        "num_clients": 1,
        "num_users": 1,
    }
    past = await bob.ask(history={"channel": "a", "limit": 5})
    assert [pub["data"] for pub in past["history"]["publications"]] == [1]
    assert await code(ann, history={"channel": "none:a"}) == 108
    assert await code(ann, history={"channel": "nothing:a"}) == 102


async def test_history_is_closed_unless_it_is_opened(make: Make) -> None:
    box = await make(channel=channel(HISTORY))
    assert await code(await box.user("ann"), history={"channel": "a"}) == 103


async def test_rpc_is_a_ping_or_nothing(make: Make) -> None:
    none = await make()
    assert await code(await none.user("ann"), rpc={"method": "ping", "data": {}}) == 108
    box = await make(rpc={"ping": {"enabled": True, "method": "alive"}})
    ann = await box.user("ann")
    assert await ann.ask(rpc={"method": "alive", "data": {}}) == {"rpc": {"data": {}}}
    assert await code(ann, rpc={"method": "ping", "data": {}}) == 104


async def test_limits(make: Make) -> None:
    box = await make(
        client={"channel_limit": 2, "user_connection_limit": 1},
        channel=channel({"allow_subscribe_for_client": True}),
    )
    ann = await box.user("ann")
    codes = [await code(ann, subscribe={"channel": name}) for name in ("a", "b", "c")]
    assert codes == [0, 0, 106]
    assert await ended(box.peer(), connect={"token": sign(sub="ann")}) == (3504, "connection limit")
