"""Changes of messages, reading and typing as clients live through them."""

from __future__ import annotations

from typing import Any

from chirpbird.chat.service import Chat
from chirpbird.realtime import Node
from tests.support.realtime import Peer, settle


class Someone:
    """A person with one connection, subscribed to a channel."""

    def __init__(self, user_id: str, peer: Peer) -> None:
        self.id = user_id
        self.peer = peer

    async def rpc(self, method: str, **data: Any) -> dict[str, Any]:
        reply = await self.peer.ask(rpc={"method": method, "data": data})
        result: dict[str, Any] = reply["rpc"]["data"]
        return result

    def heard(self, channel: str) -> list[dict[str, Any]]:
        return [publication["data"] for publication in self.peer.pubs(channel)]


async def enter(chat: Chat, node: Node, username: str) -> Someone:
    user = await chat.store.users.by_username(username)
    if user is None:
        user = await chat.accounts.register(username, "correct horse", address=username)
    peer = Peer(node)
    await peer.connect(chat.tokens.issue(user.id, "sign-in"))
    return Someone(user.id, peer)


async def pair(chat: Chat, node: Node) -> tuple[Someone, Someone, str]:
    ann, bob = await enter(chat, node, "ann"), await enter(chat, node, "bob")
    made = await ann.rpc("create_channel", name="general", participants=[bob.id])
    channel: str = made["channel"]["channel"]["id"]
    for one in (ann, bob):
        await one.peer.subscribe(channel)
        one.peer.told()
    return ann, bob, channel


async def test_every_change_comes_live_and_by_recovery(chat: Chat, node: Node) -> None:
    ann, bob, channel = await pair(chat, node)
    await ann.peer.ask(publish={"channel": channel, "data": {"data": "hi"}})
    await bob.rpc("react", channelId=channel, seq=2, emoji="👋")
    await bob.peer.ask(publish={"channel": channel, "data": {"data": "yes", "replyTo": 2}})
    await ann.rpc("edit_message", channelId=channel, seq=2, data="hi @bob")
    await ann.rpc("pin_message", channelId=channel, seq=2)
    await ann.rpc("update_channel", channelId=channel, topic="birds")
    await ann.rpc("delete_message", channelId=channel, seq=2)
    await settle()
    live = bob.heard(channel)
    assert [(one["type"], one.get("target")) for one in live] == [
        ("message", None),
        ("reacted", 2),
        ("message", None),
        ("edited", 2),
        ("pinned", 2),
        ("topic", None),
        ("deleted", 2),
    ]
    assert live[1]["emoji"] == "👋"
    assert live[2]["replyTo"]["data"] == "hi"
    assert (live[3]["data"], live[3]["mentions"]) == ("hi @bob", [bob.id])
    assert live[5]["topic"] == "birds"

    again = await enter(chat, node, "bob")
    top = await chat.store.log.top(channel)
    recovered = await again.peer.subscribe(channel, recover=True, offset=1, epoch=top.epoch)
    replayed = [publication["data"] for publication in recovered["publications"]]
    assert [one["type"] for one in replayed] == [one["type"] for one in live]
    assert (replayed[0]["data"], replayed[3]["data"]) == ("", ""), "what was deleted is nowhere"


async def test_who_is_removed_loses_the_channel_at_once(chat: Chat, node: Node) -> None:
    ann, bob, channel = await pair(chat, node)
    await ann.rpc("remove_member", channelId=channel, userId=bob.id)
    await settle()
    refused = await bob.peer.ask(publish={"channel": channel, "data": {"data": "still here?"}})
    assert refused["error"]["code"] == 103
    assert {"type": "CHANNEL_GONE", "channelId": channel} in bob.heard(f"#{bob.id}")


async def test_reading_and_typing_are_told_over_the_personal_channel(chat: Chat, node: Node) -> None:
    ann, bob, channel = await pair(chat, node)
    await ann.peer.ask(publish={"channel": channel, "data": {"data": "@all hi"}})
    other = await enter(chat, node, "bob")
    read = await bob.rpc("mark_read", channelId=channel, seq=2)
    assert read == {"readSeq": 2, "unread": 0, "mentions": 0}
    await bob.rpc("typing", channelId=channel)
    await bob.rpc("set_mute", channelId=channel, mute="all")
    await chat.reading.flush()
    await settle()
    told = {one["type"]: one for one in other.heard(f"#{bob.id}")}
    assert told["READ"] == {"type": "READ", "channelId": channel, "readSeq": 2, "unread": 0, "mentions": 0}
    assert told["MUTED"] == {"type": "MUTED", "channelId": channel, "mute": "all", "mutedUntil": None}
    assert told["READ_BY"]["reads"] == [{"userId": ann.id, "seq": 2}]
    to_ann = {one["type"]: one for one in ann.heard(f"#{ann.id}")}
    assert to_ann["READ_BY"]["reads"] == [{"userId": bob.id, "seq": 2}]
    assert to_ann["TYPING"]["user"]["username"] == "bob"


async def test_whose_last_connection_ends_was_here_until_then(chat: Chat, node: Node) -> None:
    ann, bob, _ = await pair(chat, node)
    other = await enter(chat, node, "bob")
    bob.peer.lose()
    await settle()
    assert (await ann.rpc("fetch_last_seen", userIds=[bob.id]))["lastSeen"] == {}
    other.peer.lose()
    await settle()
    assert list((await ann.rpc("fetch_last_seen", userIds=[bob.id]))["lastSeen"]) == [bob.id]
    await chat.close()
