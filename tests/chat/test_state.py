from __future__ import annotations

import pytest
from msgspec import UNSET

from chirpbird.chat.entities import Draft, EntryKind
from chirpbird.chat.errors import NotFound, NotSignedIn
from chirpbird.chat.service import Chat
from tests.chat.conftest import Register
from tests.support.memory_store import MemoryStore

NOBODY = "01HZX3K6V0000000000000000A"


async def test_the_state_of_somebody_new(chat: Chat, register: Register) -> None:
    ann = await register("ann")
    state = await chat.states.of_user(ann.id)
    assert (state.user.username, state.channels, state.time) == ("ann", [], "2023-11-14T22:13:20.000Z")


async def test_channels_come_with_position_and_last_message(chat: Chat, register: Register) -> None:
    ann, bob = await register("ann"), await register("bob")
    general = (await chat.channels.create(ann.id, "general")).channel.id
    await chat.messages.send(ann.id, general, "first")
    await chat.messages.send(ann.id, general, "second")
    await chat.channels.join(bob.id, general)
    direct = (await chat.channels.open_direct(bob.id, ann.id)).channel.id
    await chat.channels.create(bob.id, "not ann's")
    state = await chat.states.of_user(ann.id)
    assert [each.channel.id for each in state.channels] == [direct, general]
    pair, group = state.channels
    assert pair.channel.participants is not UNSET
    assert [person.id for person in pair.channel.participants] == sorted([ann.id, bob.id])
    assert (pair.position.offset, pair.last_message) == (1, None)
    assert group.channel.participants is UNSET
    assert group.position.offset == 4
    assert group.last_message is not None
    assert (group.last_message.data, group.last_message.seq) == ("second", 3)


async def test_the_state_of_a_channel_is_what_its_members_see(chat: Chat, register: Register) -> None:
    ann, bob = await register("ann"), await register("bob")
    for channel_id in (
        (await chat.channels.create(ann.id, "general")).channel.id,
        (await chat.channels.open_direct(ann.id, bob.id)).channel.id,
    ):
        await chat.messages.send(ann.id, channel_id, "hi")
        states = (await chat.states.of_user(ann.id)).channels
        [expected] = [state for state in states if state.channel.id == channel_id]
        assert await chat.states.of_channel(channel_id, ann.id) == expected


@pytest.mark.parametrize("comings_and_goings", [0, 10, 19, 20, 400])
async def test_the_last_message_is_found_however_far_back(
    chat: Chat, store: MemoryStore, register: Register, comings_and_goings: int
) -> None:
    ann, bob = await register("ann"), await register("bob")
    channel_id = (await chat.channels.create(ann.id, "general")).channel.id
    silent = (await chat.channels.create(ann.id, "silent")).channel.id
    await chat.messages.send(ann.id, channel_id, "hi")
    for number in range(comings_and_goings):
        kind = EntryKind.LEFT if number % 2 else EntryKind.JOINED
        for each in (channel_id, silent):
            await store.log.append(Draft(channel_id=each, kind=kind, sender_id=bob.id, members=(bob.id,)))
    found = await chat.states.of_channel(channel_id, ann.id)
    assert found.last_message is not None
    assert found.last_message.seq == 2
    assert found.position.offset == 2 + comings_and_goings
    assert (await chat.states.of_channel(silent, ann.id)).last_message is None


async def test_what_is_not_there(chat: Chat) -> None:
    with pytest.raises(NotFound):
        await chat.states.of_channel(NOBODY, NOBODY)
    with pytest.raises(NotSignedIn):
        await chat.states.of_user(NOBODY)
