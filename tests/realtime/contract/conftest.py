"""The stores under contract. Another implementation joins by another parameter."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chirpbird.realtime import Broker, ClientInfo, MemoryBroker, MemoryPresence, PresenceStore, Publication
from tests.support.realtime import FakeClock


class Heard:
    """A node that only listens."""

    def __init__(self) -> None:
        self.publications: list[tuple[str, Publication, str]] = []
        self.people: list[tuple[str, str, ClientInfo]] = []
        self.controls: list[bytes] = []

    def on_publication(self, channel: str, publication: Publication, epoch: str) -> None:
        self.publications.append((channel, publication, epoch))

    def on_join(self, channel: str, info: ClientInfo) -> None:
        self.people.append(("join", channel, info))

    def on_leave(self, channel: str, info: ClientInfo) -> None:
        self.people.append(("leave", channel, info))

    def on_control(self, data: bytes) -> None:
        self.controls.append(data)

    def on_bus(self, up: bool) -> None:
        """The buses under contract stay up."""


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(params=["memory"])
async def broker(request: pytest.FixtureRequest, clock: FakeClock, heard: Heard) -> AsyncIterator[Broker]:
    broker = MemoryBroker(clock)
    await broker.start(heard, "node")
    yield broker
    await broker.close()


@pytest.fixture(params=["memory"])
async def presence(request: pytest.FixtureRequest, clock: FakeClock) -> AsyncIterator[PresenceStore]:
    store = MemoryPresence(clock)
    await store.start()
    yield store
    await store.close()
