"""The line to the server: the official SDK, a subscription a channel, and the outbox that is emptied in order."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Coroutine
from typing import Any

import msgspec
from centrifuge import (
    CentrifugeError,
    Client,
    ClientEventHandler,
    ConnectedContext,
    ConnectingContext,
    DisconnectedContext,
    PublicationContext,
    ReplyError,
    ServerPublicationContext,
    SubscribedContext,
    SubscriptionEventHandler,
    UnauthorizedError,
)

from chirpbird.terminal.account import Account
from chirpbird.terminal.conversations import Conversation, Conversations, Entry, Sending
from chirpbird.terminal.errors import ServerRefused, ServerUnreachable, SignInNeeded

__all__ = ["Link", "Watcher"]

PAGE = 50
_ANSWER_SECONDS = 10.0
_PAUSE = 1.0
"""Between two tries of a message; the same key makes them safe."""
_SUBSCRIPTIONS_AT_ONCE = 50

logger = logging.getLogger(__name__)


class Watcher:
    """Told of what changed. Methods do nothing here, and must not raise."""

    def line_changed(self, state: str) -> None:
        """``connected``, ``connecting``, or what ended the connection for good."""

    def channels_changed(self) -> None: ...

    def conversation_changed(self, channel_id: str) -> None: ...

    def is_seen(self, channel_id: str) -> bool:
        """Whether the person looks at this channel."""
        return False


class Link:
    """Connects, and keeps ``conversations`` as the server has them."""

    def __init__(self, account: Account, conversations: Conversations, watcher: Watcher) -> None:
        self._conversations = conversations
        self._watcher = watcher
        self._account = account
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = Client(
            account.websocket_url,
            events=_Events(self),
            get_token=self._token,
            timeout=_ANSWER_SECONDS,
            max_reconnect_delay=5.0,
            name="chirpbird-terminal",
        )

    async def open(self) -> None:
        """Returns at once; the connection is made and made again by itself."""
        self._go(self._empty_outbox())
        await self._client.connect()

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.disconnect()

    async def _token(self) -> str:
        try:
            return await self._account.token()
        except SignInNeeded as error:
            raise UnauthorizedError(str(error)) from error

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("work in the background failed", exc_info=error)
            self._watcher.line_changed(f"an error of this program: {error!r}")

    # Asking

    async def ask(self, method: str, **data: object) -> Any:
        """An RPC method of docs/API.md. Errors: ServerRefused, ServerUnreachable."""
        try:
            return (await self._client.rpc(method, data, timeout=_ANSWER_SECONDS)).data
        except ReplyError as error:
            raise ServerRefused(str(error.code), str(error)) from error
        except CentrifugeError as error:
            raise ServerUnreachable("there is no connection now; try again when it is back") from error

    async def enter(self, method: str, **data: object) -> Conversation:
        """``open_direct``, ``join_channel`` or ``create_channel``. Errors as of ``ask``."""
        answer = await self.ask(method, **data)
        return await self._gain(answer["channel"])

    async def load_older(self, channel_id: str) -> None:
        """The page before the first entry that is here. Errors as of ``ask``."""
        conversation = self._conversations[channel_id]
        bound = {} if conversation.first_seq is None else {"before": conversation.first_seq}
        page = await self.ask("fetch_messages", channelId=channel_id, limit=PAGE, **bound)
        for entry in msgspec.convert(page["messages"], list[Entry]):
            conversation.add(entry)
        conversation.has_older = page["hasMore"]
        self._watcher.conversation_changed(channel_id)

    # Sending

    def send(self, channel_id: str, text: str) -> None:
        """Put it in the outbox."""
        self._conversations.outbox.append(Sending(channel_id, str(uuid.uuid4()), text))
        self._wake.set()
        self._watcher.conversation_changed(channel_id)

    async def _empty_outbox(self) -> None:
        """One after the other, so that they stay in order; each until the server has it or refuses it for good."""
        while True:
            todo = [sending for sending in self._conversations.outbox if not sending.refused]
            if not todo:
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._deliver(todo[0])

    async def _deliver(self, sending: Sending) -> None:
        message = {"data": sending.text, "key": sending.key}
        try:
            await self._client.publish(sending.channel_id, message, timeout=_ANSWER_SECONDS)
        except ReplyError as error:
            if error.temporary or error.code == _TOO_MANY:
                await asyncio.sleep(_PAUSE)
                return
            sending.refused = str(error)
        except CentrifugeError:
            # Not connected, or no answer: it may be in the log or not.
            await asyncio.sleep(_PAUSE)
            return
        else:
            self._conversations.sent(sending.key)
        self._watcher.conversation_changed(sending.channel_id)

    # What the server tells

    async def connected(self, state: Any) -> None:
        gone = self._conversations.take_state(state)
        for channel_id in gone:
            await self._forget(channel_id)
        self._watcher.line_changed("connected")
        self._watcher.channels_changed()
        waiting = [
            one for one in self._conversations.ordered() if self._client.get_subscription(one.id) is None
        ]
        self._go(self._subscribe(waiting))

    async def _subscribe(self, conversations: list[Conversation]) -> None:
        """In parts: subscriptions are asked for in frames, whose size has a limit."""
        for start in range(0, len(conversations), _SUBSCRIPTIONS_AT_ONCE):
            part = [await self._listen(one) for one in conversations[start : start + _SUBSCRIPTIONS_AT_ONCE]]
            await asyncio.gather(
                *(one.ready(timeout=_ANSWER_SECONDS) for one in part), return_exceptions=True
            )

    async def _listen(self, conversation: Conversation) -> Any:
        subscription = self._client.get_subscription(conversation.id)
        if subscription is None:
            events = _ChannelEvents(self, conversation.id)
            subscription = self._client.new_subscription(conversation.id, events=events, recoverable=True)
            await subscription.subscribe()
        return subscription

    async def told(self, message: Any) -> None:
        """On the personal channel."""
        if message.get("type") == "NEW_CHANNEL":
            await self._gain(message["channel"])
        elif message.get("type") == "CHANNEL_GONE":
            await self._forget(message["channelId"])
            self._watcher.channels_changed()

    async def _gain(self, state: Any) -> Conversation:
        conversation = self._conversations.gain(state)
        await self._listen(conversation)
        self._watcher.channels_changed()
        return conversation

    async def _forget(self, channel_id: str) -> None:
        self._conversations.lose(channel_id)
        subscription = self._client.get_subscription(channel_id)
        if subscription is not None:
            await subscription.unsubscribe()
            self._client.remove_subscription(subscription)

    def subscribed(self, channel_id: str, *, gapless: bool) -> None:
        """What came meanwhile follows by itself if it is ``gapless``; else a conversation is read anew."""
        if gapless or channel_id not in self._conversations:
            return
        self._conversations[channel_id].begin_again()
        if self._watcher.is_seen(channel_id):
            self._go(self._load_newest(channel_id))

    async def _load_newest(self, channel_id: str) -> None:
        try:
            await self.load_older(channel_id)
        except (ServerRefused, ServerUnreachable) as error:
            logger.warning("the newest messages of %s cannot be had: %s", channel_id, error)

    def published(self, channel_id: str, data: Any) -> None:
        if channel_id not in self._conversations:
            return
        entry = msgspec.convert(data, Entry)
        if entry.key and self._conversations.is_me(entry.sender):
            self._conversations.sent(entry.key)
        conversation = self._conversations[channel_id]
        if conversation.arrived(entry, seen=self._watcher.is_seen(channel_id)):
            self._watcher.conversation_changed(channel_id)
            self._watcher.channels_changed()

    def line(self, state: str) -> None:
        self._watcher.line_changed(state)


_TOO_MANY = 111


class _Events(ClientEventHandler):
    def __init__(self, link: Link) -> None:
        self._link = link

    async def on_connecting(self, ctx: ConnectingContext) -> None:
        self._link.line("connecting")

    async def on_connected(self, ctx: ConnectedContext) -> None:
        await self._link.connected(ctx.data)

    async def on_disconnected(self, ctx: DisconnectedContext) -> None:
        self._link.line(f"signed out: {ctx.reason}" if ctx.code else "disconnected")

    async def on_publication(self, ctx: ServerPublicationContext) -> None:
        await self._link.told(ctx.pub.data)


class _ChannelEvents(SubscriptionEventHandler):
    def __init__(self, link: Link, channel_id: str) -> None:
        self._link = link
        self._channel_id = channel_id

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        self._link.subscribed(self._channel_id, gapless=ctx.was_recovering and ctx.recovered)

    async def on_publication(self, ctx: PublicationContext) -> None:
        self._link.published(self._channel_id, ctx.pub.data)
