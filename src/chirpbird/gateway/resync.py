"""After the bus was down: telling users what it has not told them about the channels that they are in."""

from __future__ import annotations

import asyncio
import logging

from chirpbird.chat.errors import ChatError
from chirpbird.chat.ports import Audience, Channels
from chirpbird.realtime import Node

__all__ = ["Resync"]

logger = logging.getLogger(__name__)

_AT_ONCE = 20
_PAUSE = 0.02
"""Seconds between handfuls of users: 1,000 users a second at most."""
_ROUND = 1.0
"""Seconds between rounds while the bus is down."""


class Resync:
    """While the bus is down, and once when it is back, the users connected here are compared with the store: who is subscribed
    to a channel and no longer its member is unsubscribed, and who came into a channel without being told is told (once for each
    outage).
    """

    def __init__(self, node: Node, channels: Channels, audience: Audience) -> None:
        self._node = node
        self._channels = channels
        self._audience = audience
        self._task: asyncio.Task[None] | None = None
        self._told: set[tuple[str, str]] = set()
        self._changes = 0
        node.on_bus_change(self._bus_changed)

    async def close(self) -> None:
        """Stop."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def _bus_changed(self, up: bool) -> None:
        self._changes += 1
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
            self._task.add_done_callback(self._done)

    async def _run(self) -> None:
        while True:
            changes, up = self._changes, self._node.bus_up
            await self._round()
            if up and changes == self._changes:
                return
            await asyncio.sleep(_ROUND)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._task = None
        self._told.clear()
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("users may not know of all their channels until they connect again", exc_info=error)

    async def _round(self) -> None:
        users = self._node.users()
        for start in range(0, len(users), _AT_ONCE):
            await asyncio.gather(*(self._compare(user) for user in users[start : start + _AT_ONCE]))
            await asyncio.sleep(_PAUSE)

    async def _compare(self, user: str) -> None:
        subscribed = {name for name in self._node.channels_of(user) if not name.startswith("#")}
        try:
            members = {channel.id for channel, _, _ in await self._channels.of_user(user)}
            for channel_id in subscribed - members:
                if not await self._channels.is_member(channel_id, user):
                    await self._audience.channel_lost([user], channel_id)
            for channel_id in members - subscribed:
                if (user, channel_id) not in self._told:
                    self._told.add((user, channel_id))
                    await self._audience.channel_gained([user], channel_id)
        except ChatError as error:
            logger.info("the channels of user %s cannot be compared now: %s", user, error)
