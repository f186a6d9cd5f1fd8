from __future__ import annotations

import pytest

from chirpbird.chat.entities import Unread, User
from chirpbird.chat.errors import InvalidInput, StoreUnavailable
from chirpbird.chat.reading import SMALL
from chirpbird.chat.service import Chat
from tests.chat.conftest import Register
from tests.support.chat_fakes import FakeClock, RecordingAudience
from tests.support.memory_store import MemoryStore


@pytest.fixture
async def ann(register: Register) -> User:
    return await register("ann")


@pytest.fixture
async def bob(register: Register) -> User:
    return await register("bob")


@pytest.fixture
async def channel_id(chat: Chat, ann: User, bob: User) -> str:
    """Seqs 2 to 5 are ann's, and 4 mentions bob."""
    made = await chat.channels.create(ann.id, "general", participants=[bob.id])
    for text in ("one", "two", "three @bob", "four"):
        await chat.messages.send(ann.id, made.channel.id, text)
    return made.channel.id


async def counts(chat: Chat, user: User) -> tuple[int, int, int]:
    [state] = (await chat.states.of_user(user.id)).channels
    return state.read_seq, state.unread, state.mentions


async def test_what_one_said_one_has_read(chat: Chat, ann: User, bob: User, channel_id: str) -> None:
    assert await counts(chat, ann) == (5, 0, 0)
    assert await counts(chat, bob) == (1, 4, 1)
    await chat.reading.flush()
    assert await counts(chat, ann) == (5, 0, 0)


async def test_reading_goes_forward_and_back_only_if_asked(chat: Chat, bob: User, channel_id: str) -> None:
    for seq, unread, expected in [
        (3, False, (3, 2, 1)),
        (2, False, (3, 2, 1)),
        (4, True, (3, 2, 1)),
        (2**53 - 1, False, (5, 0, 0)),
        (2, True, (1, 4, 1)),
        (3, False, (3, 2, 1)),
    ]:
        read = await chat.reading.mark(bob.id, channel_id, seq, unread=unread)
        assert (read.read_seq, read.unread, read.mentions) == expected
        assert await counts(chat, bob) == expected
        if seq == 2:
            await chat.reading.flush()
    await chat.reading.flush()
    assert await counts(chat, bob) == (3, 2, 1)
    with pytest.raises(InvalidInput):
        await chat.reading.mark(bob.id, channel_id, 0)


async def test_all_devices_and_the_others_are_told_together(
    chat: Chat, ann: User, bob: User, channel_id: str, audience: RecordingAudience
) -> None:
    await chat.reading.flush()
    audience.reads.clear()
    audience.others_read.clear()
    for seq in (2, 3, 4):
        await chat.reading.mark(bob.id, channel_id, seq)
    assert audience.reads == []
    await chat.reading.flush()
    assert audience.reads == [(bob.id, channel_id, 4, Unread(1, 0))]
    assert audience.others_read == [(channel_id, {bob.id: 4}, sorted([ann.id, bob.id]))]
    await chat.reading.flush()
    assert len(audience.reads) == 1
    reads = await chat.reading.positions(ann.id, channel_id)
    assert {one.user_id: one.seq for one in reads.reads} == {ann.id: 5, bob.id: 4}


async def test_a_deletion_takes_the_message_out_of_the_counts(
    chat: Chat, ann: User, bob: User, channel_id: str
) -> None:
    await chat.changes.delete(ann.id, channel_id, 4)
    assert await counts(chat, bob) == (1, 3, 0)


async def test_what_cannot_be_written_now_is_written_later(
    chat: Chat, bob: User, channel_id: str, store: MemoryStore
) -> None:
    await chat.reading.mark(bob.id, channel_id, 3)
    store.fail(StoreUnavailable("away"))
    await chat.reading.flush()
    assert await counts(chat, bob) == (3, 2, 1)
    store.fail(None)
    await chat.close()
    assert (await store.reading.positions(channel_id))[bob.id] == 3


async def test_large_groups_do_not_see_who_reads_and_types(
    chat: Chat, ann: User, bob: User, channel_id: str, register: Register, audience: RecordingAudience
) -> None:
    others = [(await register(f"person{number}")).id for number in range(SMALL - 1)]
    await chat.channels.add_members(ann.id, channel_id, others)
    await chat.reading.mark(bob.id, channel_id, 3)
    await chat.reading.flush()
    await chat.reading.typing(bob.id, channel_id)
    assert (audience.others_read, audience.writing) == ([], [])
    assert (await chat.reading.positions(ann.id, channel_id)).reads == []


async def test_typing_is_passed_on_now_and_then(
    chat: Chat, ann: User, bob: User, channel_id: str, clock: FakeClock, audience: RecordingAudience
) -> None:
    for _ in range(3):
        await chat.reading.typing(bob.id, channel_id)
    assert audience.writing == [("bob", channel_id, [ann.id])]
    clock.forward(3)
    await chat.reading.typing(bob.id, channel_id)
    assert len(audience.writing) == 2


async def test_muting(
    chat: Chat, bob: User, channel_id: str, clock: FakeClock, audience: RecordingAudience
) -> None:
    until = "2023-11-14T23:00:00.000Z"
    assert (await chat.reading.mute(bob.id, channel_id, "all")).mute == "all"
    set_now = await chat.reading.mute(bob.id, channel_id, "mentions", until)
    assert (set_now.mute, set_now.muted_until) == ("mentions", until)
    assert len(audience.mutes) == 2
    [state] = (await chat.states.of_user(bob.id)).channels
    assert (state.mute, state.muted_until) == ("mentions", until)
    clock.forward(3600)
    [state] = (await chat.states.of_user(bob.id)).channels
    assert (state.mute, state.muted_until) == ("none", None)
    for mute, end in (("loud", None), ("all", "later")):
        with pytest.raises(InvalidInput):
            await chat.reading.mute(bob.id, channel_id, mute, end)


async def test_who_was_here_when(chat: Chat, ann: User, bob: User, clock: FakeClock) -> None:
    chat.reading.left(ann.id)
    seen = {ann.id: "2023-11-14T22:13:20.000Z"}
    assert await chat.reading.last_seen([ann.id, bob.id, "nobody"]) == seen
    await chat.reading.flush()
    assert await chat.reading.last_seen([ann.id, bob.id]) == seen
    with pytest.raises(InvalidInput):
        await chat.reading.last_seen([])
    await chat.close()
