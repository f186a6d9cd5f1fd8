"""Tells live clients that they came into a channel or went out of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import msgspec

from chirpbird.chat.entities import Membership, Unread, User
from chirpbird.chat.errors import ChatError
from chirpbird.chat.service import Chat
from chirpbird.chat.views import ChannelStateView, PersonView, UserReadView, encode, mute_view, person_view
from chirpbird.realtime import Node, NotificationEvent, RealtimeError

__all__ = ["NodeAudience", "personal_channel"]

logger = logging.getLogger(__name__)


class _ChannelGone(msgspec.Struct, rename="camel"):
    channel_id: str
    type: str = "CHANNEL_GONE"


class _NewChannel(msgspec.Struct, rename="camel"):
    channel: ChannelStateView
    type: str = "NEW_CHANNEL"


class _Read(msgspec.Struct, rename="camel"):
    channel_id: str
    read_seq: int
    unread: int
    mentions: int
    type: str = "READ"


class _Muted(msgspec.Struct, rename="camel"):
    channel_id: str
    mute: str
    muted_until: str | None
    type: str = "MUTED"


class _ReadBy(msgspec.Struct, rename="camel"):
    channel_id: str
    reads: list[UserReadView]
    type: str = "READ_BY"


class _Typing(msgspec.Struct, rename="camel"):
    channel_id: str
    user: PersonView
    type: str = "TYPING"


_CHANGED = "chat.channel_changed"
"""Tells all nodes to forget what they remember of a channel."""


def personal_channel(user_id: str) -> str:
    """The name of the channel that tells a user what no channel's log says."""
    return f"#{user_id}"


class NodeAudience:
    """The chat's ``Audience`` over personal channels. What is lost on the way is in the next connect reply."""

    def __init__(self, node: Node, chat: Chat) -> None:
        self._node = node
        self._chat = chat
        node.on_notification(_CHANGED)(self._forget)

    async def channel_gained(self, user_ids: Sequence[str], channel_id: str) -> None:
        try:
            states = await self._chat.states.of_members(channel_id, user_ids)
        except ChatError:
            logger.warning("cannot tell new members of channel %s", channel_id, exc_info=True)
            return
        for user_id, state in states.items():
            await self._push([user_id], encode(_NewChannel(state)))

    async def channel_lost(self, user_ids: Sequence[str], channel_id: str) -> None:
        for user_id in user_ids:
            try:
                await self._node.unsubscribe(user_id, channel_id)
            except RealtimeError as error:
                # Ended here; other nodes find out by comparing (Resync) when the bus is back.
                logger.warning("other nodes cannot be told that %s left %s: %s", user_id, channel_id, error)
        await self._push(user_ids, encode(_ChannelGone(channel_id)))

    async def channel_changed(self, channel_id: str) -> None:
        self._chat.access.directory.forget(channel_id)
        try:
            await self._node.notify(_CHANGED, channel_id.encode())
        except RealtimeError as error:
            # A node that is not reached shows the old name until somebody in the channel connects to it.
            logger.warning("other nodes cannot be told that channel %s changed: %s", channel_id, error)

    async def read_moved(self, user_id: str, channel_id: str, seq: int, unread: Unread) -> None:
        await self._push([user_id], encode(_Read(channel_id, seq, unread.messages, unread.mentions)))

    async def read_by(self, channel_id: str, reads: Mapping[str, int], members: Sequence[str]) -> None:
        everybodys = [UserReadView(user_id, seq) for user_id, seq in reads.items()]
        for member in members:
            others = [one for one in everybodys if one.user_id != member]
            if others:
                await self._push([member], encode(_ReadBy(channel_id, others)))

    async def muted(self, membership: Membership) -> None:
        setting = mute_view(membership, self._chat.clock.now_ms())
        await self._push([membership.user_id], encode(_Muted(membership.channel_id, *setting)))

    async def typing(self, user: User, channel_id: str, members: Sequence[str]) -> None:
        await self._push(members, encode(_Typing(channel_id, person_view(user))))

    def _forget(self, event: NotificationEvent) -> None:
        self._chat.access.directory.forget(event.data.decode())

    async def _push(self, user_ids: Sequence[str], data: bytes) -> None:
        for user_id in user_ids:
            try:
                await self._node.publish(personal_channel(user_id), data)
            except RealtimeError as error:
                logger.warning("user %s cannot be told of a channel now: %s", user_id, error)
