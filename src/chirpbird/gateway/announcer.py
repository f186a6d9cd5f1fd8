"""From the log's commits to the engine: each durable entry is announced once, in log order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from chirpbird.chat.directory import Directory
from chirpbird.chat.entities import Channel, Entry
from chirpbird.chat.errors import ChatError
from chirpbird.chat.rendering import Renderer
from chirpbird.realtime import Node, Publication

__all__ = ["Announcer"]

logger = logging.getLogger(__name__)


class Announcer:
    """A commit listener. The usual entry is rendered and announced at once; one whose names must be fetched first holds back
    only what follows it in its own channel. What cannot be announced is not lost: subscribers' positions show the gap, and
    the engine fills it from the log.
    """

    def __init__(self, node: Node, renderer: Renderer, channels: Directory[Channel]) -> None:
        self._node = node
        self._renderer = renderer
        self._channels = channels
        self._waiting: dict[str, list[Entry]] = {}
        """Entries of a channel behind one whose names are being fetched; an empty list: only that one."""
        self._tasks: set[asyncio.Task[None]] = set()

    def committed(self, entries: Sequence[Entry]) -> None:
        """The log's commit listener."""
        for entry in entries:
            waiting = self._waiting.get(entry.channel_id)
            if waiting is not None:
                waiting.append(entry)
                continue
            data = self._renderer.render_now(entry)
            channel = self._channels.peek(entry.channel_id)
            if data is None or channel is None:
                self._waiting[entry.channel_id] = [entry]
                self._start(entry.channel_id)
            else:
                self._node.announce(entry.channel_id, Publication(data=data, offset=entry.seq), channel.epoch)

    def _start(self, channel_id: str) -> None:
        task = asyncio.get_running_loop().create_task(self._announce_waiting(channel_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _announce_waiting(self, channel_id: str) -> None:
        try:
            while entries := self._waiting[channel_id]:
                self._waiting[channel_id] = []
                rendered = await self._renderer.render(entries)
                channel = await self._channels.get(channel_id)
                if channel is None:
                    return
                for entry, data in zip(entries, rendered, strict=True):
                    self._node.announce(channel_id, Publication(data=data, offset=entry.seq), channel.epoch)
        except ChatError:
            logger.warning(
                "announcing late: names of channel %s cannot be read now", channel_id, exc_info=True
            )
        finally:
            del self._waiting[channel_id]
