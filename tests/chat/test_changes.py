from __future__ import annotations

import asyncio

import pytest
from msgspec import UNSET

from chirpbird.chat.entities import User
from chirpbird.chat.errors import InvalidInput, NotFound, NotPermitted, TooMany
from chirpbird.chat.service import Chat
from chirpbird.chat.views import MessagesView
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
    """Seq 2 is what ann said."""
    made = await chat.channels.create(ann.id, "general", participants=[bob.id])
    await chat.messages.send(ann.id, made.channel.id, "hi")
    return made.channel.id


async def test_an_edit_is_marked_and_its_history_kept(chat: Chat, ann: User, channel_id: str) -> None:
    view = await chat.changes.edit(ann.id, channel_id, 2, "hi @bob")
    assert (view.seq, view.type, view.data, view.edited_at) == (
        2,
        "message",
        "hi @bob",
        "2023-11-14T22:13:20.003Z",
    )
    assert view.mentions is not UNSET
    versions = await chat.changes.versions(ann.id, channel_id, 2)
    assert [version.data for version in versions] == ["hi", "hi @bob"]


async def test_what_was_deleted_is_gone(chat: Chat, ann: User, bob: User, channel_id: str) -> None:
    await chat.changes.edit(ann.id, channel_id, 2, "hey")
    await chat.changes.react(bob.id, channel_id, 2, "👋")
    for _ in range(2):
        view = await chat.changes.delete(ann.id, channel_id, 2)
        assert (view.data, view.deleted, view.reactions, view.edited_at) == ("", True, UNSET, UNSET)
    assert await chat.changes.versions(ann.id, channel_id, 2) == []
    assert (await chat.changes.react(bob.id, channel_id, 2, "👋")).deleted is True
    with pytest.raises(NotFound):
        await chat.changes.edit(ann.id, channel_id, 2, "back")
    raw, _ = await chat.store.log.read(channel_id, after=0, limit=10)
    assert [(view.type, view.data, view.deleted) for view in await chat.renderer.views(raw[1:3])] == [
        ("message", "", True),
        ("edited", "", True),
    ]


async def test_reactions_are_counted_and_named(chat: Chat, ann: User, bob: User, channel_id: str) -> None:
    for person, emoji in ((ann, "👋"), (bob, "🐦"), (bob, "👋"), (bob, "👋")):
        await chat.changes.react(person.id, channel_id, 2, emoji)
    view = await chat.changes.react(ann.id, channel_id, 2, "🐦", back=True)
    assert view.reactions is not UNSET
    assert [(one.emoji, one.count, one.mine) for one in view.reactions] == [("👋", 2, True), ("🐦", 1, False)]
    assert [user.username for user in view.reactions[0].users] == ["ann", "bob"]


@pytest.mark.parametrize(
    "emoji", ["", "a", ":)", "7", " ", "👋 ", "x👋", "\u200d", "👋" * 17, "é", "日", "<b>", "👋\u202e"]
)
async def test_what_is_no_emoji(chat: Chat, ann: User, channel_id: str, emoji: str) -> None:
    with pytest.raises(InvalidInput):
        await chat.changes.react(ann.id, channel_id, 2, emoji)


@pytest.mark.parametrize("emoji", ["👋🏽", "❤️", "👨‍👩‍👧‍👦", "🇮🇩", "1️⃣", "‼️", "☑", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "™️", "↔️"])
async def test_what_is_an_emoji(chat: Chat, ann: User, channel_id: str, emoji: str) -> None:
    view = await chat.changes.react(ann.id, channel_id, 2, emoji)
    assert view.reactions is not UNSET
    assert view.reactions[0].emoji == emoji


async def test_pins_are_listed(chat: Chat, ann: User, channel_id: str) -> None:
    for _ in range(2):
        seq = (await chat.messages.send(ann.id, channel_id, "more")).seq
        await chat.changes.pin(ann.id, channel_id, seq)
    await chat.changes.pin(ann.id, channel_id, 2)
    await chat.changes.pin(ann.id, channel_id, 2, back=True)
    assert [view.seq for view in await chat.changes.pins(ann.id, channel_id)] == [5, 3]


@pytest.mark.parametrize("seq", [1, 99, 0, 2**60])
async def test_what_is_no_message(chat: Chat, ann: User, channel_id: str, seq: int) -> None:
    with pytest.raises((NotFound, InvalidInput)):
        await chat.changes.delete(ann.id, channel_id, seq)


async def test_edits_from_two_devices_race_and_one_is_last(chat: Chat, ann: User, channel_id: str) -> None:
    await asyncio.gather(*(chat.changes.edit(ann.id, channel_id, 2, f"device {n}") for n in range(5)))
    versions = await chat.changes.versions(ann.id, channel_id, 2)
    [view] = (await chat.messages.page(ann.id, channel_id, after=1)).messages
    assert len(versions) == 6
    assert view.data == versions[-1].data


async def test_changing_too_often_is_refused(chat: Chat, ann: User, channel_id: str) -> None:
    for number in range(20):
        await chat.changes.edit(ann.id, channel_id, 2, str(number))
    with pytest.raises(TooMany):
        await chat.changes.edit(ann.id, channel_id, 2, "once more")
    await chat.messages.send(ann.id, channel_id, "sending goes on")


