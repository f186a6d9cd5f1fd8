"""The promises of ``chat.ports.Log``, kept by every store."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from chirpbird.chat.entities import Channel, Entry, EntryKind, Position
from chirpbird.chat.errors import NotFound
from chirpbird.chat.ports import Store
from tests.support.store_things import add_channel, message, moving


async def test_a_log_begins_with_its_creation_and_counts_without_holes(store: Store) -> None:
    channel = await add_channel(store, "one", ["U-ann", "U-bob"])
    appended = [await store.log.append(message(channel, text)) for text in ("a", "b", "c")]
    assert [entry.seq for entry in appended] == [2, 3, 4]
    assert [entry.message_number for entry in appended] == [1, 2, 3]
    entries, top = await store.log.read(channel.id, after=0, limit=10)
    assert top == Position(4, channel.epoch)
    assert entries[1:] == appended
    assert (entries[0].kind, entries[0].seq, entries[0].members) == (EntryKind.CREATED, 1, ("U-ann", "U-bob"))


async def test_appends_at_once_get_their_seq_in_call_order(store: Store) -> None:
    channels = [await add_channel(store, name, ["U-ann"]) for name in "xyz"]
    drafts = [message(channels[number % 3], str(number)) for number in range(300)]
    entries = await asyncio.gather(*(store.log.append(draft) for draft in drafts))
    for channel in channels:
        own = [entry for entry in entries if entry.channel_id == channel.id]
        assert [entry.seq for entry in own] == list(range(2, 102))
        assert (await store.log.read(channel.id, after=1, limit=1000))[0] == own


async def test_the_same_key_again_gives_the_first_entry_and_appends_nothing(store: Store) -> None:
    channel = await add_channel(store, "keys", ["U-ann", "U-bob"])
    heard: list[Entry] = []
    store.log.add_commit_listener(heard.extend)
    at_once = await asyncio.gather(
        *(store.log.append(message(channel, f"try {n}", key="k")) for n in range(5))
    )
    later = await store.log.append(message(channel, "much later", key="k"))
    other_sender = await store.log.append(message(channel, "mine", sender="U-bob", key="k"))
    assert {entry.seq for entry in [*at_once, later]} == {2}
    assert later.text == "try 0"
    assert other_sender.seq == 3
    assert [entry.seq for entry in heard] == [2, 3]


async def test_listeners_hear_each_entry_once_in_log_order_before_the_sender_does(store: Store) -> None:
    channel = await add_channel(store, "heard", ["U-ann"])
    heard: list[int] = []
    store.log.add_commit_listener(lambda entries: heard.extend(entry.seq for entry in entries))

    async def send(number: int) -> None:
        entry = await store.log.append(message(channel, str(number)))
        assert entry.seq in heard

    await asyncio.gather(*(send(number) for number in range(50)))
    assert heard == list(range(2, 52))


async def test_coming_and_going_changes_the_members_in_the_same_step(store: Store) -> None:
    channel = await add_channel(store, "members", ["U-ann"])
    joined = await store.log.append(moving(channel, EntryKind.JOINED, "U-bob", "U-ann", "U-cid", "U-bob"))
    assert joined.members == ("U-bob", "U-cid")
    assert await store.channels.members(channel.id, limit=10) == ["U-ann", "U-bob", "U-cid"]
    again = await store.log.append(moving(channel, EntryKind.JOINED, "U-bob"))
    assert again == joined, "nobody new: nothing is appended, the top entry is the answer"
    left = await store.log.append(moving(channel, EntryKind.LEFT, "U-bob", "U-zoe"))
    assert (left.seq, left.members) == (3, ("U-bob",))
    assert not await store.channels.is_member(channel.id, "U-bob")
    changed = await store.channels.by_id(channel.id)
    assert changed is not None
    assert changed.member_count == 2


async def test_the_tops_of_many_are_told_at_once(store: Store) -> None:
    channels = [await add_channel(store, f"top {number}", ["U-ann"]) for number in range(230)]
    for channel in channels[::2]:
        await store.log.append(message(channel, "hello"))
    asked = [channel.id for channel in channels]
    tops = await store.log.tops([*asked, "C-none"])
    assert tops == {
        channel.id: Position(1 + (number % 2 == 0), channel.epoch) for number, channel in enumerate(channels)
    }
    assert await store.log.tops(["C-none"]) == await store.log.tops([]) == {}


async def test_pages_go_forward_and_back(store: Store) -> None:
    channel = await add_channel(store, "pages", ["U-ann"])
    for number in range(2, 12):
        await store.log.append(message(channel, str(number)))
    log = store.log

    async def forward(after: int, limit: int) -> list[int]:
        return [entry.seq for entry in (await log.read(channel.id, after=after, limit=limit))[0]]

    async def back(before: int, limit: int) -> list[int]:
        return [entry.seq for entry in (await log.read_before(channel.id, before=before, limit=limit))[0]]

    assert await forward(0, 3) == [1, 2, 3]
    assert await forward(9, 5) == [10, 11]
    assert await forward(11, 5) == []
    assert await back(2**53 - 1, 3) == [9, 10, 11]
    assert await back(4, 10) == [1, 2, 3]
    assert await back(1, 10) == []
    assert await log.top(channel.id) == Position(11, channel.epoch)


async def test_any_text_comes_back_as_it_was(store: Store) -> None:
    channel = await add_channel(store, "text", ["U-ann"])
    texts = ["🐦‍⬛ наука 日本語 עברית", "quotes \" ' and \\ and \n lines", "\u0000", "x" * 8000]
    for text in texts:
        await store.log.append(message(channel, text))
    entries, _ = await store.log.read(channel.id, after=1, limit=10)
    assert [entry.text for entry in entries] == texts


async def test_what_is_read_can_be_sent_to_clients(store: Store) -> None:
    channel = await add_channel(store, "sent", ["U-ann"])
    said = await store.log.append(message(channel, "hello"))
    entries, top = await store.log.read(channel.id, after=1, limit=10)
    [(state, position, last)] = await store.channels.of_user("U-ann")
    assert msgspec.json.decode(msgspec.json.encode(entries), type=list[Entry]) == [said]
    assert msgspec.json.decode(msgspec.json.encode((top, position)), type=tuple[Position, Position])
    assert msgspec.json.decode(msgspec.json.encode((state, last)), type=tuple[Channel, Entry]) == (
        state,
        said,
    )


async def test_a_channel_that_is_not_there_is_not_found(store: Store) -> None:
    channel = await add_channel(store, "here", ["U-ann"])
    missing = message(channel, "?")
    with pytest.raises(NotFound):
        await store.log.append(type(missing)(channel_id="C-none", kind=missing.kind, sender_id="U-ann"))
    with pytest.raises(NotFound):
        await store.log.read("C-none", after=0, limit=1)
    with pytest.raises(NotFound):
        await store.log.read_before("C-none", before=1, limit=1)
    with pytest.raises(NotFound):
        await store.log.top("C-none")
