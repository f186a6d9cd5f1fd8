"""The chat behind a realtime node, on a store in memory, without sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chirpbird.chat.service import Chat
from chirpbird.gateway.announcer import Announcer
from chirpbird.gateway.audience import NodeAudience
from chirpbird.gateway.handlers import Handlers
from chirpbird.gateway.history import LogHistory
from chirpbird.realtime import Node
from tests.support.chat_fakes import PlainHasher
from tests.support.memory_store import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def chat(store: MemoryStore) -> Chat:
    return Chat(store=store, secret=b"s" * 32, hasher=PlainHasher())


@pytest.fixture
async def node(store: MemoryStore, chat: Chat) -> AsyncIterator[Node]:
    """Wired as ``app.py`` does it."""
    node = Node(history=LogHistory(store.log, chat.renderer))
    Handlers(node, chat)
    chat.tell(NodeAudience(node, chat))
    store.log.add_commit_listener(Announcer(node, chat.renderer, chat.access.directory).committed)
    await node.start()
    yield node
    await node.shutdown()
