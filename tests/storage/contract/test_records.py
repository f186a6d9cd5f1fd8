"""The promises of ``chat.ports`` about users, channels and sign-ins, kept by every store."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from chirpbird.chat.entities import ChannelKind, EntryKind, RefreshToken
from chirpbird.chat.errors import AlreadyExists, NotFound
from chirpbird.chat.ports import Store
from tests.support.store_things import add_channel, add_user, message, moving


async def test_usernames_are_unique_and_found_without_regard_to_case(store: Store) -> None:
    ann = await add_user(store, "Ann")
    with pytest.raises(AlreadyExists):
        await store.users.add(replace(ann, id="U-2", username="aNN"))
    assert await store.users.by_username("ANN") == ann
    assert await store.users.by_username("an") is None
    assert await store.users.by_ids(["U-Ann", "U-none", "U-Ann"]) == {"U-Ann": ann}


async def test_of_many_who_register_one_name_at_once_one_gets_it(store: Store) -> None:
    ann = await add_user(store, "first")
    same = [replace(ann, id=f"U-{n}", username="wanted") for n in range(10)]
    outcomes = await asyncio.gather(*(store.users.add(user) for user in same), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyExists"] * 9 + ["NoneType"]


async def test_people_are_found_by_the_beginning_of_a_name(store: Store) -> None:
    for username, name in [("ann", "Ann Bonny"), ("annette", "Zoe"), ("bob", "Joanna Ann"), ("cid", "Eve")]:
        await add_user(store, username, name)

    async def found(text: str, limit: int = 10) -> list[str]:
        return [user.username for user in await store.users.search(text, limit=limit)]

    assert await found("ANN") == ["ann", "bob", "annette"] or await found("ANN") == ["ann", "annette", "bob"]
    assert await found("bonn") == ["ann"]
    assert await found("ann b") == ["ann"]
    assert await found("oanna") == []
    assert await found("", limit=2) == ["ann", "annette"]
    assert await found("%") == []


async def test_a_password_is_changed(store: Store) -> None:
    await add_user(store, "ann")
    await store.users.set_password("U-ann", "new", now=7)
    changed = await store.users.by_username("ann")
    assert changed is not None
    assert (changed.password_hash, changed.updated_at) == ("new", 7)
    with pytest.raises(NotFound):
        await store.users.set_password("U-none", "new", now=7)


async def test_public_names_are_unique_and_private_ones_are_not(store: Store) -> None:
    channel = await add_channel(store, "General", ["U-ann"], ChannelKind.PUBLIC)
    with pytest.raises(AlreadyExists):
        await add_channel(store, "gENERAL", ["U-bob"], ChannelKind.PUBLIC)
    await add_channel(store, "General", ["U-bob"], ChannelKind.PRIVATE)
    assert await store.channels.public_by_name("GENERAL") == channel
    assert channel.member_count == 1


async def test_a_pair_has_one_direct_channel(store: Store) -> None:
    channel = await add_channel(store, "pair", ["U-ann", "U-bob"], ChannelKind.DIRECT)
    with pytest.raises(AlreadyExists):
        await add_channel(store, "again", ["U-bob", "U-ann"], ChannelKind.DIRECT)
    assert await store.channels.direct_between("U-bob", "U-ann") == channel
    assert await store.channels.direct_between("U-bob", "U-cid") is None
    group = await add_channel(store, "group", ["U-ann", "U-bob"])
    assert await store.channels.peers([channel.id, group.id, "C-none"], "U-ann") == {channel.id: "U-bob"}


async def test_what_a_user_is_in_comes_with_top_and_last_message(store: Store) -> None:
    quiet = await add_channel(store, "quiet", ["U-ann"])
    busy = await add_channel(store, "busy", ["U-ann"])
    await add_channel(store, "other", ["U-bob"])
    said = await store.log.append(message(busy, "hello"))
    await store.log.append(moving(busy, EntryKind.JOINED, "U-bob"))
    rows = {
        channel.id: (position.seq, entry)
        for channel, position, entry in await store.channels.of_user("U-ann")
    }
    assert rows == {busy.id: (3, said), quiet.id: (1, None)}


async def test_public_channels_are_found_by_any_part_of_the_name(store: Store) -> None:
    await add_channel(store, "Rust birds", ["U-ann"], ChannelKind.PUBLIC)
    await add_channel(store, "Birds", ["U-ann"], ChannelKind.PUBLIC)
    await add_channel(store, "birds of prey", ["U-ann", "U-bob"], ChannelKind.PUBLIC)
    await add_channel(store, "secret birds", ["U-ann"])

    async def found(text: str) -> list[str]:
        return [channel.name for channel in await store.channels.search_public(text, limit=10)]

    assert await found("BIRD") == ["birds of prey", "Birds", "Rust birds"]
    assert await found("") == ["birds of prey", "Birds", "Rust birds"]
    assert await found("secret") == []
    assert await found("%") == []


async def test_members_are_paged_by_id(store: Store) -> None:
    channel = await add_channel(store, "many", ["U-c", "U-a", "U-b"])
    assert await store.channels.members(channel.id, limit=2) == ["U-a", "U-b"]
    assert await store.channels.members(channel.id, limit=2, after="U-b") == ["U-c"]


def _token(digest: bytes, family: str = "F", user: str = "U-ann", expires_at: int = 1000) -> RefreshToken:
    return RefreshToken(digest=digest, family=family, user_id=user, created_at=0, expires_at=expires_at)


async def test_a_refresh_token_is_used_once_with_a_grace(store: Store) -> None:
    await store.sign_ins.add(_token(b"1"))
    second = await store.sign_ins.rotate(b"1", _token(b"2", "?", "?"), now=10, grace_ms=5)
    assert second is not None
    assert (second.family, second.user_id) == ("F", "U-ann")
    assert await store.sign_ins.rotate(b"1", _token(b"3", "?", "?"), now=15, grace_ms=5) is not None
    assert await store.sign_ins.rotate(b"1", _token(b"4", "?", "?"), now=16, grace_ms=5) is None
    assert await store.sign_ins.rotate(b"2", _token(b"5", "?", "?"), now=16, grace_ms=5) is None, (
        "the family is revoked"
    )


async def test_an_unused_refresh_token_is_found_without_using_it(store: Store) -> None:
    await store.sign_ins.add(_token(b"1"))
    for _ in range(2):
        assert await store.sign_ins.unused(b"1", now=999) == _token(b"1")
    assert await store.sign_ins.unused(b"1", now=1000) is None
    assert await store.sign_ins.unused(b"unknown", now=1) is None
    second = await store.sign_ins.rotate(b"1", _token(b"2"), now=10, grace_ms=5)
    assert await store.sign_ins.unused(b"1", now=10) is None
    assert await store.sign_ins.unused(b"2", now=10) == second


async def test_tokens_end_by_expiry_by_signing_out_and_everywhere(store: Store) -> None:
    for digest, family in [(b"1", "A"), (b"2", "B"), (b"3", "C")]:
        await store.sign_ins.add(_token(digest, family))
    assert await store.sign_ins.rotate(b"1", _token(b"x"), now=1000, grace_ms=5) is None
    await store.sign_ins.revoke(b"1")
    await store.sign_ins.revoke(b"unknown")
    assert await store.sign_ins.rotate(b"1", _token(b"x"), now=1, grace_ms=5) is None
    await store.sign_ins.revoke_all("U-ann", keep_family="C")
    assert await store.sign_ins.rotate(b"2", _token(b"x"), now=1, grace_ms=5) is None
    assert await store.sign_ins.purge(now=999) == 0
    assert await store.sign_ins.purge(now=1000) == 1


async def test_a_store_that_works_says_that_it_is_writable_and_closes_twice(store: Store) -> None:
    await store.check_writable()
    await store.close()
    await store.close()
