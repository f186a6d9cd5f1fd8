"""What the API does. Each method takes its request and answers its result, or raises a ``ProtocolError``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from chirpbird.realtime import (
    Broker,
    Disconnect,
    Node,
    ProtocolError,
    PublishOptions,
    StreamPosition,
    disconnects,
    errors,
)
from chirpbird.realtime import PublishResult as Published
from chirpbird.standalone.api import requests, results
from chirpbird.standalone.grants import Grant, Override, decode_base64, payload
from chirpbird.standalone.rules import ChannelRule, Rules

__all__ = ["ApiMethods"]

_logger = logging.getLogger("chirpbird.standalone")
_AT_ONCE = 256
"""Publications of one broadcast after which others get a turn."""


class ApiMethods:
    """One node's. ``broker`` is the node's own."""

    def __init__(self, node: Node, broker: Broker, rules: Rules) -> None:
        self._node = node
        self._broker = broker
        self._rules = rules

    async def publish(self, request: requests.PublishRequest) -> results.PublishResult:
        """Into one channel."""
        rule = self._rule(request.channel)
        data = _payload(request)
        if not rule.data_fits(data):
            raise errors.BAD_REQUEST
        published = await self._publish(request.channel, rule, data, request)
        return results.PublishResult(published.offset, published.epoch)

    async def broadcast(self, request: requests.BroadcastRequest) -> results.BroadcastResult:
        """Into several; each has its own result or error."""
        if not request.channels:
            raise errors.BAD_REQUEST
        data = _payload(request)
        responses: list[results.Response] = []
        for some in _chunks(request.channels):
            under_way: list[asyncio.Future[Published] | ProtocolError] = []
            for channel in some:
                try:
                    rule = self._rule(channel)
                    if not rule.data_fits(data):
                        raise errors.BAD_REQUEST
                    under_way.append(self._publish(channel, rule, data, request))
                except ProtocolError as error:
                    under_way.append(error)
            responses += [await _response(published) for published in under_way]
            await asyncio.sleep(0)
        return results.BroadcastResult(responses)

    async def subscribe(self, request: requests.SubscribeRequest) -> results.Done:
        """Connections of a user to a channel, from the server's side."""
        rule = self._rule(request.channel)
        try:
            grant = Grant(
                payload(request.info, request.b64info),
                payload(request.data, request.b64data),
                request.override or Override(),
            )
        except ValueError:
            raise errors.BAD_REQUEST from None
        since = request.recover_since
        await self._node.subscribe(
            request.user,
            request.channel,
            client=request.client,
            session=request.session,
            options=rule.granted(grant, request.expire_at or None),
            recover_since=None if since is None else StreamPosition(since.offset, since.epoch),
        )
        return results.Done()

    async def unsubscribe(self, request: requests.UnsubscribeRequest) -> results.Done:
        """Connections of a user from a channel, or from all."""
        if request.channel:
            self._rule(request.channel)
        await self._node.unsubscribe(
            request.user, request.channel, client=request.client, session=request.session
        )
        return results.Done()

    async def disconnect(self, request: requests.DisconnectRequest) -> results.Done:
        """Connections of a user."""
        told = disconnects.FORCE_DISCONNECT
        if request.disconnect is not None:
            try:
                told = Disconnect(request.disconnect.code, request.disconnect.reason or told.reason)
            except ValueError:
                raise errors.BAD_REQUEST from None
        await self._node.disconnect(
            request.user,
            client=request.client,
            session=request.session,
            disconnect=told,
            whitelist=request.whitelist or (),
        )
        return results.Done()

    async def refresh(self, request: requests.RefreshRequest) -> results.Done:
        """When connections of a user expire, and how they are known."""
        await self._node.refresh(
            request.user,
            client=request.client,
            session=request.session,
            expired=request.expired,
            expire_at=request.expire_at or None,
            info=bytes(request.info) or None,
        )
        return results.Done()

    async def presence(self, request: requests.ChannelRequest) -> results.PresenceResult:
        """Who is in a channel."""
        if not self._rule(request.channel).options.presence:
            raise errors.NOT_AVAILABLE
        present = await self._node.presence(request.channel)
        return results.PresenceResult({client: results.Info.of(info) for client, info in present.items()})

    async def presence_stats(self, request: requests.ChannelRequest) -> results.PresenceStatsResult:
        """How many are in a channel."""
        if not self._rule(request.channel).options.presence:
            raise errors.NOT_AVAILABLE
        stats = await self._node.presence_stats(request.channel)
        return results.PresenceStatsResult(stats.num_clients, stats.num_users)

    async def history(self, request: requests.HistoryRequest) -> results.HistoryResult:
        """A channel's past."""
        if not self._rule(request.channel).options.keeps_history:
            raise errors.NOT_AVAILABLE
        since = request.since
        if request.reverse and since is not None and since.offset == 0:
            raise errors.BAD_REQUEST
        past = await self._node.history(
            request.channel,
            limit=max(request.limit, -1),
            since=None if since is None else StreamPosition(since.offset, since.epoch),
            reverse=request.reverse,
        )
        publications = [results.Pub.of(publication) for publication in past.publications]
        return results.HistoryResult(publications, past.position.offset, past.position.epoch)

    async def history_remove(self, request: requests.ChannelRequest) -> results.Done:
        """A channel's publications; its position stays."""
        if not self._rule(request.channel).options.keeps_history:
            raise errors.NOT_AVAILABLE
        await self._broker.remove_history(request.channel)
        return results.Done()

    async def channels(self, request: requests.ChannelsRequest) -> results.ChannelsResult:
        """Channels with subscribers, over all nodes."""
        counts = await self._node.channels(request.pattern)
        return results.ChannelsResult(
            {channel: results.ChannelCount(count) for channel, count in counts.items()}
        )

    async def info(self, _request: requests.Empty) -> results.InfoResult:
        """All nodes."""
        return results.InfoResult(
            [
                results.NodeResult(
                    uid=node.uid,
                    name=node.name,
                    version=node.version,
                    num_clients=node.num_clients,
                    num_users=node.num_users,
                    num_channels=node.num_channels,
                    num_subs=node.num_subs,
                    uptime=node.uptime,
                    metrics=results.Metrics(node.uptime, node.metrics),
                )
                for node in self._node.info().nodes
            ]
        )

    async def rpc(self, _request: requests.RpcRequest) -> results.Done:
        """Methods that extensions bring; there are none."""
        raise errors.METHOD_NOT_FOUND

    def _rule(self, channel: str) -> ChannelRule:
        """Errors: BAD_REQUEST for a name that is empty or too long, UNKNOWN_CHANNEL."""
        if not self._rules.length_fits(channel):
            raise errors.BAD_REQUEST
        return self._rules.find(channel)

    def _publish(
        self, channel: str, rule: ChannelRule, data: bytes, request: requests.Publishing
    ) -> asyncio.Future[Published]:
        kept: PublishOptions = rule.unkept if request.skip_history else rule.publish
        return self._node.publish(
            channel,
            data,
            tags=request.tags or None,
            idempotency_key=request.idempotency_key,
            delta=request.delta or kept.delta,
            history_size=kept.history_size,
            history_ttl=kept.history_ttl,
            history_meta_ttl=kept.history_meta_ttl,
            version=request.version,
            version_epoch=request.version_epoch,
        )


def _payload(request: requests.Publishing) -> bytes:
    """Here null is a value like any other."""
    try:
        return decode_base64(request.b64data) if request.b64data else bytes(request.data)
    except ValueError:
        raise errors.BAD_REQUEST from None


async def _response(published: asyncio.Future[Published] | ProtocolError) -> results.Response:
    if isinstance(published, ProtocolError):
        return results.Response(error=results.Error(published.code, published.message))
    try:
        result = await published
    except Exception:
        _logger.exception("a publication of a broadcast failed")
        return results.Response(error=results.Error(errors.INTERNAL.code, errors.INTERNAL.message))
    return results.Response(result=results.PublishResult(result.offset, result.epoch))


def _chunks(channels: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(channels), _AT_ONCE):
        yield channels[first : first + _AT_ONCE]