async def test_answers_quote_what_is_there_now(chat: Chat, ann: User, bob: User, channel_id: str) -> None:
    await chat.changes.edit(ann.id, channel_id, 2, "x" * 300)
    answer = await chat.messages.send_checked(bob.id, channel_id, "yes", reply_to=2)
    assert answer.reply_to is not UNSET
    assert (answer.reply_to.seq, answer.reply_to.sender.username, answer.reply_to.data) == (
        2,
        "ann",
        "x" * 200,
    )
    await chat.changes.delete(ann.id, channel_id, 2)
    [view] = (await chat.messages.page(ann.id, channel_id, after=3)).messages
    assert view.reply_to is not UNSET
    assert (view.reply_to.data, view.reply_to.deleted) == ("", True)
    for nothing in (1, 3, 99):
        with pytest.raises(NotFound):
            await chat.messages.send(bob.id, channel_id, "?", reply_to=nothing)


def seqs(page: MessagesView) -> tuple[list[int], bool, bool, bool]:
    return [entry.seq for entry in page.messages], page.has_more, page.has_before, page.has_after


async def test_pages_have_rows_however_many_changes_there_are(
    chat: Chat, store: MemoryStore, ann: User, bob: User, channel_id: str, clock: FakeClock
) -> None:
    for number in range(15):
        await chat.changes.react(bob.id, channel_id, 2, chr(0x1F600 + number))
    for text in ("18", "19"):
        await chat.messages.send(ann.id, channel_id, text)
    await chat.changes.pin(ann.id, channel_id, 19)
    page = chat.messages.page
    assert seqs(await page(ann.id, channel_id, limit=3)) == ([2, 18, 19], True, True, False)
    assert seqs(await page(ann.id, channel_id, after=2, limit=2)) == ([18, 19], False, True, False)
    assert seqs(await page(ann.id, channel_id, before=18, limit=1)) == ([2], True, True, True)
    assert seqs(await page(ann.id, channel_id, around=18, limit=2)) == ([2, 18], True, True, True)
    assert seqs(await page(ann.id, channel_id, around=10, limit=2)) == ([2, 18], True, True, True)
    assert seqs(await page(ann.id, channel_id, around=99, limit=2)) == ([18, 19], False, True, False)
    assert seqs(await page(ann.id, channel_id, around=0, limit=2)) == ([1, 2], True, False, True)
    assert seqs(await page(ann.id, channel_id, around=19, limit=1)) == ([19], False, True, False)
    [moment] = [entry.created_at for entry in (await page(ann.id, channel_id, around=18, limit=1)).messages]
    assert seqs(await page(ann.id, channel_id, at=moment, limit=1)) == ([18], True, True, True)
    assert seqs(await page(ann.id, channel_id, at="1999-01-01T00:00:00+07:00", limit=1)) == (
        [1],
        True,
        False,
        True,
    )
    assert seqs(await page(ann.id, channel_id, at="2999-01-01T00:00:00Z", limit=1)) == (
        [19],
        False,
        True,
        False,
    )
    for wrong in ("yesterday", "2026-01-01T00:00:00", "", "9999-12-31T23:59:59-23:59"):
        with pytest.raises(InvalidInput):
            await page(ann.id, channel_id, at=wrong)


async def test_admins_remove_members_and_only_the_owner_removes_admins(
    chat: Chat, ann: User, bob: User, channel_id: str, register: Register, audience: RecordingAudience
) -> None:
    cid, dan = await register("cid"), await register("dan")
    await chat.channels.add_members(ann.id, channel_id, [cid.id, dan.id])
    for admin in (bob, cid):
        assert (await chat.channels.set_role(ann.id, channel_id, admin.id, "admin")).role == "admin"
    with pytest.raises(NotPermitted):
        await chat.channels.remove(bob.id, channel_id, cid.id)
    with pytest.raises(NotPermitted):
        await chat.channels.remove(bob.id, channel_id, ann.id)
    with pytest.raises(InvalidInput):
        await chat.channels.remove(bob.id, channel_id, bob.id)
    await chat.channels.remove(bob.id, channel_id, dan.id)
    assert audience.told[-1] == ("lost", channel_id, [dan.id])
    await chat.channels.remove(bob.id, channel_id, dan.id)
    await chat.channels.remove(ann.id, channel_id, cid.id)
    left = (await chat.messages.page(ann.id, channel_id, limit=2)).messages
    assert [(entry.type, entry.sender.username) for entry in left] == [("left", "bob"), ("left", "ann")]
    with pytest.raises(NotPermitted):
        await chat.messages.send_checked(dan.id, channel_id, "still here?")


async def test_handing_over_and_leaving(chat: Chat, ann: User, bob: User, channel_id: str) -> None:
    await chat.channels.set_role(ann.id, channel_id, bob.id, "owner")
    roles = {one.username: one.role for one in (await chat.channels.members(ann.id, channel_id)).members}
    assert roles == {"ann": "admin", "bob": "owner"}
    with pytest.raises(NotPermitted):
        await chat.channels.set_role(ann.id, channel_id, bob.id, "member")
    with pytest.raises(InvalidInput):
        await chat.channels.set_role(bob.id, channel_id, ann.id, "king")
    await chat.channels.leave(bob.id, channel_id)
    [member] = (await chat.channels.members(ann.id, channel_id)).members
    assert (member.username, member.role) == ("ann", "owner")
    types = [entry.type for entry in (await chat.messages.page(ann.id, channel_id, limit=2)).messages]
    assert types == ["role", "left"]


async def test_names_and_topics_change_for_later_entries_too(chat: Chat, ann: User, channel_id: str) -> None:
    changed = await chat.channels.update(ann.id, channel_id, name="birds", topic=" all of them ")
    assert (changed.name, changed.topic) == ("birds", "all of them")
    sent = await chat.messages.send_checked(ann.id, channel_id, "hi")
    assert sent.channel.name == "birds"
    with pytest.raises(InvalidInput):
        await chat.channels.update(ann.id, channel_id)
    with pytest.raises(InvalidInput):
        await chat.channels.update(ann.id, channel_id, topic="x" * 251)
