"""Every store there is, opened fresh for each test that asks for ``store``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chirpbird.chat.ports import Store
from chirpbird.storage.sqlite import SqliteStore
from tests.support.memory_store import MemoryStore


@pytest.fixture(params=["sqlite", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """The stand-in that other tests use is held to the same suite as the real stores."""
    opened: Store = await SqliteStore.open(tmp_path / "data") if request.param == "sqlite" else MemoryStore()
    yield opened
    await opened.close()
