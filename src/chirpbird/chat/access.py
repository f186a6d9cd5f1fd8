"""Asking the permission table with the facts of the store filled in."""

from __future__ import annotations

from collections.abc import Mapping

from chirpbird.chat import permissions, text
from chirpbird.chat.directory import Directory
from chirpbird.chat.entities import Channel, Membership
from chirpbird.chat.permissions import RULES, Operation, Rule
from chirpbird.chat.ports import Channels

__all__ = ["Access"]


class Access:
    """Answers whether a person may do something to a channel."""

    def __init__(self, channels: Channels, *, capacity: int) -> None:
        self._channels = channels
        self.directory: Directory[Channel] = Directory(self._load, capacity=capacity)
        """Channels by id. Good for id, kind, name, creator and epoch; not for counts and times."""

    async def require(
        self, operation: Operation, user_id: str | None, channel_id: str, *, sender_id: str | None = None
    ) -> Channel:
        """The channel (out of the directory: its counts may be old), if this person may do ``operation`` to
        it; ``sender_id`` is that of the message that it is about.

        Errors: NotSignedIn, NotFound, NotPermitted, StoreUnavailable.
        """
        channel, _ = await self.require_member(operation, user_id, channel_id, sender_id=sender_id)
        return channel

    async def require_member(
        self, operation: Operation, user_id: str | None, channel_id: str, *, sender_id: str | None = None
    ) -> tuple[Channel, Membership | None]:
        """``require``, with what is kept of this person in the channel (None: no member, or it does not matter)."""
        channel = None
        membership = None
        if user_id is not None and text.is_identifier(channel_id):
            channel = await self.directory.get(channel_id)
            if channel is not None and RULES[operation] in _ABOUT_MEMBERS:
                membership = (await self._channels.memberships(channel_id, [user_id])).get(user_id)
        permissions.check(
            operation,
            user_id=user_id,
            channel=channel,
            role=None if membership is None else membership.role,
            sender_id=sender_id,
        )
        if channel is None:
            raise permissions.no_such_channel()
        return channel, membership

    async def _load(self, ids: list[str]) -> Mapping[str, Channel]:
        found = {}
        for channel_id in ids:
            channel = await self._channels.by_id(channel_id)
            if channel is not None:
                found[channel_id] = channel
        return found


_ABOUT_MEMBERS = frozenset(Rule) - {Rule.ANYONE, Rule.SIGNED_IN, Rule.SELF}
