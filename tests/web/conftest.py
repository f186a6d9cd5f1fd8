"""The HTTP application in-process, on a chat whose store is in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI

from chirpbird.chat.service import Chat
from chirpbird.web.application import create_app
from tests.support.chat_fakes import FakeClock, PlainHasher
from tests.support.memory_store import MemoryStore

PASSWORD = "correct horse"


@dataclass(frozen=True)
class Person:
    """Somebody signed in."""

    id: str
    username: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


SignUp = Callable[[str], Awaitable[Person]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def chat(store: MemoryStore, clock: FakeClock) -> Chat:
    return Chat(store=store, secret=b"s" * 32, clock=clock, hasher=PlainHasher())


@pytest.fixture
def app(chat: Chat) -> FastAPI:
    return create_app(chat)


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=("192.0.2.1", 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://chat.test") as client:
        yield client


@pytest.fixture
def sign_up(chat: Chat) -> SignUp:
    """Make an account and sign in, without going through HTTP."""

    async def make(username: str) -> Person:
        user = await chat.accounts.register(username, PASSWORD, address=username)
        return Person(user.id, username, chat.tokens.issue(user.id, "sign-in"))

    return make


@pytest.fixture
async def ann(sign_up: SignUp) -> Person:
    return await sign_up("ann")


@pytest.fixture
async def bob(sign_up: SignUp) -> Person:
    return await sign_up("bob")
