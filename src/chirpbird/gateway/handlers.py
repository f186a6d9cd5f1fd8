"""The chat as the realtime node's handlers: who may connect, subscribe, publish and look."""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections.abc import Mapping

import msgspec

from chirpbird.chat.entities import Entry
from chirpbird.chat.errors import ChatError, InvalidInput, NotSignedIn, TokenExpired
from chirpbird.chat.permissions import Operation
from chirpbird.chat.service import Chat
from chirpbird.chat.tokens import Identity
from chirpbird.chat.views import encode
from chirpbird.gateway import rpc
from chirpbird.gateway.audience import personal_channel
from chirpbird.gateway.errors import NOT_JSON, channel_refusal, protocol_error
from chirpbird.realtime import (
    Client,
    ConnectingEvent,
    ConnectReply,
    DisconnectEvent,
    HistoryEvent,
    HistoryReply,
    Node,
    PresenceEvent,
    PresenceReply,
    PresenceStatsEvent,
    PublishEvent,
    PublishReply,
    PublishResult,
    RefreshEvent,
    RefreshReply,
    RpcEvent,
    RpcReply,
    SubscribeEvent,
    SubscribeOptions,
    SubscribeReply,
)
from chirpbird.realtime.protocol import disconnects
from chirpbird.realtime.protocol.errors import PERMISSION_DENIED, TOKEN_EXPIRED

__all__ = ["CHANNEL_OPERATIONS", "Handlers"]

CHANNEL_OPERATIONS: Mapping[str, Operation] = {
    "connect": Operation.CONNECT,
    "subscribe": Operation.SUBSCRIBE,
    "publish": Operation.PUBLISH,
    "presence": Operation.PRESENCE,
    "presence_stats": Operation.PRESENCE_STATS,
    "history": Operation.HISTORY,
}
"""Commands of the protocol and the row of the permission table that each is held to."""

_PERSONAL = SubscribeOptions()
_CHAT = SubscribeOptions(presence=True, join_leave=True, positioned=True, recoverable=True)
_CHAT_WITH_JOIN_LEAVE = SubscribeOptions(
    presence=True, join_leave=True, push_join_leave=True, positioned=True, recoverable=True
)


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    """What a client publishes to say something."""

    data: str
    key: str = ""
    reply_to: int = msgspec.field(default=0, name="replyTo")


_MESSAGE = msgspec.json.Decoder(_Message)


