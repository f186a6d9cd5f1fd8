"""What was queued within one turn of the event loop leaves in one write per connection, with one callback for the whole node."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chirpbird.realtime.hub import Channel
    from chirpbird.realtime.session import Session

__all__ = ["Flusher"]


class Flusher:
    """Sessions and channels that have something to send."""

    __slots__ = ("_call_soon", "_channels", "_scheduled", "_sessions")

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._call_soon = call_soon
        self._channels: list[Channel] = []
        self._sessions: list[Session] = []
        self._scheduled = False

    def mark_channel(self, channel: Channel) -> None:
        self._channels.append(channel)
        if not self._scheduled:
            self._scheduled = True
            self._call_soon(self.flush)

    def mark_session(self, session: Session) -> None:
        self._sessions.append(session)
        if not self._scheduled:
            self._scheduled = True
            self._call_soon(self.flush)

    def flush(self) -> None:
        self._scheduled = False
        if self._channels:
            channels, self._channels = self._channels, []
            if len(channels) == 1:
                channels[0].flush()
            else:
                for channel in channels:
                    channel.settle()
        sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.flush()
