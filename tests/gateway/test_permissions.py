"""Every RPC method and every channel command, tried as everybody. A new one without a rule or an attempt here fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chirpbird.chat.permissions import Operation
from chirpbird.chat.service import Chat
from chirpbird.gateway.handlers import CHANNEL_OPERATIONS
from chirpbird.gateway.rpc import METHODS
from chirpbird.realtime import Node
from tests.support.permission_matrix import Answer, Case, Role, World, cases, expected, make_world
from tests.support.realtime import Peer, settle

Body = Callable[[World, str], dict[str, Any]]


def one_message(**more: Any) -> Body:
    """What MEMBER said there."""

    def body(world: World, channel: str) -> dict[str, Any]:
        [place] = [place for place, found in world.channels.items() if found == channel]
        return {"channelId": channel, "seq": world.messages[place], **more}

    return body


RPC_ATTEMPTS: dict[str, Body] = {
    "fetch_messages": lambda _, channel: {"channelId": channel},
    "create_channel": lambda *_: {"name": "another", "isPrivate": True},
    "open_direct": lambda world, _: {"userId": world.bystander.id},
    "join_channel": lambda _, channel: {"channelId": channel},
    "leave_channel": lambda _, channel: {"channelId": channel},
    "add_members": lambda world, channel: {"channelId": channel, "userIds": [world.bystander.id]},
    "fetch_channel": lambda _, channel: {"channelId": channel},
    "fetch_members": lambda _, channel: {"channelId": channel},
    "fetch_state": lambda *_: {},
    "search_users": lambda *_: {"query": "by"},
    "send_message": lambda _, channel: {"channelId": channel, "data": "hi"},
    "edit_message": one_message(data="hey"),
    "delete_message": one_message(),
    "react": one_message(emoji="👋"),
    "unreact": one_message(emoji="👋"),
    "pin_message": one_message(),
    "unpin_message": one_message(),
    "fetch_edits": one_message(),
    "fetch_pins": lambda _, channel: {"channelId": channel},
    "mark_read": lambda _, channel: {"channelId": channel, "seq": 1},
    "fetch_reads": lambda _, channel: {"channelId": channel},
    "typing": lambda _, channel: {"channelId": channel},
    "set_mute": lambda _, channel: {"channelId": channel, "mute": "all"},
    "fetch_last_seen": lambda world, _: {"userIds": [world.bystander.id]},
    "remove_member": lambda world, channel: {"channelId": channel, "userId": world.guest.id},
    "set_role": lambda world, channel: {"channelId": channel, "userId": world.guest.id, "role": "admin"},
    "update_channel": lambda _, channel: {"channelId": channel, "topic": "birds"},
    "search_channels": lambda *_: {"query": "pub"},
    "search_messages": lambda *_: {"query": "pub"},
}
COMMAND_ATTEMPTS: dict[str, Body] = {
    "subscribe": lambda _, channel: {"channel": channel},
    "publish": lambda _, channel: {"channel": channel, "data": {"data": "hi"}},
    "presence": lambda _, channel: {"channel": channel},
    "presence_stats": lambda _, channel: {"channel": channel},
    "history": lambda _, channel: {"channel": channel, "limit": 10},
}
RPC_CODES = {103: Answer.NOT_PERMITTED, 404: Answer.NOT_FOUND}


def trials(ways: dict[str, Operation]) -> list[Any]:
    return [
        pytest.param(way, case, id=f"{way}-{case.role}-{case.place}")
        for way, operation in ways.items()
        for case in cases([operation])
        if case.role is not Role.ANONYMOUS  # does not get past connect: tried below
    ]


async def connected(chat: Chat, node: Node, case: Case) -> tuple[Peer, World]:
    world = await make_world(chat)
    peer = Peer(node)
    await peer.connect(world.people[case.role].token)
    return peer, world


def test_everything_that_can_be_asked_is_tried() -> None:
    assert set(RPC_ATTEMPTS) == set(METHODS)
    assert {*COMMAND_ATTEMPTS, "connect"} == set(CHANNEL_OPERATIONS)


@pytest.mark.parametrize(
    ("method", "case"), trials({name: method.operation for name, method in METHODS.items()})
)
async def test_rpc(chat: Chat, node: Node, method: str, case: Case) -> None:
    peer, world = await connected(chat, node, case)
    data = RPC_ATTEMPTS[method](world, world.channels.get(case.place, ""))
    reply = await peer.ask(rpc={"method": method, "data": data})
    answer = RPC_CODES[reply["error"]["code"]] if "error" in reply else Answer.ALLOWED
    assert answer is expected(case), reply


@pytest.mark.parametrize(
    ("command", "case"), trials({name: CHANNEL_OPERATIONS[name] for name in COMMAND_ATTEMPTS})
)
async def test_channel_commands(chat: Chat, node: Node, command: str, case: Case) -> None:
    peer, world = await connected(chat, node, case)
    reply = await peer.ask(**{command: COMMAND_ATTEMPTS[command](world, world.channels[case.place])})
    if expected(case) is Answer.ALLOWED:
        assert command in reply, reply
    else:
        # A channel that is not there and one that is somebody else's look alike.
        assert reply["error"]["code"] == 103, reply


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ANONYMOUS])
async def test_the_personal_channel_comes_by_itself_and_only_ones_own(
    chat: Chat, node: Node, role: Role
) -> None:
    world = await make_world(chat)
    peer = Peer(node)
    own = world.people[role]
    result = await peer.connect(own.token)
    assert list(result["subs"]) == [f"#{own.id}"]
    for command, attempt in COMMAND_ATTEMPTS.items():
        reply = await peer.ask(**{command: attempt(world, f"#{world.bystander.id}")})
        assert reply["error"]["code"] == 103, command


@pytest.mark.parametrize(("token", "code"), [("", 3501), ("forged", 3500)])
async def test_without_a_token_nobody_gets_in(node: Node, token: str, code: int) -> None:
    peer = Peer(node)
    peer.send({"id": 1, "connect": {"token": token}})
    await settle()
    assert peer.ended is not None
    assert peer.ended[0] == code