class Handlers:
    """Registers itself on a node and answers for it."""

    def __init__(self, node: Node, chat: Chat) -> None:
        self._chat = chat
        self._node = node
        node.on_connecting(self.connecting)
        node.on_refresh(self.refresh)
        node.on_subscribe(self.subscribe)
        node.on_publish(self.publish)
        node.on_presence(self.presence)
        node.on_presence_stats(self.presence_stats)
        node.on_history(self.history)
        node.on_rpc(self.rpc)
        node.on_disconnect(self.disconnect)

    async def connecting(self, client: Client, event: ConnectingEvent) -> ConnectReply:
        """The token says who it is; the reply's data is the user's whole present state."""
        identity = self._identify(event.token)
        try:
            state = await self._chat.states.of_user(identity.user_id)
        except NotSignedIn as error:
            raise disconnects.INVALID_TOKEN from error
        except ChatError as error:
            raise protocol_error(error) from error
        return ConnectReply(
            user=identity.user_id,
            expire_at=identity.expires_at,
            info=encode({"username": state.user.username, "name": state.user.name}),
            data=encode(state),
            subscriptions={personal_channel(identity.user_id): _PERSONAL},
        )

    def refresh(self, client: Client, event: RefreshEvent) -> RefreshReply:
        """A fresh token of the same user."""
        identity = self._identify(event.token)
        if identity.user_id != client.user:
            raise disconnects.INVALID_TOKEN
        return RefreshReply(expire_at=identity.expires_at)

    async def subscribe(self, client: Client, event: SubscribeEvent) -> SubscribeReply:
        """Members only. Chat channels are positioned and recoverable whether asked or not."""
        await self._require(Operation.SUBSCRIBE, client, event.channel)
        return SubscribeReply(options=_CHAT_WITH_JOIN_LEAVE if event.join_leave else _CHAT)

    def publish(self, client: Client, event: PublishEvent) -> Future[PublishReply]:
        """Append to the log; the acknowledgement follows when it is durable. No task on the usual path: a client that is
        subscribed is a member."""
        try:
            message = _MESSAGE.decode(event.data)
        except NOT_JSON as error:
            wrong = InvalidInput(f'data does not fit, {{"data": "text", "key": "…"}} is expected: {error}')
            raise protocol_error(wrong) from error
        if not client.is_subscribed(event.channel):
            return get_running_loop().create_task(self._publish_checked(client.user, event.channel, message))
        try:
            appended = self._chat.messages.send(
                client.user, event.channel, message.data, message.key, message.reply_to
            )
        except ChatError as error:
            raise protocol_error(error) from error
        return _acknowledgement(appended)

    async def presence(self, client: Client, event: PresenceEvent) -> PresenceReply:
        """Who is present is for members."""
        await self._require(Operation.PRESENCE, client, event.channel)
        return PresenceReply()

    async def presence_stats(self, client: Client, event: PresenceStatsEvent) -> PresenceReply:
        """How many are present, likewise."""
        await self._require(Operation.PRESENCE_STATS, client, event.channel)
        return PresenceReply()

    async def history(self, client: Client, event: HistoryEvent) -> HistoryReply:
        """A channel's past is for members."""
        await self._require(Operation.HISTORY, client, event.channel)
        return HistoryReply()

    async def rpc(self, client: Client, event: RpcEvent) -> RpcReply:
        """One of the methods of ``rpc.METHODS``."""
        return RpcReply(await rpc.call(self._chat, client.user, event.method, event.data))

    def disconnect(self, client: Client, event: DisconnectEvent) -> None:
        """Whose last connection to this node ended was seen until now."""
        if not self._node.channels_of(client.user):
            self._chat.reading.left(client.user)

    def _identify(self, token: str) -> Identity:
        if not token:
            raise disconnects.BAD_REQUEST
        try:
            return self._chat.tokens.verify(token)
        except TokenExpired as error:
            raise TOKEN_EXPIRED from error
        except NotSignedIn as error:
            raise disconnects.INVALID_TOKEN from error

    async def _require(self, operation: Operation, client: Client, channel: str) -> None:
        if channel.startswith("#"):
            # Personal channels are subscribed by the server, and are nobody's to publish to or to look into.
            raise PERMISSION_DENIED
        try:
            await self._chat.access.require(operation, client.user, channel)
        except ChatError as error:
            raise channel_refusal(error) from error

    async def _publish_checked(self, user: str, channel: str, message: _Message) -> PublishReply:
        if channel.startswith("#"):
            raise PERMISSION_DENIED
        try:
            entry = await self._chat.messages.send_checked(
                user, channel, message.data, message.key, message.reply_to
            )
        except ChatError as error:
            raise channel_refusal(error) from error
        return PublishReply(PublishResult(entry.seq, ""))


def _acknowledgement(appended: Future[Entry]) -> Future[PublishReply]:
    acknowledged: Future[PublishReply] = appended.get_loop().create_future()

    def settle(done: Future[Entry]) -> None:
        if acknowledged.cancelled():
            return
        if done.cancelled():
            acknowledged.cancel()
            return
        error = done.exception()
        if error is None:
            acknowledged.set_result(PublishReply(PublishResult(done.result().seq, "")))
        elif isinstance(error, ChatError):
            acknowledged.set_exception(channel_refusal(error))
        else:
            acknowledged.set_exception(error)

    appended.add_done_callback(settle)
    return acknowledged
