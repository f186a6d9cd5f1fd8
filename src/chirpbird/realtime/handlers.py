"""The application's handlers, and how they are registered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from chirpbird.realtime import events

if TYPE_CHECKING:
    from chirpbird.realtime.client import Client

__all__ = ["HandlerRegistration", "Handlers"]

E = TypeVar("E")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., object])

Handler = Callable[["Client", E], R | Awaitable[R]]
"""``def`` or ``async def``. A plain ``def`` may return a reply, or a future of one: that costs no task."""


Connect = TypeVar("Connect", bound="Callable[[Client], Awaitable[None] | None]")
Connecting = TypeVar("Connecting", bound="Handler[events.ConnectingEvent, events.ConnectReply]")
Refresh = TypeVar("Refresh", bound="Handler[events.RefreshEvent, events.RefreshReply]")
Subscribe = TypeVar("Subscribe", bound="Handler[events.SubscribeEvent, events.SubscribeReply]")
SubRefresh = TypeVar("SubRefresh", bound="Handler[events.SubRefreshEvent, events.SubRefreshReply]")
Unsubscribe = TypeVar("Unsubscribe", bound="Handler[events.UnsubscribeEvent, None]")
Publish = TypeVar("Publish", bound="Handler[events.PublishEvent, events.PublishReply]")
Presence = TypeVar("Presence", bound="Handler[events.PresenceEvent, events.PresenceReply]")
PresenceStats = TypeVar("PresenceStats", bound="Handler[events.PresenceStatsEvent, events.PresenceReply]")
History = TypeVar("History", bound="Handler[events.HistoryEvent, events.HistoryReply]")
Rpc = TypeVar("Rpc", bound="Handler[events.RpcEvent, events.RpcReply]")
Message = TypeVar("Message", bound="Handler[events.MessageEvent, None]")
Disconnect = TypeVar("Disconnect", bound="Handler[events.DisconnectEvent, None]")


class Handlers:
    """One handler per event; registering another replaces it. What has no handler is not available to clients."""

    __slots__ = (
        "connect",
        "connecting",
        "disconnect",
        "history",
        "message",
        "presence",
        "presence_stats",
        "publish",
        "refresh",
        "rpc",
        "sub_refresh",
        "subscribe",
        "unsubscribe",
    )

    def __init__(self) -> None:
        self.connecting: Handler[events.ConnectingEvent, events.ConnectReply] | None = None
        self.connect: Callable[[Client], Awaitable[None] | None] | None = None
        self.refresh: Handler[events.RefreshEvent, events.RefreshReply] | None = None
        self.subscribe: Handler[events.SubscribeEvent, events.SubscribeReply] | None = None
        self.sub_refresh: Handler[events.SubRefreshEvent, events.SubRefreshReply] | None = None
        self.unsubscribe: Handler[events.UnsubscribeEvent, None] | None = None
        self.publish: Handler[events.PublishEvent, events.PublishReply] | None = None
        self.presence: Handler[events.PresenceEvent, events.PresenceReply] | None = None
        self.presence_stats: Handler[events.PresenceStatsEvent, events.PresenceReply] | None = None
        self.history: Handler[events.HistoryEvent, events.HistoryReply] | None = None
        self.rpc: Handler[events.RpcEvent, events.RpcReply] | None = None
        self.message: Handler[events.MessageEvent, None] | None = None
        self.disconnect: Handler[events.DisconnectEvent, None] | None = None


class HandlerRegistration:
    """The part of ``Node`` that takes handlers. Each method is a decorator, and returns what it is given."""

    def __init__(self) -> None:
        self._handlers = Handlers()

    def on_connecting(self, handler: Connecting) -> Connecting:
        """``(client, ConnectingEvent) -> ConnectReply``: who is it? Without this handler nobody gets in."""
        return self._set("connecting", handler)

    def on_connect(self, handler: Connect) -> Connect:
        """``(client) -> None``: it is in, and has been told so."""
        return self._set("connect", handler)

    def on_refresh(self, handler: Refresh) -> Refresh:
        """``(client, RefreshEvent) -> RefreshReply``"""
        return self._set("refresh", handler)

    def on_subscribe(self, handler: Subscribe) -> Subscribe:
        """``(client, SubscribeEvent) -> SubscribeReply``"""
        return self._set("subscribe", handler)

    def on_sub_refresh(self, handler: SubRefresh) -> SubRefresh:
        """``(client, SubRefreshEvent) -> SubRefreshReply``"""
        return self._set("sub_refresh", handler)

    def on_unsubscribe(self, handler: Unsubscribe) -> Unsubscribe:
        """``(client, UnsubscribeEvent) -> None``"""
        return self._set("unsubscribe", handler)

    def on_publish(self, handler: Publish) -> Publish:
        """``(client, PublishEvent) -> PublishReply``. Called in the order in which the client sent; an ``async def`` finishes one
        before the next of the same client and channel begins."""
        return self._set("publish", handler)

    def on_presence(self, handler: Presence) -> Presence:
        """``(client, PresenceEvent) -> PresenceReply``"""
        return self._set("presence", handler)

    def on_presence_stats(self, handler: PresenceStats) -> PresenceStats:
        """``(client, PresenceStatsEvent) -> PresenceReply``"""
        return self._set("presence_stats", handler)

    def on_history(self, handler: History) -> History:
        """``(client, HistoryEvent) -> HistoryReply``"""
        return self._set("history", handler)

    def on_rpc(self, handler: Rpc) -> Rpc:
        """``(client, RpcEvent) -> RpcReply``"""
        return self._set("rpc", handler)

    def on_message(self, handler: Message) -> Message:
        """``(client, MessageEvent) -> None``"""
        return self._set("message", handler)

    def on_disconnect(self, handler: Disconnect) -> Disconnect:
        """``(client, DisconnectEvent) -> None``: of those that had got in."""
        return self._set("disconnect", handler)

    def _set(self, event: str, handler: F) -> F:
        setattr(self._handlers, event, handler)
        return handler
