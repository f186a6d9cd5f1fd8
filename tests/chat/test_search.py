from __future__ import annotations

import pytest

from chirpbird.chat.entities import User
from chirpbird.chat.errors import InvalidInput, TooMany
from chirpbird.chat.search_views import SearchView
from chirpbird.chat.service import Chat
from tests.chat.conftest import Register
from tests.support.chat_fakes import FakeClock


@pytest.fixture
async def ann(register: Register) -> User:
    return await register("ann")


@pytest.fixture
async def bob(register: Register) -> User:
    return await register("bob")


@pytest.fixture
async def general(chat: Chat, ann: User, bob: User) -> str:
    return (await chat.channels.create(ann.id, "General", participants=[bob.id])).channel.id


def texts(view: SearchView) -> list[str]:
    return ["".join(fragment.text for fragment in found.fragments) for found in view.found]


async def test_messages_that_hold_all_words_newest_first(chat: Chat, ann: User, general: str) -> None:
    for text in ("a big bird", "birds are BIG", "a big fish", "Big, big bird!"):
        await chat.messages.send(ann.id, general, text)
    assert texts(await chat.search.find(ann.id, "bird big ")) == ["Big, big bird!", "a big bird"]
    assert texts(await chat.search.find(ann.id, "big bir")) == [
        "Big, big bird!",
        "birds are BIG",
        "a big bird",
    ]
    assert texts(await chat.search.find(ann.id, '"big bird"')) == ["Big, big bird!", "a big bird"]
    assert texts(await chat.search.find(ann.id, '"bird big"')) == []


async def test_what_was_looked_for_is_marked(chat: Chat, ann: User, general: str) -> None:
    await chat.messages.send(ann.id, general, "Go to 東京都 by Café train")
    [found] = (await chat.search.find(ann.id, "京都 cafe tr")).found
    assert [fragment.text for fragment in found.fragments if fragment.match] == ["京都", "Café", "train"]
    assert found.message.seq == 2


async def test_chinese_and_japanese_are_found_inside_a_sentence(chat: Chat, ann: User, general: str) -> None:
    await chat.messages.send(ann.id, general, "明日は東京都に行きます")
    await chat.messages.send(ann.id, general, "東の京から都へ")
    assert texts(await chat.search.find(ann.id, "東京都")) == ["明日は東京都に行きます"]
    assert texts(await chat.search.find(ann.id, "京")) == ["東の京から都へ", "明日は東京都に行きます"]


async def test_by_sender_channel_and_day(chat: Chat, ann: User, bob: User, general: str) -> None:
    other = (await chat.channels.create(ann.id, "other")).channel.id
    await chat.messages.send(ann.id, general, "one duck")
    await chat.messages.send(bob.id, general, "two duck")
    await chat.messages.send(ann.id, other, "three duck")
    assert texts(await chat.search.find(ann.id, "from:BOB")) == ["two duck"]
    assert texts(await chat.search.find(bob.id, "from:me")) == ["two duck"]
    assert texts(await chat.search.find(ann.id, "duck from:@ann in:#general")) == ["one duck"]
    assert texts(await chat.search.find(ann.id, f"duck in:{other}")) == ["three duck"]
    assert texts(await chat.search.find(ann.id, "duck in:nowhere")) == []
    assert texts(await chat.search.find(ann.id, "duck from:nobody")) == []
    assert len((await chat.search.find(ann.id, "duck before:2099-01-01")).found) == 3
    assert texts(await chat.search.find(ann.id, "duck after:2099-01-01")) == []
    assert texts(await chat.search.find(ann.id, "duck before:2001-01-01")) == []


async def test_only_where_one_is_a_member_and_only_as_long(
    chat: Chat, ann: User, bob: User, general: str
) -> None:
    await chat.messages.send(ann.id, general, "a secret bird")
    assert texts(await chat.search.find(bob.id, "secret")) == ["a secret bird"]
    await chat.channels.leave(bob.id, general)
    assert texts(await chat.search.find(bob.id, "secret")) == []
    assert texts(await chat.search.find(bob.id, f"secret in:{general}")) == []


async def test_page_by_page(chat: Chat, ann: User, general: str, clock: FakeClock) -> None:
    for number in range(25):
        clock.forward(10)
        await chat.messages.send(ann.id, general, f"bird number {number}")
    for query in ("bird", '"bird number"'):
        seen, cursor = [], ""
        while True:
            page = await chat.search.find(ann.id, query, cursor=cursor, limit=10)
            seen += texts(page)
            if page.cursor is None:
                break
            cursor = page.cursor
        assert seen == [f"bird number {number}" for number in reversed(range(25))]


@pytest.mark.parametrize("cursor", ["x", "1.2", "a.b.c", "1.2.3.4"])
async def test_a_cursor_of_ones_own_making_is_refused(chat: Chat, ann: User, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="cursor is not one that a search gave"):
        await chat.search.find(ann.id, "x", cursor=cursor)


async def test_searching_all_the_time_is_too_often(chat: Chat, ann: User) -> None:
    async def search_on() -> None:
        for _ in range(100):
            await chat.search.find(ann.id, "x")

    with pytest.raises(TooMany, match="too many searches"):
        await search_on()


async def test_messages_are_found_and_shown_as_they_are_now(chat: Chat, ann: User, general: str) -> None:
    said = await chat.messages.send(ann.id, general, "a big bird")
    await chat.changes.edit(ann.id, general, said.seq, "a bird of Java")
    assert texts(await chat.search.find(ann.id, '"bird of"')) == ["a bird of Java"]
    assert texts(await chat.search.find(ann.id, "java")) == ["a bird of Java"]
    assert texts(await chat.search.find(ann.id, "big ")) == []
    await chat.changes.delete(ann.id, general, said.seq)
    assert texts(await chat.search.find(ann.id, "bird")) == []
    assert texts(await chat.search.find(ann.id, "from:me")) == []
