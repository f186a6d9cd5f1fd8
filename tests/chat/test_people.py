from __future__ import annotations

import pytest

from chirpbird.chat.errors import InvalidInput, NotFound, NotSignedIn
from chirpbird.chat.service import Chat
from tests.chat.conftest import Register

NOBODY = "01HZX3K6V0000000000000000A"


async def test_searching_finds_others_but_not_oneself(chat: Chat, register: Register) -> None:
    ann = await register("ann")
    for name in ("anna", "annette", "bob"):
        await register(name)
    found = await chat.people.search(ann.id, " ANN ")
    assert [person.username for person in found] == ["anna", "annette"]
    assert [person.username for person in await chat.people.search(ann.id, "", limit=1)] == ["anna"]


async def test_searches_are_bounded(chat: Chat, register: Register) -> None:
    ann = await register("ann")
    for limit in (0, 51):
        with pytest.raises(InvalidInput, match=f"limit is {limit}, 1 to 50 is expected"):
            await chat.people.search(ann.id, "", limit=limit)
    with pytest.raises(InvalidInput):
        await chat.people.search(ann.id, "x" * 65)


async def test_all_required_people_must_exist(chat: Chat, register: Register) -> None:
    ann, bob = await register("ann"), await register("bob")
    required = await chat.people.require([bob.id, ann.id, bob.id], field="userIds")
    assert list(required.values()) == [bob, ann]
    with pytest.raises(NotFound) as caught:
        await chat.people.require([ann.id, NOBODY], field="userIds")
    assert caught.value.field == "userIds"


async def test_a_person_without_a_record_is_shown_without_a_name(chat: Chat) -> None:
    [person] = (await chat.people.named([NOBODY])).values()
    assert (person.id, person.username) == (NOBODY, "")


async def test_a_token_of_an_account_that_is_gone(chat: Chat) -> None:
    with pytest.raises(NotSignedIn):
        await chat.people.me(NOBODY)
