"""What people send over the protocol, good and bad, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from chirpbird.chat.errors import StoreFull
from chirpbird.chat.service import Chat
from chirpbird.realtime import Node
from tests.support.memory_store import MemoryStore
from tests.support.realtime import Peer, settle


async def _enter(chat: Chat, node: Node, username: str) -> Peer:
    user = await chat.accounts.register(username, "correct horse", address=username)
    peer = Peer(node)
    await peer.connect(chat.tokens.issue(user.id, "sign-in"))
    return peer


async def _group(peer: Peer, name: str) -> str:
    reply = await peer.ask(rpc={"method": "create_channel", "data": {"name": name}})
    channel_id: str = reply["rpc"]["data"]["channel"]["channel"]["id"]
    peer.told()
    return channel_id


async def test_a_message_reaches_subscribers_once_and_a_repeated_key_nobody(chat: Chat, node: Node) -> None:
    ann, bob = await _enter(chat, node, "ann"), await _enter(chat, node, "bob")
    channel = await _group(ann, "birds")
    await bob.ask(rpc={"method": "join_channel", "data": {"channelId": channel}})
    bob.told()
    await bob.subscribe(channel)
    for _ in range(2):
        assert await ann.ask(publish={"channel": channel, "data": {"data": "hi", "key": "k"}}) == {
            "publish": {}
        }
    [publication] = bob.pubs(channel)
    assert publication["offset"] == publication["data"]["seq"] == 3
    assert (publication["data"]["data"], publication["data"]["sender"]["username"]) == ("hi", "ann")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("just text", "Expected `object`, got `str`"),
        ({}, "missing required field `data`"),
        ({"data": 5}, "Expected `str`, got `int` - at `$.data`"),
        ({"data": "hi", "color": "red"}, "unknown field `color`"),
        ({"data": ""}, "data"),
        ({"data": " \n "}, "data"),
        ({"data": "x" * 8001}, "8001"),
        ({"data": "bell\u0007"}, "control"),
        ({"data": "hi", "key": "k" * 65}, "key"),
    ],
)
async def test_a_message_that_does_not_fit_is_refused_and_not_kept(
    chat: Chat, node: Node, data: Any, words: str
) -> None:
    ann = await _enter(chat, node, "ann")
    channel = await _group(ann, "birds")
    await ann.subscribe(channel)
    error = (await ann.ask(publish={"channel": channel, "data": data}))["error"]
    assert error["code"] == 107
    assert words in error["message"]
    assert (await chat.store.log.top(channel)).seq == 1


@pytest.mark.parametrize(
    ("method", "data", "code", "words"),
    [
        ("fetch_everything", {}, 104, "method not found"),
        ("fetch_channel", {}, 107, "missing required field `channelId`"),
        ("fetch_channel", {"channelId": 5}, 107, "expected `str`, got `int` - at `$.channelId`"),
        ("create_channel", {"name": "x", "isprivate": True}, 107, "unknown field `isprivate`"),
        ("create_channel", {"name": ""}, 107, "name"),
        ("create_channel", {"name": "line\nbreak"}, 107, "name"),
        ("search_users", {"query": "a", "limit": 51}, 107, "limit is 51, 1 to 50 is expected"),
        ("open_direct", {"userId": "nobody"}, 404, "no such user"),
    ],
)
async def test_a_method_called_wrongly_says_what_is_wrong(
    chat: Chat, node: Node, method: str, data: Any, code: int, words: str
) -> None:
    ann = await _enter(chat, node, "ann")
    error = (await ann.ask(rpc={"method": method, "data": data}))["error"]
    assert (error["code"], words in error["message"]) == (code, True), error


async def test_sending_too_fast_is_a_temporary_error(chat: Chat, node: Node) -> None:
    ann = await _enter(chat, node, "ann")
    channel = await _group(ann, "birds")
    await ann.subscribe(channel)
    replies = [await ann.ask(publish={"channel": channel, "data": {"data": "hi"}}) for _ in range(21)]
    assert [reply for reply in replies[:20] if "error" in reply] == []
    assert (replies[20]["error"]["code"], replies[20]["error"]["temporary"]) == (111, True)


async def test_a_full_store_is_a_temporary_error_with_words(
    chat: Chat, node: Node, store: MemoryStore
) -> None:
    ann = await _enter(chat, node, "ann")
    channel = await _group(ann, "birds")
    await ann.subscribe(channel)
    store.fail(StoreFull("the disk is full"))
    error = (await ann.ask(publish={"channel": channel, "data": {"data": "hi"}}))["error"]
    assert error == {"code": 100, "message": "the disk is full", "temporary": True}


async def test_recovery_reads_the_log(chat: Chat, node: Node) -> None:
    ann = await _enter(chat, node, "ann")
    channel = await _group(ann, "birds")
    epoch = (await ann.subscribe(channel))["epoch"]
    for text in ("one", "two"):
        await ann.ask(publish={"channel": channel, "data": {"data": text}})
    again = Peer(node)
    await again.connect(chat.tokens.issue((await _user_id(chat, "ann")), "sign-in"))
    result = await again.subscribe(channel, recover=True, offset=1, epoch=epoch)
    assert result["recovered"]
    assert [publication["data"]["data"] for publication in result["publications"]] == ["one", "two"]
    await settle()


async def _user_id(chat: Chat, username: str) -> str:
    user = await chat.store.users.by_username(username)
    assert user is not None
    return user.id
