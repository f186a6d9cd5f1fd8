from __future__ import annotations

import pytest

from chirpbird.chat.errors import NotFound, NotPermitted, NotSignedIn
from chirpbird.chat.permissions import Operation
from chirpbird.chat.service import Chat
from tests.chat.conftest import Register


async def test_the_facts_come_from_the_store(chat: Chat, register: Register) -> None:
    ann, bob = await register("ann"), await register("bob")
    channel_id = (await chat.channels.create(ann.id, "general")).channel.id
    channel = await chat.access.require(Operation.SUBSCRIBE, ann.id, channel_id)
    assert (channel.id, channel.name) == (channel_id, "general")
    with pytest.raises(NotPermitted):
        await chat.access.require(Operation.SUBSCRIBE, bob.id, channel_id)
    await chat.channels.join(bob.id, channel_id)
    await chat.access.require(Operation.SUBSCRIBE, bob.id, channel_id)
    await chat.channels.leave(bob.id, channel_id)
    with pytest.raises(NotPermitted):
        await chat.access.require(Operation.SUBSCRIBE, bob.id, channel_id)


@pytest.mark.parametrize("channel_id", ["", "#user", "a/b", "x" * 1000, "01HZX3K6V0000000000000000A"])
async def test_channels_that_are_not_there(chat: Chat, register: Register, channel_id: str) -> None:
    ann = await register("ann")
    with pytest.raises(NotFound):
        await chat.access.require(Operation.SUBSCRIBE, ann.id, channel_id)
    with pytest.raises(NotSignedIn):
        await chat.access.require(Operation.SUBSCRIBE, None, channel_id)
