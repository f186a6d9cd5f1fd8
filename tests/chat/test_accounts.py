from __future__ import annotations

import pytest

from chirpbird.chat.accounts import Accounts
from chirpbird.chat.errors import (
    AlreadyExists,
    InvalidInput,
    StoreUnavailable,
    TooMany,
    WrongCredentials,
)
from chirpbird.chat.limits import ChatLimits
from chirpbird.chat.service import Chat
from tests.support.chat_fakes import FakeClock, PlainHasher
from tests.support.memory_store import MemoryStore


async def test_registering_and_signing_in(chat: Chat) -> None:
    made = await chat.accounts.register(" Ann ", "correct horse", "Ann Lee")
    assert (made.username, made.name, made.password_hash) == ("Ann", "Ann Lee", "plain:correct horse")
    assert made.created_at == made.updated_at == 1_700_000_000_000
    assert await chat.accounts.sign_in("ANN", "correct horse") == made
    assert chat.people.directory.peek(made.id) == made


async def test_who_gives_no_name_is_called_by_the_username(chat: Chat) -> None:
    assert (await chat.accounts.register("ann", "correct horse")).name == "ann"


async def test_a_taken_username_is_refused_whatever_its_case(chat: Chat) -> None:
    await chat.accounts.register("Straße", "correct horse")
    with pytest.raises(AlreadyExists):
        await chat.accounts.register("STRASSE", "correct horse")


@pytest.mark.parametrize(
    ("username", "password", "name", "field"),
    [
        ("a", "correct horse", None, "username"),
        ("ann", "short", None, "password"),
        ("ann", "correct horse", " ", "name"),
    ],
)
async def test_what_does_not_fit_is_named(
    chat: Chat, username: str, password: str, name: str | None, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await chat.accounts.register(username, password, name)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("ann", "wrong horse"),
        ("bob", "correct horse"),
        ("not a name!", "correct horse"),
        ("ann", ""),
        ("ann", "x" * 10_000),
        ("", ""),
        ("\ud800", "\ud800"),
    ],
)
async def test_all_wrong_credentials_look_the_same(
    chat: Chat, hasher: PlainHasher, username: str, password: str
) -> None:
    await chat.accounts.register("ann", "correct horse")
    with pytest.raises(WrongCredentials, match=r"^username and password do not belong together$"):
        await chat.accounts.sign_in(username, password)
    assert len(hasher.verified) == 1


async def test_unknown_names_cost_the_same_hash(chat: Chat, hasher: PlainHasher) -> None:
    with pytest.raises(WrongCredentials):
        await chat.accounts.sign_in("nobody", "correct horse")
    assert hasher.verified == [hasher.decoy]


async def test_ten_attempts_a_name_wherever_they_come_from(chat: Chat, clock: FakeClock) -> None:
    for number in range(10):
        with pytest.raises(WrongCredentials):
            await chat.accounts.sign_in("Ann", "wrong horse", address=str(number))
    with pytest.raises(TooMany) as caught:
        await chat.accounts.sign_in("ann", "wrong horse", address="another")
    assert caught.value.retry_after == pytest.approx(30)
    clock.forward(30)
    with pytest.raises(WrongCredentials):
        await chat.accounts.sign_in("ann", "wrong horse", address="another")


async def test_signing_in_forgives_the_attempts_before(chat: Chat) -> None:
    await chat.accounts.register("ann", "correct horse")
    for number in range(20):
        if number % 9 == 8:
            await chat.accounts.sign_in("ann", "correct horse", address=str(number))
        else:
            with pytest.raises(WrongCredentials):
                await chat.accounts.sign_in("ann", "wrong horse", address=str(number))


async def test_thirty_attempts_an_address_whatever_the_names(chat: Chat) -> None:
    for number in range(30):
        with pytest.raises(WrongCredentials):
            await chat.accounts.sign_in(f"user{number}", "wrong horse", address="10.0.0.1")
    with pytest.raises(TooMany):
        await chat.accounts.sign_in("ann", "wrong horse", address="10.0.0.1")
    with pytest.raises(WrongCredentials):
        await chat.accounts.sign_in("ann", "wrong horse", address="10.0.0.2")


async def test_thirty_new_accounts_an_address(chat: Chat) -> None:
    for number in range(30):
        await chat.accounts.register(f"user{number}", "correct horse", address="10.0.0.1")
    with pytest.raises(TooMany, match="new accounts"):
        await chat.accounts.register("ann", "correct horse", address="10.0.0.1")


async def test_an_outdated_hash_is_renewed_at_sign_in(
    chat: Chat, store: MemoryStore, clock: FakeClock
) -> None:
    made = await chat.accounts.register("ann", "correct horse")
    stronger = Accounts(store.users, chat.people, PlainHasher("strong"), clock, ChatLimits())
    await stronger.sign_in("ann", "correct horse")
    stored = await store.users.by_username("ann")
    assert stored is not None
    assert stored.password_hash == "strong:correct horse"
    assert chat.people.directory.peek(made.id) is None


async def test_a_store_that_fails_is_not_taken_for_a_wrong_password(chat: Chat, store: MemoryStore) -> None:
    store.fail(StoreUnavailable("the disk is gone"))
    with pytest.raises(StoreUnavailable):
        await chat.accounts.register("ann", "correct horse")
