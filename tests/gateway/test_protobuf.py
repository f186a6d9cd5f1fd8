"""The chat over Protobuf: the same JSON in its payloads, and bytes that are none."""

from __future__ import annotations

import json

import pytest

from chirpbird.chat.service import Chat
from chirpbird.realtime import Node
from tests.support.realtime import Peer


async def _enter(chat: Chat, node: Node) -> Peer:
    user = await chat.accounts.register("ann", "correct horse", address="ann")
    peer = Peer(node, wire="protobuf")
    await peer.connect(chat.tokens.issue(user.id, "sign-in"))
    return peer


async def test_people_talk(chat: Chat, node: Node) -> None:
    ann = await _enter(chat, node)
    reply = await ann.ask(rpc={"method": "create_channel", "data": b'{"name": "birds"}'})
    channel = json.loads(reply["rpc"]["data"])["channel"]["channel"]["id"]
    ann.told()
    await ann.subscribe(channel)
    assert await ann.ask(publish={"channel": channel, "data": b'{"data": "hi"}'}) == {"publish": {}}
    [publication] = ann.pubs(channel)
    assert json.loads(publication["data"])["data"] == "hi"


@pytest.mark.parametrize(
    "data",
    [b"\xff", b'{"name": "\xff"}', b'{"data": "\xed\xa0\x80"}', b'{"name":' + b"[" * 60_000, b"\x00"],
)
async def test_bytes_that_do_not_fit_are_refused(chat: Chat, node: Node, data: bytes) -> None:
    ann = await _enter(chat, node)
    reply = await ann.ask(rpc={"method": "create_channel", "data": data})
    assert (reply["error"]["code"], reply["error"]["message"][:18]) == (107, "data does not fit:")
    reply = await ann.ask(rpc={"method": "create_channel", "data": b'{"name": "birds"}'})
    channel = json.loads(reply["rpc"]["data"])["channel"]["channel"]["id"]
    reply = await ann.ask(publish={"channel": channel, "data": data})
    assert reply["error"]["code"] == 107
