"""The promises of ``chat.ports.Search``, kept by every store."""

from __future__ import annotations

import pytest

from chirpbird.chat.entities import Entry, EntryKind
from chirpbird.chat.ports import Place, Store, Wanted
from chirpbird.chat.search_terms import index_terms
from tests.support.store_things import add_channel, change, message, moving


def place(entry: Entry) -> Place:
    return Place(entry.created_at, entry.channel_id, entry.seq)


async def found(store: Store, *channel_ids: str, limit: int = 10, **more: object) -> list[str]:
    wanted = Wanted(channel_ids=channel_ids, **more)  # type: ignore[arg-type]
    return [entry.text for entry in await store.search.find(wanted, before=None, limit=limit)]


async def test_an_entry_is_found_as_soon_as_it_is_in_its_log(store: Store) -> None:
    channel = await add_channel(store, "one", ["U-ann", "U-bob"])
    entry = await store.log.append(message(channel, "Birds of Java"))
    wanted = Wanted(channel_ids=(channel.id,), terms=("birds", "java"))
    assert await store.search.find(wanted, before=None, limit=1) == [entry]
    assert await found(store, channel.id, terms=("birds", "borneo")) == []
    assert await found(store, channel.id, terms=("bird",)) == []
    assert await found(store, channel.id, prefix="bird") == ["Birds of Java"]
    assert await found(store, channel.id, terms=("java",), prefix="borneo") == []


async def test_only_in_the_channels_named(store: Store) -> None:
    channels = [await add_channel(store, name, ["U-ann"]) for name in ("a", "b", "c")]
    for channel in channels:
        await store.log.append(message(channel, f"bird in {channel.name}"))
    ids = [channel.id for channel in channels]
    assert await found(store, ids[0], ids[2], terms=("bird",)) == ["bird in c", "bird in a"]
    assert await found(store, "C-nowhere", terms=("bird",)) == []


async def test_by_sender(store: Store) -> None:
    channel = await add_channel(store, "senders", ["U-ann", "U-bob"])
    await store.log.append(message(channel, "hers", sender="U-ann"))
    await store.log.append(message(channel, "his U-ann @U-ann", sender="U-bob"))
    assert await found(store, channel.id, sender_id="U-bob") == ["his U-ann @U-ann"]
    assert await found(store, channel.id, sender_id="U-ann") == ["hers"]
    assert await found(store, channel.id, sender_id="U-ann", terms=("his",)) == []


async def test_page_by_page_newest_first_over_channels(store: Store) -> None:
    channels = [await add_channel(store, name, ["U-ann"]) for name in ("a", "b")]
    entries = [
        await store.log.append(message(channels[number % 2], f"bird {number}")) for number in range(20)
    ]
    everything = sorted(entries, key=place, reverse=True)
    wanted = Wanted(channel_ids=tuple(channel.id for channel in channels), terms=("bird",))
    pages: list[Entry] = []
    before = None
    while page := await store.search.find(wanted, before=before, limit=7):
        pages += page
        before = place(page[-1])
    assert pages == everything


async def test_from_and_until(store: Store) -> None:
    channel = await add_channel(store, "days", ["U-ann"])
    entries = [await store.log.append(message(channel, f"bird {number}")) for number in range(3)]
    at = entries[1].created_at
    after = await found(store, channel.id, terms=("bird",), after=at)
    assert [entry.text for entry in reversed(entries) if entry.created_at >= at] == after
    before = await found(store, channel.id, terms=("bird",), before=at)
    assert [entry.text for entry in reversed(entries) if entry.created_at < at] == before


async def test_only_what_was_said(store: Store) -> None:
    channel = await add_channel(store, "notes", ["U-ann"])
    await store.log.append(moving(channel, EntryKind.JOINED, "U-bob", sender="U-ann"))
    assert await found(store, channel.id, sender_id="U-ann") == []


@pytest.mark.parametrize(
    "text", ["東京都", "½ ⑴ ﬁ", 'AND OR NOT NEAR("x") * ^ : -', "x" * 60, "Ünïcödé", "한국어 ไทย"]
)
async def test_every_term_of_a_text_finds_it(store: Store, text: str) -> None:
    channel = await add_channel(store, "terms", ["U-ann"])
    await store.log.append(message(channel, text))
    for term in index_terms(text):
        assert await found(store, channel.id, terms=(term,)) == [text]
        assert await found(store, channel.id, prefix=term) == [text]
    assert await found(store, channel.id, terms=tuple(index_terms(text))) == [text]


async def test_an_edited_message_is_found_by_what_it_says_now(store: Store) -> None:
    channel = await add_channel(store, "edits", ["U-ann"])
    said = await store.log.append(message(channel, "birds of Java"))
    other = await store.log.append(message(channel, "birds of Borneo"))
    await store.log.append(change(channel, EntryKind.EDITED, said.seq, "parrots of Java"))
    await store.log.append(change(channel, EntryKind.EDITED, said.seq, "owls of Java"))
    for term, seqs in {"birds": [other.seq], "parrots": [], "owls": [said.seq], "java": [said.seq]}.items():
        wanted = Wanted(channel_ids=(channel.id,), terms=(term,), sender_id="U-ann")
        assert [one.seq for one in await store.search.find(wanted, before=None, limit=9)] == seqs


async def test_a_deleted_message_is_not_found(store: Store) -> None:
    channel = await add_channel(store, "deletions", ["U-ann"])
    said = await store.log.append(message(channel, "birds of Java"))
    edited = await store.log.append(message(channel, "birds of Bali"))
    await store.log.append(change(channel, EntryKind.EDITED, edited.seq, "owls of Bali"))
    for one in (said, edited):
        await store.log.append(change(channel, EntryKind.DELETED, one.seq))
    for terms in (("birds",), ("owls",), ("java",), ("bali",), ()):
        wanted = Wanted(channel_ids=(channel.id,), terms=terms, sender_id="U-ann")
        assert await store.search.find(wanted, before=None, limit=9) == []
