from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chirpbird.chat.entities import User
from chirpbird.chat.errors import InvalidInput, NotFound, NotPermitted, StoreFull, TooMany
from chirpbird.chat.service import Chat
from tests.chat.conftest import Register
from tests.support.chat_fakes import FakeClock
from tests.support.memory_store import MemoryStore


@pytest.fixture
async def ann(register: Register) -> User:
    return await register("ann")


@pytest.fixture
async def channel_id(chat: Chat, ann: User) -> str:
    return (await chat.channels.create(ann.id, "general")).channel.id


async def test_sending_appends(chat: Chat, ann: User, channel_id: str) -> None:
    entry = await chat.messages.send(ann.id, channel_id, "hi\r\n", "k1")
    assert (entry.seq, entry.kind, entry.text, entry.key) == (2, "message", "hi\n", "k1")


async def test_the_order_of_calls_is_the_order_of_the_log(chat: Chat, ann: User, channel_id: str) -> None:
    futures = [chat.messages.send(ann.id, channel_id, str(number)) for number in range(10)]
    entries = await asyncio.gather(*futures)
    assert [entry.seq for entry in entries] == list(range(2, 12))


async def test_a_retry_returns_the_first_result(chat: Chat, ann: User, channel_id: str) -> None:
    first = await chat.messages.send(ann.id, channel_id, "hi", "k1")
    assert await chat.messages.send(ann.id, channel_id, "hi again", "k1") == first


async def test_what_does_not_fit_is_refused_at_once_and_costs_nothing(
    chat: Chat, ann: User, channel_id: str
) -> None:
    for _ in range(50):
        with pytest.raises(InvalidInput):
            await chat.messages.send(ann.id, channel_id, " ")
        with pytest.raises(InvalidInput):
            await chat.messages.send(ann.id, channel_id, "hi", "x" * 65)
    await chat.messages.send(ann.id, channel_id, "hi")


async def test_twenty_at_once_and_then_five_a_second(
    chat: Chat, ann: User, channel_id: str, clock: FakeClock
) -> None:
    for _ in range(20):
        await chat.messages.send(ann.id, channel_id, "hi")
    with pytest.raises(TooMany) as caught:
        await chat.messages.send(ann.id, channel_id, "hi")
    assert caught.value.retry_after == pytest.approx(0.2)
    clock.forward(0.2)
    await chat.messages.send(ann.id, channel_id, "hi")


async def test_a_full_disk_is_said_in_the_future(
    chat: Chat, ann: User, channel_id: str, store: MemoryStore
) -> None:
    store.fail(StoreFull("the disk is full"))
    future = chat.messages.send(ann.id, channel_id, "hi")
    with pytest.raises(StoreFull):
        await future


async def test_the_checked_way_is_for_members(
    chat: Chat, ann: User, channel_id: str, register: Register
) -> None:
    bob = await register("bob")
    private = (await chat.channels.create(ann.id, "plans", is_private=True)).channel.id
    view = await chat.messages.send_checked(ann.id, channel_id, "hi", "k1")
    assert (view.id, view.data, view.key, view.sender.username) == (f"{channel_id}.2", "hi", "k1", "ann")
    with pytest.raises(NotPermitted):
        await chat.messages.send_checked(bob.id, channel_id, "hi")
    for hidden in (private, "01HZX3K6V0000000000000000A", ""):
        with pytest.raises(NotFound):
            await chat.messages.send_checked(bob.id, hidden, "hi")


async def pages(chat: Chat, ann: User, channel_id: str) -> None:
    for number in range(2, 11):
        await chat.messages.send(ann.id, channel_id, str(number))


@pytest.mark.parametrize(
    ("bounds", "expected", "has_more"),
    [
        ({}, [8, 9, 10], True),
        ({"before": 4}, [1, 2, 3], False),
        ({"before": 5}, [2, 3, 4], True),
        ({"before": 1}, [], False),
        ({"before": 0}, [], False),
        ({"before": 2**53 - 1}, [8, 9, 10], True),
        ({"after": 0}, [1, 2, 3], True),
        ({"after": 7}, [8, 9, 10], False),
        ({"after": 6}, [7, 8, 9], True),
        ({"after": 10}, [], False),
        ({"after": 2**53 - 1}, [], False),
    ],
)
async def test_pages(
    chat: Chat, ann: User, channel_id: str, bounds: dict[str, Any], expected: list[int], has_more: bool
) -> None:
    await pages(chat, ann, channel_id)
    page = await chat.messages.page(ann.id, channel_id, limit=3, **bounds)
    assert [entry.seq for entry in page.messages] == expected
    assert page.has_more is has_more
    assert page.position.offset == 10


@pytest.mark.parametrize(
    "bounds",
    [
        {"limit": 0},
        {"limit": 301},
        {"before": -1},
        {"after": -1},
        {"before": 2**53},
        {"after": 2**63},
        {"before": 5, "after": 1},
    ],
)
async def test_bounds_that_do_not_fit(chat: Chat, ann: User, channel_id: str, bounds: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await chat.messages.page(ann.id, channel_id, **bounds)


async def test_reading_is_for_members(chat: Chat, channel_id: str, register: Register) -> None:
    bob = await register("bob")
    with pytest.raises(NotPermitted):
        await chat.messages.page(bob.id, channel_id)
