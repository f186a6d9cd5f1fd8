"""Tells live clients that they came into a channel or went out of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from chirpbird.chat.errors import ChatError
from chirpbird.chat.service import Chat
from chirpbird.chat.views import ChannelStateView, encode
from chirpbird.realtime import Node, RealtimeError

__all__ = ["NodeAudience", "personal_channel"]

logger = logging.getLogger(__name__)


class _ChannelGone(msgspec.Struct, rename="camel"):
    channel_id: str
    type: str = "CHANNEL_GONE"


class _NewChannel(msgspec.Struct, rename="camel"):
    channel: ChannelStateView
    type: str = "NEW_CHANNEL"


def personal_channel(user_id: str) -> str:
    """The name of the channel that tells a user what no channel's log says."""
    return f"#{user_id}"


class NodeAudience:
    """The chat's ``Audience`` over personal channels. What is lost on the way is in the next connect reply."""

    def __init__(self, node: Node, chat: Chat) -> None:
        self._node = node
        self._chat = chat

    async def channel_gained(self, user_ids: Sequence[str], channel_id: str) -> None:
        try:
            state = await self._chat.states.of_channel(channel_id)
        except ChatError:
            logger.warning("cannot tell new members of channel %s", channel_id, exc_info=True)
            return
        await self._push(user_ids, encode(_NewChannel(state)))

    async def channel_lost(self, user_ids: Sequence[str], channel_id: str) -> None:
        for user_id in user_ids:
            try:
                await self._node.unsubscribe(user_id, channel_id)
            except RealtimeError as error:
                # Ended here; other nodes find out by comparing (Resync) when the bus is back.
                logger.warning("other nodes cannot be told that %s left %s: %s", user_id, channel_id, error)
        await self._push(user_ids, encode(_ChannelGone(channel_id)))

    async def _push(self, user_ids: Sequence[str], data: bytes) -> None:
        for user_id in user_ids:
            try:
                await self._node.publish(personal_channel(user_id), data)
            except RealtimeError as error:
                logger.warning("user %s cannot be told of a channel now: %s", user_id, error)
