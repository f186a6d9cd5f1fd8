from __future__ import annotations

import asyncio

import pytest
from msgspec import UNSET

from chirpbird.chat.channels import ChannelService
from chirpbird.chat.entities import Channel, User
from chirpbird.chat.errors import InvalidInput, NotFound, NotPermitted, NotSignedIn, StoreFull
from chirpbird.chat.service import Chat
from chirpbird.chat.views import ChannelView
from tests.chat.conftest import Register
from tests.support.chat_fakes import RecordingAudience
from tests.support.memory_store import MemoryStore

NOBODY = "01HZX3K6V0000000000000000A"


@pytest.fixture
async def ann(register: Register) -> User:
    return await register("ann")


@pytest.fixture
async def bob(register: Register) -> User:
    return await register("bob")


@pytest.fixture
async def eve(register: Register) -> User:
    return await register("eve")


@pytest.fixture
def channels(chat: Chat) -> ChannelService:
    return chat.channels


def names(view: ChannelView) -> list[str]:
    assert view.participants is not UNSET
    return sorted(person.username for person in view.participants)


async def members(store: MemoryStore, channel_id: str) -> set[str]:
    return set(await store.channels.members(channel_id, limit=1000))


async def test_creating_a_private_group(
    channels: ChannelService, store: MemoryStore, audience: RecordingAudience, ann: User, bob: User
) -> None:
    state = await channels.create(ann.id, " Plans ", is_private=True, participants=[bob.id, bob.id, ann.id])
    channel = state.channel
    assert (channel.kind, channel.name, channel.is_private, channel.member_count) == (
        "private",
        "Plans",
        True,
        2,
    )
    assert channel.creator_id == ann.id
    assert channel.participants is UNSET
    assert (state.position.offset, state.last_message) == (1, None)
    assert state.position.epoch
    assert audience.told == [("gained", channel.id, sorted([ann.id, bob.id]))]
    [entry], _ = await store.log.read(channel.id, after=0, limit=10)
    assert (entry.kind, entry.sender_id, set(entry.members)) == ("created", ann.id, {ann.id, bob.id})


async def test_two_private_groups_may_share_a_name(channels: ChannelService, ann: User) -> None:
    first = await channels.create(ann.id, "plans", is_private=True)
    second = await channels.create(ann.id, "plans", is_private=True)
    assert first.channel.id != second.channel.id


async def test_creating_a_public_group_that_exists_joins_it(
    channels: ChannelService, store: MemoryStore, audience: RecordingAudience, ann: User, bob: User, eve: User
) -> None:
    first = await channels.create(ann.id, "General")
    audience.told.clear()
    again = await channels.create(bob.id, "GENERAL", participants=[eve.id])
    assert (again.channel.id, again.channel.name) == (first.channel.id, "General")
    assert await members(store, first.channel.id) == {ann.id, bob.id, eve.id}
    assert audience.told == [("gained", first.channel.id, sorted([bob.id, eve.id]))]


async def test_creating_at_the_same_moment_makes_one_channel(
    chat: Chat, store: MemoryStore, ann: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = store.channels.public_by_name
    both_looked = asyncio.Barrier(2)
    looks = 0

    async def look_together(name: str) -> Channel | None:
        nonlocal looks
        looks += 1
        found = await look(name)
        if looks <= 2:
            await both_looked.wait()
        return found

    monkeypatch.setattr(store.channels, "public_by_name", look_together)
    create = chat.channels.create
    one, two = await asyncio.gather(create(ann.id, "race"), create(bob.id, "race"))
    assert one.channel.id == two.channel.id
    assert await members(store, one.channel.id) == {ann.id, bob.id}


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "\u200b"])
async def test_names_that_do_not_fit(channels: ChannelService, ann: User, name: str) -> None:
    with pytest.raises(InvalidInput):
        await channels.create(ann.id, name)


async def test_participants_must_exist_and_be_few(channels: ChannelService, ann: User) -> None:
    for stranger in (NOBODY, "", "no such id", "\ud800"):
        with pytest.raises(NotFound, match="no such user"):
            await channels.create(ann.id, "x", participants=[stranger])
    with pytest.raises(InvalidInput, match="participants has 201 entries, at most 200 are expected"):
        await channels.create(ann.id, "x", participants=[NOBODY] * 201)


