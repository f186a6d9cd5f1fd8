"""What clients may do, as the configuration has it: the handlers of the node."""

from __future__ import annotations

import logging
from collections.abc import Awaitable

import msgspec

from chirpbird.realtime import (
    Client,
    ConnectingEvent,
    ConnectReply,
    HistoryEvent,
    HistoryReply,
    Node,
    PresenceEvent,
    PresenceReply,
    PresenceStatsEvent,
    ProtocolError,
    PublishEvent,
    PublishReply,
    RefreshEvent,
    RefreshReply,
    RpcEvent,
    RpcReply,
    SubRefreshEvent,
    SubRefreshReply,
    SubscribeEvent,
    SubscribeOptions,
    SubscribeReply,
    disconnects,
    errors,
)
from chirpbird.standalone.config import Config
from chirpbird.standalone.rules import ChannelRule, Rules
from chirpbird.standalone.tokens import ConnectionToken, InvalidToken, SubscriptionToken, TokenVerifier

__all__ = ["Handlers"]

_logger = logging.getLogger("chirpbird.standalone")


class Handlers:
    """Registers itself with a node. ``subscription_tokens`` verifies subscription tokens, ``tokens`` those of connections."""

    def __init__(
        self,
        node: Node,
        config: Config,
        rules: Rules,
        tokens: TokenVerifier,
        subscription_tokens: TokenVerifier,
    ) -> None:
        self._node = node
        self._client = config.client
        self._rules = rules
        self._tokens = tokens
        self._subscription_tokens = subscription_tokens
        node.on_connecting(self.connecting)
        node.on_refresh(self.refresh)
        node.on_subscribe(self.subscribe)
        node.on_sub_refresh(self.sub_refresh)
        node.on_publish(self.publish)
        node.on_presence(self.presence)
        node.on_presence_stats(self.presence_stats)
        node.on_history(self.history)
        ping = config.rpc.ping
        if ping.enabled:

            @node.on_rpc
            def rpc(client: Client, event: RpcEvent) -> RpcReply:
                if event.method != ping.method:
                    raise errors.METHOD_NOT_FOUND
                return RpcReply(b"{}")

    # Connections

    def connecting(self, client: Client, event: ConnectingEvent) -> ConnectReply | Awaitable[ConnectReply]:
        """With a token, as whom it says; without one, as nobody where that is allowed."""
        if event.token:
            return self._connect_with_token(client, event)
        if self._client.insecure or self._client.allow_anonymous_connect_without_token:
            wished_for = self._wished_for(client, event, "")
            return ConnectReply(user="", subscriptions=wished_for, context=frozenset())
        raise disconnects.BAD_REQUEST

    async def _connect_with_token(self, client: Client, event: ConnectingEvent) -> ConnectReply:
        token = await self._connection_token(client, event.token)
        if not token.user and self._client.disallow_anonymous_connection_tokens:
            raise disconnects.PERMISSION_DENIED
        subscriptions = {
            channel: self._rules.find(channel).granted(grant)
            for channel, grant in token.subscriptions.items()
        }
        personal = self._client.subscribe_to_user_personal_channel
        if personal.enabled and token.user:
            channel = self._rules.personal_channel(token.user)
            if personal.single_connection:
                await self._end_others(client, token.user, channel)
            subscriptions[channel] = self._rules.find(channel).subscription()
        for channel, options in self._wished_for(client, event, token.user).items():
            subscriptions.setdefault(channel, options)
        return ConnectReply(
            user=token.user,
            expire_at=None if self._client.insecure else token.expire_at,
            info=token.info,
            subscriptions=subscriptions,
            context=frozenset(token.subscriptions),
            meta=token.meta,
        )

    async def _connection_token(self, client: Client, token: str) -> ConnectionToken:
        try:
            return await self._tokens.connection(token)
        except InvalidToken as error:
            _logger.info("client %s: a connection token is refused: %s", client.id, error)
            raise disconnects.INVALID_TOKEN from error

    async def _end_others(self, client: Client, user: str, personal: str) -> None:
        stats = await self._node.presence_stats(personal)
        if stats.num_clients:
            await self._node.disconnect(user, disconnect=disconnects.CONNECTION_LIMIT, whitelist=[client.id])

    def _wished_for(self, client: Client, event: ConnectingEvent, user: str) -> dict[str, SubscribeOptions]:
        """Of the channels that the client would like the server to subscribe it to, those that it may subscribe to itself."""
        if len(event.subs) > self._client.channel_limit:
            raise errors.LIMIT_EXCEEDED
        granted = {}
        for channel in event.subs:
            try:
                rule = self._rules.checked(channel)
            except ProtocolError as error:
                _logger.info("client %s would like to be subscribed to %r: %s", client.id, channel, error)
                raise disconnects.BAD_REQUEST from error
            if self._rules.may_subscribe(rule, channel, user):
                granted[channel] = rule.subscription()
        return granted

    async def refresh(self, client: Client, event: RefreshEvent) -> RefreshReply:
        """A fresh token of the same user. If it grants other channels than the one before, the client is to come anew."""
        token = await self._connection_token(client, event.token)
        if token.user != client.user:
            _logger.info("client %s: the token of another user is refused", client.id)
            raise disconnects.INVALID_TOKEN
        if frozenset(token.subscriptions) != client.context:
            raise disconnects.INSUFFICIENT_STATE
        expire_at = None if self._client.insecure else token.expire_at
        return RefreshReply(expire_at, info=token.info, meta=token.meta or None)

    # Subscriptions

    def subscribe(self, client: Client, event: SubscribeEvent) -> SubscribeReply | Awaitable[SubscribeReply]:
        """A token decides alone; without one, the name and the namespace do."""
        rule = self._rules.checked(event.channel)
        if event.token:
            return self._subscribe_with_token(client, event, rule)
        if not self._rules.may_subscribe(rule, event.channel, client.user):
            raise errors.PERMISSION_DENIED
        return SubscribeReply(rule.subscription(**self._wishes(client, event, rule)))

    async def _subscribe_with_token(
        self, client: Client, event: SubscribeEvent, rule: ChannelRule
    ) -> SubscribeReply:
        try:
            token = await self._subscription_tokens.subscription(event.token)
        except InvalidToken as error:
            _logger.info("client %s, channel %r: a token is refused: %s", client.id, event.channel, error)
            raise errors.PERMISSION_DENIED from error
        _check_owner(client, event.channel, token)
        expire_at = None if self._client.insecure else token.expire_at
        options = rule.granted(token.grant, expire_at)
        wished = {name: True for name, granted in self._wishes(client, event, rule).items() if granted}
        return SubscribeReply(msgspec.structs.replace(options, **wished) if wished else options)

    def _wishes(self, client: Client, event: SubscribeEvent, rule: ChannelRule) -> dict[str, bool]:
        """What the client asked for beyond the namespace's defaults, and may have."""
        options = rule.options
        past = options.keeps_history and rule.may_see_history(client.user, subscribed=True)
        history = options.keeps_history
        return {
            "positioned": event.positioned and history and (options.allow_positioning or past),
            "recoverable": event.recoverable and history and (options.allow_recovery or past),
            "push_join_leave": event.join_leave
            and options.join_leave
            and rule.may_see_presence(client.user, subscribed=True),
        }

    async def sub_refresh(self, client: Client, event: SubRefreshEvent) -> SubRefreshReply:
        """A fresh token for the same channel, user and client."""
        try:
            token = await self._subscription_tokens.subscription(event.token)
        except InvalidToken as error:
            _logger.info("client %s, channel %r: a token is refused: %s", client.id, event.channel, error)
            raise disconnects.INVALID_TOKEN from error
        _check_owner(client, event.channel, token)
        return SubRefreshReply(None if self._client.insecure else token.expire_at, token.grant.info)

    # Channels

    def publish(self, client: Client, event: PublishEvent) -> PublishReply:
        rule = self._rules.checked(event.channel)
        if not rule.may_publish(client.user, subscribed=client.is_subscribed(event.channel)):
            raise errors.PERMISSION_DENIED
        if not rule.data_fits(event.data):
            raise errors.BAD_REQUEST
        return rule.publish_reply

    def presence(self, client: Client, event: PresenceEvent | PresenceStatsEvent) -> PresenceReply:
        rule = self._rules.checked(event.channel)
        if not rule.options.presence:
            raise errors.NOT_AVAILABLE
        if not rule.may_see_presence(client.user, subscribed=client.is_subscribed(event.channel)):
            raise errors.PERMISSION_DENIED
        return _ASK_THE_ENGINE

    def presence_stats(self, client: Client, event: PresenceStatsEvent) -> PresenceReply:
        return self.presence(client, event)

    def history(self, client: Client, event: HistoryEvent) -> HistoryReply:
        rule = self._rules.checked(event.channel)
        if not rule.options.keeps_history:
            raise errors.NOT_AVAILABLE
        if not rule.may_see_history(client.user, subscribed=client.is_subscribed(event.channel)):
            raise errors.PERMISSION_DENIED
        return HistoryReply()


_ASK_THE_ENGINE = PresenceReply()


def _check_owner(client: Client, channel: str, token: SubscriptionToken) -> None:
    """A subscription token is for one user and channel, and may be for one client. Errors: Disconnect."""
    if token.channel != channel:
        problem = "channel"
    elif token.user != client.user:
        problem = "user"
    elif token.client not in ("", client.id):
        problem = "client"
    else:
        return
    _logger.info("client %s, channel %r: the token is of another %s", client.id, channel, problem)
    raise disconnects.INVALID_TOKEN
