"""A chat on a store in memory, with time, hashing and audience in the test's hands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from chirpbird.chat.entities import User
from chirpbird.chat.service import Chat
from tests.support.chat_fakes import FakeClock, PlainHasher, RecordingAudience
from tests.support.memory_store import MemoryStore

Register = Callable[[str], Awaitable[User]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def hasher() -> PlainHasher:
    return PlainHasher()


@pytest.fixture
def audience() -> RecordingAudience:
    return RecordingAudience()


@pytest.fixture
def chat(store: MemoryStore, clock: FakeClock, hasher: PlainHasher, audience: RecordingAudience) -> Chat:
    return Chat(store=store, secret=b"s" * 32, clock=clock, hasher=hasher, audience=audience)


@pytest.fixture
def register(chat: Chat) -> Register:
    """Make an account with this username."""

    async def make(username: str) -> User:
        return await chat.accounts.register(username, "correct horse", address=username)

    return make