async def test_a_deleted_account_creates_nothing(channels: ChannelService) -> None:
    with pytest.raises(NotSignedIn):
        await channels.create(NOBODY, "x")


async def test_nothing_is_left_behind_by_a_full_disk(
    chat: Chat, store: MemoryStore, audience: RecordingAudience, ann: User
) -> None:
    store.fail(StoreFull("the disk is full"))
    with pytest.raises(StoreFull):
        await chat.channels.create(ann.id, "x")
    assert audience.told == []
    assert len(chat.access.directory) == 0


async def test_a_direct_channel_is_one_per_pair(
    channels: ChannelService, audience: RecordingAudience, ann: User, bob: User
) -> None:
    first = await channels.open_direct(ann.id, bob.id)
    assert (first.channel.kind, first.channel.name, first.channel.is_private) == ("direct", "", True)
    assert names(first.channel) == ["ann", "bob"]
    assert await channels.open_direct(ann.id, bob.id) == first
    assert await channels.open_direct(bob.id, ann.id) == first
    assert audience.told == [("gained", first.channel.id, sorted([ann.id, bob.id]))]


async def test_direct_channels_opened_at_the_same_moment_are_one(
    channels: ChannelService, store: MemoryStore, ann: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = store.channels.direct_between
    theirs: list[str] = []

    async def look_too_early(first_id: str, second_id: str) -> Channel | None:
        found = await look(first_id, second_id)
        if found is None and not theirs:
            theirs.append("")
            theirs[0] = (await channels.open_direct(bob.id, ann.id)).channel.id
        return found

    monkeypatch.setattr(store.channels, "direct_between", look_too_early)
    assert (await channels.open_direct(ann.id, bob.id)).channel.id == theirs[0]


async def test_nobody_talks_to_themselves_or_to_nobody(channels: ChannelService, ann: User) -> None:
    with pytest.raises(InvalidInput, match="userId is your own, somebody else's is expected"):
        await channels.open_direct(ann.id, ann.id)
    with pytest.raises(NotFound):
        await channels.open_direct(ann.id, NOBODY)


async def test_joining_twice_is_no_error_and_one_entry(
    channels: ChannelService, audience: RecordingAudience, ann: User, bob: User
) -> None:
    made = await channels.create(ann.id, "general")
    audience.told.clear()
    first = await channels.join(bob.id, made.channel.id)
    second = await channels.join(bob.id, made.channel.id)
    assert first == second
    assert (first.channel.member_count, first.position.offset) == (2, 2)
    assert audience.told[0] == ("gained", made.channel.id, [bob.id])


async def test_private_and_direct_channels_cannot_be_joined(
    channels: ChannelService, ann: User, bob: User, eve: User
) -> None:
    private = await channels.create(ann.id, "plans", is_private=True)
    direct = await channels.open_direct(ann.id, bob.id)
    for channel_id in (private.channel.id, direct.channel.id, NOBODY, "no such id"):
        with pytest.raises(NotFound, match=r"^no such channel$"):
            await channels.join(eve.id, channel_id)


async def test_adding_members(
    channels: ChannelService, store: MemoryStore, audience: RecordingAudience, ann: User, bob: User, eve: User
) -> None:
    made = await channels.create(ann.id, "plans", is_private=True, participants=[bob.id])
    audience.told.clear()
    channel = await channels.add_members(bob.id, made.channel.id, [eve.id, ann.id])
    assert channel.member_count == 3
    assert audience.told == [("gained", made.channel.id, [eve.id])]
    entries, _ = await store.log.read(made.channel.id, after=1, limit=10)
    assert [(entry.kind, entry.sender_id, entry.members) for entry in entries] == [
        ("joined", bob.id, (eve.id,))
    ]


async def test_who_may_add(channels: ChannelService, ann: User, bob: User, eve: User) -> None:
    public = (await channels.create(ann.id, "general")).channel.id
    private = (await channels.create(ann.id, "plans", is_private=True)).channel.id
    direct = (await channels.open_direct(ann.id, bob.id)).channel.id
    with pytest.raises(NotPermitted):
        await channels.add_members(eve.id, public, [bob.id])
    with pytest.raises(NotPermitted):
        await channels.add_members(eve.id, public, [bob.id, eve.id])
    with pytest.raises(NotFound):
        await channels.add_members(eve.id, private, [eve.id])
    with pytest.raises(NotPermitted):
        await channels.add_members(ann.id, direct, [eve.id])
    with pytest.raises(NotPermitted):
        await channels.add_members(eve.id, public, [eve.id])


async def test_whom_one_may_add(channels: ChannelService, ann: User) -> None:
    made = await channels.create(ann.id, "general")
    with pytest.raises(NotFound, match="no such user"):
        await channels.add_members(ann.id, made.channel.id, [NOBODY])
    with pytest.raises(InvalidInput, match="userIds is empty, at least 1 user id is expected"):
        await channels.add_members(ann.id, made.channel.id, [])
    with pytest.raises(InvalidInput, match="userIds has 201 entries, at most 200 are expected"):
        await channels.add_members(ann.id, made.channel.id, [NOBODY] * 201)


async def test_leaving(
    channels: ChannelService, store: MemoryStore, audience: RecordingAudience, ann: User, bob: User
) -> None:
    made = await channels.create(ann.id, "plans", is_private=True, participants=[bob.id])
    audience.told.clear()
    await channels.leave(bob.id, made.channel.id)
    assert audience.told == [("lost", made.channel.id, [bob.id])]
    assert await members(store, made.channel.id) == {ann.id}
    with pytest.raises(NotFound):
        await channels.leave(bob.id, made.channel.id)


async def test_what_cannot_be_left(channels: ChannelService, ann: User, bob: User) -> None:
    direct = await channels.open_direct(ann.id, bob.id)
    public = await channels.create(ann.id, "general")
    with pytest.raises(NotPermitted, match="a direct channel always has the same two people"):
        await channels.leave(ann.id, direct.channel.id)
    with pytest.raises(NotPermitted, match="only members"):
        await channels.leave(bob.id, public.channel.id)


async def test_fetching_a_channel(channels: ChannelService, ann: User, bob: User, eve: User) -> None:
    public = (await channels.create(ann.id, "general", participants=[bob.id])).channel.id
    private = (await channels.create(ann.id, "plans", is_private=True)).channel.id
    assert names(await channels.fetch(bob.id, public)) == ["ann", "bob"]
    assert (await channels.fetch(eve.id, public)).participants is UNSET
    assert names(await channels.fetch(ann.id, private)) == ["ann"]
    with pytest.raises(NotFound):
        await channels.fetch(eve.id, private)


async def test_paging_through_members(channels: ChannelService, ann: User, bob: User, eve: User) -> None:
    made = await channels.create(ann.id, "general", participants=[bob.id, eve.id])
    channel_id = made.channel.id
    everybody = sorted([ann.id, bob.id, eve.id])
    first = await channels.members(ann.id, channel_id, limit=2)
    assert ([person.id for person in first.members], first.has_more) == (everybody[:2], True)
    rest = await channels.members(ann.id, channel_id, limit=2, after=everybody[1])
    assert ([person.id for person in rest.members], rest.has_more) == (everybody[2:], False)
    for limit in (0, 201):
        with pytest.raises(InvalidInput):
            await channels.members(ann.id, channel_id, limit=limit)
    with pytest.raises(InvalidInput, match="after is not a user id"):
        await channels.members(ann.id, channel_id, after="\ud800")


async def test_searching_public_channels(channels: ChannelService, ann: User) -> None:
    for name in ("Random", "brand", "Other"):
        await channels.create(ann.id, name)
    await channels.create(ann.id, "ran away", is_private=True)
    assert [channel.name for channel in await channels.search(" ran ")] == ["Random", "brand"]
    assert len(await channels.search("", limit=2)) == 2
    with pytest.raises(InvalidInput, match="limit is 51, 1 to 50 is expected"):
        await channels.search("", limit=51)
