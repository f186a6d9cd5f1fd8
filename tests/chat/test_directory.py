from __future__ import annotations

import asyncio

import pytest

from chirpbird.chat.directory import Directory
from chirpbird.chat.entities import User


def person(user_id: str, name: str = "") -> User:
    return User(id=user_id, username=user_id, name=name, password_hash="", created_at=0, updated_at=0)


class Source:
    """Knows everybody whose id does not begin with ``x``; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.gate: asyncio.Event | None = None

    async def load(self, ids: list[str]) -> dict[str, User]:
        self.asked.append(ids)
        loaded = {user_id: person(user_id) for user_id in ids if not user_id.startswith("x")}
        if self.gate is not None:
            await self.gate.wait()
        return loaded


async def test_what_was_loaded_is_at_hand() -> None:
    source = Source()
    directory = Directory(source.load, capacity=10)
    assert directory.peek("a") is None
    assert await directory.get("a") == person("a")
    assert directory.peek("a") == person("a")
    assert await directory.get_many(["b", "a", "b", "x"]) == {"a": person("a"), "b": person("b")}
    assert source.asked == [["a"], ["b", "x"]]


async def test_known_is_all_or_nothing_and_in_order() -> None:
    directory = Directory(Source().load, capacity=10)
    await directory.get_many(["a", "b"])
    assert directory.known(["b", "a"]) == [person("b"), person("a")]
    assert directory.known(["a", "c"]) is None
    assert directory.known([]) == []


async def test_absence_is_not_remembered() -> None:
    source = Source()
    directory = Directory(source.load, capacity=10)
    assert await directory.get("x") is None
    assert await directory.get("x") is None
    assert source.asked == [["x"], ["x"]]


async def test_the_least_recently_used_go() -> None:
    directory = Directory(Source().load, capacity=2)
    await directory.get_many(["a", "b"])
    directory.peek("a")
    directory.remember(person("c"))
    assert len(directory) == 2
    assert directory.peek("b") is None
    assert directory.peek("a") is not None


async def test_remembering_again_replaces() -> None:
    directory = Directory(Source().load, capacity=2)
    directory.remember(person("a", "old"))
    directory.remember(person("a", "new"))
    assert directory.peek("a") == person("a", "new")
    assert len(directory) == 1


async def test_what_was_loaded_while_something_was_forgotten_is_not_kept() -> None:
    source = Source()
    source.gate = asyncio.Event()
    directory = Directory(source.load, capacity=2)
    loading = asyncio.ensure_future(directory.get("a"))
    await asyncio.sleep(0)  # let the load begin
    directory.forget("a")
    source.gate.set()
    assert await loading == person("a")
    assert directory.peek("a") is None


def test_a_directory_needs_room() -> None:
    with pytest.raises(ValueError, match="capacity is 0, at least 1 is expected"):
        Directory(Source().load, capacity=0)
