"""The bus between nodes, and the streams that the engine keeps for channels without a log of their own."""

from __future__ import annotations

from typing import Protocol

from chirpbird.realtime.options import PublishOptions
from chirpbird.realtime.types import (
    ClientInfo,
    HistoryResult,
    MaybeAwaitable,
    Publication,
    PublishResult,
    StreamPosition,
)

__all__ = ["Broker", "BrokerEvents"]


class BrokerEvents(Protocol):
    """What a broker tells its node; all calls on the node's event loop, and none of them raises."""

    def on_publication(self, channel: str, publication: Publication, epoch: str) -> None:
        """``epoch`` is "" when the publication is in no stream (offset 0)."""
        ...

    def on_join(self, channel: str, info: ClientInfo) -> None: ...

    def on_leave(self, channel: str, info: ClientInfo) -> None: ...

    def on_control(self, data: bytes) -> None:
        """A message of another node, as given to ``Broker.publish_control``."""
        ...

    def on_bus(self, up: bool) -> None:
        """The bus went down, or is back and every channel is subscribed again: what was said in between is lost."""
        ...


class Broker(Protocol):
    """One node's end of the bus. The bus may lose, repeat and reorder what it carries; streams lose nothing before its time.

    Methods that return ``MaybeAwaitable`` take effect in the order of the calls, whether or not the caller has awaited the
    last one.
    """

    async def start(self, events: BrokerEvents, node_id: str) -> None: ...

    async def close(self) -> None: ...

    def subscribe(self, channel: str) -> MaybeAwaitable[None]:
        """From when this is done, announcements of ``channel`` come to this node."""
        ...

    def unsubscribe(self, channel: str) -> MaybeAwaitable[None]: ...

    def reaches(self, channel: str) -> bool:
        """While the bus is down: whether announcements of this channel come and go all the same, as only a part of it is."""
        ...

    def publish(
        self, channel: str, publication: Publication, options: PublishOptions
    ) -> MaybeAwaitable[PublishResult]:
        """Give the publication its place in the stream, if ``options`` keep history, and announce it, as one step. All of it but
        the offset is the caller's; of ``options``, ``tags`` and ``delta`` are in the publication already."""
        ...

    def announce(self, channel: str, publication: Publication, epoch: str) -> None:
        """Tell all nodes of an entry that is durable elsewhere. Best effort: a failure is logged, not raised."""
        ...

    def publish_join(self, channel: str, info: ClientInfo) -> MaybeAwaitable[None]: ...

    def publish_leave(self, channel: str, info: ClientInfo) -> MaybeAwaitable[None]: ...

    def publish_control(self, data: bytes) -> MaybeAwaitable[None]:
        """To all other nodes."""
        ...

    async def read(
        self, channel: str, *, since: int | None, limit: int, reverse: bool = False
    ) -> HistoryResult:
        """As ``History.read``; of the streams that ``publish`` makes."""
        ...

    async def top(self, channel: str) -> StreamPosition:
        """As ``History.top``; makes the epoch if there is none yet."""
        ...

    async def remove_history(self, channel: str) -> None:
        """Drop the publications; offset and epoch stay."""
        ...
