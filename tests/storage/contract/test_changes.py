"""The promises of ``chat.ports`` about changes of messages, roles and read positions, kept by every store."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from chirpbird.chat.entities import (
    EVERYBODY,
    Channel,
    ChannelKind,
    Draft,
    Entry,
    EntryKind,
    Mute,
    ReadMark,
    Role,
    Unread,
)
from chirpbird.chat.errors import AlreadyExists, InvalidInput, NotFound
from chirpbird.chat.folding import MAX_EMOJIS, fold
from chirpbird.chat.ports import Store
from tests.support.store_things import add_channel, add_user, change, message, moving

K = EntryKind


async def _group(store: Store, *members: str) -> Channel:
    return await add_channel(store, "group", ["U-ann", *members])


async def _texts(store: Store, channel: Channel) -> list[str]:
    return [entry.text for entry in (await store.log.read(channel.id, after=1, limit=100))[0]]


async def test_changes_are_entries_and_are_found_by_their_message(store: Store) -> None:
    channel = await _group(store)
    other = await add_channel(store, "other", ["U-ann"])
    for place in (channel, other):
        await store.log.append(message(place, "one"))
        await store.log.append(message(place, "two"))
    heard: list[Entry] = []
    store.log.add_commit_listener(heard.extend)
    made = [
        await store.log.append(draft)
        for draft in (
            change(channel, K.REACTED, 2, "👋"),
            change(channel, K.EDITED, 3, "zwei"),
            change(channel, K.PINNED, 2),
            change(other, K.REACTED, 2, "🐦"),
        )
    ]
    assert heard == made
    assert [(entry.seq, entry.target, entry.text, entry.message_number) for entry in made[:3]] == [
        (4, 2, "👋", 2),
        (5, 3, "zwei", 2),
        (6, 2, "", 2),
    ]
    found = await store.log.changes([(channel.id, 2), (channel.id, 3), (other.id, 2), (other.id, 3)])
    assert found == {
        (channel.id, 2): [made[0], made[2]],
        (channel.id, 3): [made[1]],
        (other.id, 2): [made[3]],
    }
    said = await store.log.messages([(channel.id, 2), (channel.id, 4), (channel.id, 99), ("C-none", 2)])
    assert [entry.text for entry in said.values()] == ["one"]
    assert await store.log.ever_pinned(channel.id, limit=10) == [2]
    assert await store.log.changes([]) == {}
    assert await store.log.messages([]) == {}


async def test_what_would_change_nothing_is_not_appended(store: Store) -> None:
    channel = await _group(store, "U-bob")
    await store.log.append(message(channel, "hi"))
    for draft in (
        change(channel, K.REACTED, 2, "👋"),
        change(channel, K.PINNED, 2),
        change(channel, K.EDITED, 2, "hey"),
    ):
        first = await store.log.append(draft)
        assert await store.log.append(draft) == first, "nothing new: the top entry is the answer"
    for draft in (change(channel, K.UNREACTED, 2, "🐦"), change(channel, K.UNREACTED, 2, "👋", "U-bob")):
        assert (await store.log.append(draft)).seq == 5
    toggled = [change(channel, kind, 2, "🐦") for _ in range(3) for kind in (K.REACTED, K.UNREACTED)]
    entries = await asyncio.gather(*map(store.log.append, toggled))
    assert [entry.kind for entry in entries] == [draft.kind for draft in toggled]
    assert (await store.log.top(channel.id)).seq == 11


@pytest.mark.parametrize("target", [0, 1, 3, 99])
@pytest.mark.parametrize("kind", [K.REACTED, K.EDITED, K.DELETED, K.PINNED])
async def test_only_messages_are_changed(store: Store, kind: EntryKind, target: int) -> None:
    channel = await _group(store)
    await store.log.append(message(channel, "hi"))
    await store.log.append(change(channel, K.PINNED, 2))
    with pytest.raises(NotFound):
        await store.log.append(change(channel, kind, target, "👋"))
    assert (await store.log.top(channel.id)).seq == 3


async def test_limits_are_kept_and_harm_nobody_else(store: Store) -> None:
    channel = await _group(store)
    await store.log.append(message(channel, "hi"))
    for number in range(MAX_EMOJIS):
        await store.log.append(change(channel, K.REACTED, 2, chr(0x1F600 + number)))
    outcomes = await asyncio.gather(
        store.log.append(message(channel, "before")),
        store.log.append(change(channel, K.REACTED, 2, "👋")),
        store.log.append(message(channel, "after")),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [Entry, InvalidInput, Entry]


async def test_a_deletion_takes_all_versions_along(store: Store) -> None:
    channel = await _group(store)
    draft = Draft(
        channel_id=channel.id,
        kind=K.MESSAGE,
        sender_id="U-ann",
        text="secret",
        key="k",
        mentions=("U-bob", EVERYBODY),
    )
    said = await store.log.append(draft)
    await store.log.append(change(channel, K.EDITED, 2, "secret too"))
    await store.log.append(message(channel, "stays"))
    deleted = await store.log.append(change(channel, K.DELETED, 2))
    assert await _texts(store, channel) == ["", "", "stays", ""]
    again = await store.log.append(draft)
    assert (again.seq, again.text, again.mentions, again.is_emptied) == (2, "", (), True), "its key is used"
    for kind in (K.DELETED, K.EDITED, K.REACTED, K.PINNED):
        assert await store.log.append(change(channel, kind, 2, "👋")) == deleted
    changes = (await store.log.changes([(channel.id, 2)]))[channel.id, 2]
    assert fold(said, changes).deleted


async def test_edits_and_deletions_that_race_leave_nothing_behind(store: Store) -> None:
    channel = await _group(store)
    for number in range(5):
        target = (await store.log.append(message(channel, "secret"))).seq
        drafts = [change(channel, K.EDITED, target, f"secret {number} {one}") for one in range(4)]
        drafts.insert(2, change(channel, K.DELETED, target))
        await asyncio.gather(*map(store.log.append, drafts))
    assert not any("secret" in text for text in await _texts(store, channel))


async def test_rows_leave_changes_out(store: Store) -> None:
    channel = await _group(store)
    await store.log.append(message(channel, "one"))
    for number in range(10):
        await store.log.append(change(channel, K.REACTED, 2, chr(0x1F600 + number)))
    await store.log.append(message(channel, "two"))
    await store.log.append(change(channel, K.PINNED, 13))
    log = store.log

    async def seqs(rows: object) -> tuple[list[int], int]:
        entries, top = await rows  # type: ignore[misc]
        return [entry.seq for entry in entries], top.seq

    assert await seqs(log.rows(channel.id, after=0, limit=10)) == ([1, 2, 13], 14)
    assert await seqs(log.rows(channel.id, after=2, limit=1)) == ([13], 14)
    assert await seqs(log.rows(channel.id, after=13, limit=5)) == ([], 14)
    assert await seqs(log.rows_before(channel.id, before=2**53 - 1, limit=2)) == ([2, 13], 14)
    assert await seqs(log.rows_before(channel.id, before=13, limit=1)) == ([2], 14)
    with pytest.raises(NotFound):
        await log.rows("C-none", after=0, limit=1)


async def _roles(store: Store, channel: Channel) -> dict[str, Role]:
    ids = ["U-ann", "U-bob", "U-cid", "U-dan"]
    return {user: one.role for user, one in (await store.channels.memberships(channel.id, ids)).items()}


async def test_a_group_has_one_owner(store: Store) -> None:
    channel = await _group(store, "U-bob", "U-cid")

    def give(role: Role, *members: str) -> Draft:
        return Draft(channel_id=channel.id, kind=K.ROLE, sender_id="U-ann", members=members, text=role)

    member, admin, owner = Role.MEMBER, Role.ADMIN, Role.OWNER
    assert await _roles(store, channel) == {"U-ann": owner, "U-bob": member, "U-cid": member}
    given = await store.log.append(give(admin, "U-cid", "U-cid", "U-zoe"))
    assert (given.members, given.text) == (("U-cid",), "admin")
    assert await store.log.append(give(admin, "U-cid")) == given
    assert await store.channels.successor(channel.id, "U-ann") == "U-cid"
    await store.log.append(give(owner, "U-bob"))
    assert await _roles(store, channel) == {"U-ann": admin, "U-bob": owner, "U-cid": admin}
    for leaver in ("U-ann", "U-bob", "U-cid"):
        await store.log.append(moving(channel, K.LEFT, leaver))
    assert await store.channels.successor(channel.id, "U-ann") is None
    await store.log.append(moving(channel, K.JOINED, "U-dan", "U-ann"))
    assert await _roles(store, channel) == {"U-dan": owner, "U-ann": member}
    pair = await add_channel(store, "pair", ["U-ann", "U-bob"], ChannelKind.DIRECT)
    assert await _roles(store, pair) == {"U-ann": member, "U-bob": member}


async def test_who_is_in_it_longest_succeeds(store: Store) -> None:
    channel = await _group(store, "U-zoe")
    await store.log.append(moving(channel, K.JOINED, "U-bob"))
    assert await store.channels.successor(channel.id, "U-ann") == "U-zoe"


async def test_names_and_topics(store: Store) -> None:
    channel = await add_channel(store, "birds", ["U-ann"], ChannelKind.PUBLIC)
    await add_channel(store, "Taken", ["U-ann"], ChannelKind.PUBLIC)

    def named(name: str) -> Draft:
        return Draft(channel_id=channel.id, kind=K.RENAMED, sender_id="U-ann", text=name)

    def about(topic: str) -> Draft:
        return Draft(channel_id=channel.id, kind=K.TOPIC, sender_id="U-ann", text=topic)

    with pytest.raises(AlreadyExists):
        await store.log.append(named("tAKEN"))
    assert (await store.log.append(named("birds"))).kind is K.CREATED, "nothing new"
    assert [
        (await store.log.append(draft)).seq for draft in (named("Birds"), about("all"), about("all"))
    ] == [2, 3, 3]
    changed = await store.channels.public_by_name("BIRDS")
    assert changed is not None
    assert (changed.name, changed.topic) == ("Birds", "all")
    await store.log.append(named("Beasts"))
    assert await store.channels.public_by_name("birds") is None
    private = await add_channel(store, "private", ["U-ann"])
    await store.log.append(Draft(channel_id=private.id, kind=K.RENAMED, sender_id="U-ann", text="Taken"))


def mark(channel: Channel, seq: int, user: str = "U-bob", *, back: bool = False) -> ReadMark:
    return ReadMark(channel_id=channel.id, user_id=user, seq=seq, back=back)


async def test_positions_go_forward_and_back_only_if_told(store: Store) -> None:
    channel = await _group(store, "U-bob")
    for _ in range(3):
        await store.log.append(message(channel, "hi"))
    await store.log.append(moving(channel, K.JOINED, "U-cid"))
    assert await store.reading.positions(channel.id) == {"U-ann": 1, "U-bob": 1, "U-cid": 5}
    await store.reading.mark([mark(channel, 4), mark(channel, 3, "U-zoe")])
    await store.reading.mark([mark(channel, 2)])
    assert (await store.reading.positions(channel.id))["U-bob"] == 4
    await store.reading.mark([mark(channel, 2, back=True)])
    found = await store.reading.of_user("U-bob")
    assert [(one.read_seq, one.since, one.role) for one in found.values()] == [(2, 1, Role.MEMBER)]
    await store.reading.mark([])


async def test_unread_messages_and_mentions_are_counted(store: Store) -> None:
    channel = await _group(store, "U-bob")
    quiet = await add_channel(store, "quiet", ["U-bob"])
    for mentions in ((), ("U-bob",), (EVERYBODY,), ("U-bob", EVERYBODY), ("U-cid",)):
        await store.log.append(
            Draft(channel_id=channel.id, kind=K.MESSAGE, sender_id="U-ann", text="hi", mentions=mentions)
        )
    await store.log.append(change(channel, K.REACTED, 2, "👋"))
    # An edit is no new message: whom it mentions now is not told again.
    edited = change(channel, K.EDITED, 2, "@bob")
    await store.log.append(replace(edited, mentions=("U-bob",)))

    async def unread(*seqs: int) -> list[Unread]:
        return await store.reading.unread([mark(channel, seq) for seq in seqs])

    assert await unread(0, 1, 2, 4, 6, 7, 99) == [
        *(Unread(5, 3), Unread(5, 3), Unread(4, 3), Unread(2, 1)),
        *(Unread(0, 0), Unread(0, 0), Unread(0, 0)),
    ]
    await store.log.append(change(channel, K.DELETED, 5))
    await store.log.append(change(channel, K.DELETED, 2))
    assert await unread(0, 2, 4, 5) == [Unread(3, 2), Unread(3, 2), Unread(1, 0), Unread(1, 0)]
    missing = ReadMark(channel_id="C-none", user_id="U-bob", seq=1)
    assert await store.reading.unread([missing, mark(quiet, 1)]) == [Unread(0, 0), Unread(0, 0)]
    assert await store.reading.unread([]) == []


async def test_what_is_muted_is_kept(store: Store) -> None:
    channel = await _group(store)
    await store.reading.set_mute(channel.id, "U-ann", Mute.MENTIONS, 77)
    [membership] = (await store.reading.of_user("U-ann")).values()
    assert (membership.mute, membership.muted_until) == (Mute.MENTIONS, 77)
    with pytest.raises(NotFound):
        await store.reading.set_mute(channel.id, "U-zoe", Mute.ALL, 0)


async def test_people_by_name_and_when_they_were_seen(store: Store) -> None:
    await add_user(store, "Ann")
    await add_user(store, "bob")
    assert {user.id for user in await store.users.by_usernames(["ANN", "bob", "ann", "zoe"])} == {
        "U-Ann",
        "U-bob",
    }
    await store.users.seen({"U-Ann": 7, "U-none": 8})
    await store.users.seen({"U-Ann": 5})
    await store.users.seen({})
    found = await store.users.by_ids(["U-Ann", "U-bob"])
    assert (found["U-Ann"].last_seen, found["U-bob"].last_seen) == (7, 0)
