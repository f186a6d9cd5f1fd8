"""Somebody who uses the chat through the official Python SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
from centrifuge import (
    Client,
    ClientEventHandler,
    ConnectedContext,
    DisconnectedContext,
    PublicationContext,
    ServerPublicationContext,
    SubscribedContext,
    Subscription,
    SubscriptionEventHandler,
    UnsubscribedContext,
)

__all__ = ["Feed", "Person"]

PATIENCE = 20.0
"""Seconds after which a test that waits for something has failed."""


class _Watched:
    """Things that happened, and a way to wait until they include what one wants."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()

    async def _note(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when the condition holds; TimeoutError if it does not in time."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(condition)


class Feed(_Watched, SubscriptionEventHandler):
    """One subscription: the entries in the order in which they came, and how it went."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[dict[str, Any]] = []
        self.subscribed: list[SubscribedContext] = []
        self.ended: list[UnsubscribedContext] = []
        self.subscription: Subscription

    async def on_publication(self, ctx: PublicationContext) -> None:
        assert ctx.pub.offset == ctx.pub.data["seq"]
        self.entries.append(ctx.pub.data)
        await self._note()

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        self.subscribed.append(ctx)
        await self._note()

    async def on_unsubscribed(self, ctx: UnsubscribedContext) -> None:
        self.ended.append(ctx)
        await self._note()

    @property
    def texts(self) -> list[str]:
        return [entry["data"] for entry in self.entries if entry["type"] == "message"]


class Person(_Watched, ClientEventHandler):
    """A registered user with one connection."""

    def __init__(self, url: str, account: dict[str, Any]) -> None:
        super().__init__()
        self.url = url
        self.id: str = account["user"]["id"]
        self.tokens_fetched = 0
        self.connections: list[dict[str, Any]] = []
        """The state that each connect reply carried."""
        self.personal: list[dict[str, Any]] = []
        self.disconnects: list[DisconnectedContext] = []
        self._refresh_token: str = account["refreshToken"]
        self.client = Client(
            url.replace("http", "ws", 1) + "/connection/websocket",
            events=self,
            token=account["accessToken"],
            get_token=self.fetch_token,
            proxy=None,
            max_reconnect_delay=0.5,
        )

    async def fetch_token(self) -> str:
        """The next access token, for the refresh token at hand."""
        async with httpx.AsyncClient(base_url=self.url) as http:
            answer = await http.post("/sessions/refresh", json={"refreshToken": self._refresh_token})
        data = answer.raise_for_status().json()["data"]
        self._refresh_token = data["refreshToken"]
        self.tokens_fetched += 1
        await self._note()
        token: str = data["accessToken"]
        return token

    async def on_connected(self, ctx: ConnectedContext) -> None:
        assert ctx.data is not None
        self.connections.append(ctx.data)
        await self._note()

    async def on_disconnected(self, ctx: DisconnectedContext) -> None:
        self.disconnects.append(ctx)
        await self._note()

    async def on_publication(self, ctx: ServerPublicationContext) -> None:
        self.personal.append(ctx.pub.data)
        await self._note()

    async def connect(self) -> dict[str, Any]:
        """Connect; the state that the reply carries."""
        await self.client.connect()
        await self.until(lambda: bool(self.connections or self.disconnects))
        assert self.connections, self.disconnects
        return self.connections[-1]

    async def rpc(self, method: str, **data: Any) -> dict[str, Any]:
        """Call one of the chat's methods."""
        result: dict[str, Any] = (await self.client.rpc(method, data)).data
        return result

    async def follow(self, channel_id: str) -> Feed:
        """Subscribe to a channel and wait until that is done or refused."""
        feed = Feed()
        feed.subscription = self.client.new_subscription(
            channel_id, events=feed, recoverable=True, positioned=True, join_leave=True
        )
        await feed.subscription.subscribe()
        await feed.until(lambda: bool(feed.subscribed or feed.ended))
        return feed

    async def say(self, channel_id: str, text: str, key: str = "") -> None:
        """Send and wait for the acknowledgement."""
        await self.client.publish(channel_id, {"data": text, "key": key} if key else {"data": text})
