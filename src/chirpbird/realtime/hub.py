"""A node's subscriptions: which sessions get what is said in a channel, and which sessions a user has."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from chirpbird.realtime.channel_position import ChannelPosition
from chirpbird.realtime.lane import Lane
from chirpbird.realtime.protocol.codes import EncodeError
from chirpbird.realtime.subscription import Subscription
from chirpbird.realtime.types import ClientInfo, Publication

if TYPE_CHECKING:
    from chirpbird.realtime.session import Session

__all__ = ["Channel", "Hub"]

_logger = logging.getLogger("chirpbird.realtime")
_RECENT_LIMIT = 1024
"""Publications remembered while somebody is joining; who needs older ones reads the stream once more."""


class Channel:
    """One channel's subscribers on this node.

    Publications gather in ``pending`` during one turn of the event loop; ``settle`` encodes them once per lane and hands all of
    them to each subscriber as one piece. Whoever changes the set of subscribers settles first.
    """

    __slots__ = (
        "active_at",
        "attached",
        "attaching",
        "filling",
        "holds",
        "idle_since",
        "joining",
        "lanes",
        "mark",
        "name",
        "opening",
        "pending",
        "position",
        "positioned",
        "recent",
    )

    def __init__(self, name: str, mark: Callable[[Channel], None]) -> None:
        self.name = name
        self.mark = mark
        """Have ``settle`` called at the end of this turn."""
        self.lanes: dict[Lane, dict[Session, Subscription]] = {}
        self.pending: list[tuple[Publication, str]] = []
        self.holds = 0
        """Sessions that are subscribed or about to be."""
        self.idle_since = 0.0
        self.attached = False
        """The broker is subscribed."""
        self.attaching: asyncio.Future[None] | None = None
        self.position: ChannelPosition | None = None
        """None: nobody here asked for positions."""
        self.positioned = 0
        """Sessions that are, or are about to be, subscribed with a position."""
        self.opening: asyncio.Future[None] | None = None
        self.filling: asyncio.Future[None] | None = None
        self.active_at = 0.0
        """When the position was last known to be the stream's top; monotonic."""
        self.joining = 0
        self.recent: deque[Publication] | None = None
        """What was delivered since somebody began to join; without holes."""

    def deliver(self, publications: Iterable[Publication], epoch: str) -> None:
        """To all subscribers, at the end of this turn, in this order. Positions have been seen to."""
        pending = self.pending
        if not pending:
            self.mark(self)
        for publication in publications:
            pending.append((publication, epoch))
            if self.recent is not None and publication.offset:
                self.recent.append(publication)

    def settle(self) -> None:
        """Put what is pending into the subscribers' queues."""
        if not self.pending:
            return
        pending, self.pending = self.pending, []
        for lane, sessions in list(self.lanes.items()):
            chunk = self._encode(lane, sessions, pending)
            if chunk:
                for session in list(sessions):
                    session.queue(chunk)

    def flush(self) -> None:
        """As ``settle``, but straight to the connections where nothing else waits: for a channel that is alone in this turn."""
        if not self.pending:
            return
        pending, self.pending = self.pending, []
        for lane, sessions in list(self.lanes.items()):
            chunk = self._encode(lane, sessions, pending)
            size = len(chunk)
            if not size:
                continue
            for session in list(sessions):
                if not session.out and (left := session.allowance - size) >= 0:
                    session.allowance = left
                    session.connection.write(chunk)
                else:
                    session.queue(chunk)

    def push(self, encode: Callable[[Lane], bytes]) -> None:
        """A join or leave, to those who want them."""
        self.settle()
        for lane, sessions in list(self.lanes.items()):
            listeners = [session for session, sub in sessions.items() if sub.options.push_join_leave]
            if not listeners:
                continue
            try:
                frame = encode(lane)
            except EncodeError as error:
                _logger.warning("join or leave in %r cannot be encoded: %s", self.name, error)
                continue
            for session in listeners:
                session.queue(frame)

    def add(self, session: Session, sub: Subscription) -> None:
        self.settle()
        self.lanes.setdefault(session.lane, {})[session] = sub

    def remove(self, session: Session) -> None:
        sessions = self.lanes.get(session.lane)
        if sessions is not None and sessions.pop(session, None) is not None and not sessions:
            del self.lanes[session.lane]

    def subscriptions(self) -> list[Subscription]:
        return [sub for sessions in self.lanes.values() for sub in sessions.values()]

    def begin_join(self) -> None:
        """From here on ``recent`` remembers what is delivered."""
        self.joining += 1
        if self.recent is None:
            self.recent = deque(maxlen=_RECENT_LIMIT)

    def end_join(self) -> None:
        self.joining -= 1
        if not self.joining:
            self.recent = None

    def _encode(
        self, lane: Lane, sessions: dict[Session, Subscription], pending: Sequence[tuple[Publication, str]]
    ) -> bytes:
        """All of ``pending`` as frames; b"" when they cannot be encoded, and then the sessions are on their way out."""
        try:
            if len(pending) == 1:
                publication, epoch = pending[0]
                return lane.publication(self.name, publication, epoch)
            return b"".join(
                [lane.publication(self.name, publication, epoch) for publication, epoch in pending]
            )
        except EncodeError as error:
            _logger.warning(
                "a publication in %r cannot be sent to %s clients: %s", self.name, lane.codec.wire, error
            )
            for session in list(sessions):
                session.unencodable()
            return b""


class Hub:
    """All of a node's sessions and channels."""

    __slots__ = ("_mark", "channels", "session_ids", "sessions", "users")

    def __init__(self, mark: Callable[[Channel], None]) -> None:
        self._mark = mark
        self.channels: dict[str, Channel] = {}
        self.sessions: dict[str, Session] = {}
        self.users: dict[str, dict[Session, None]] = {}
        self.session_ids: dict[str, Session] = {}
        """Only of transports that have need of them."""

    def obtain(self, name: str) -> Channel:
        channel = self.channels.get(name)
        if channel is None:
            channel = self.channels[name] = Channel(name, self._mark)
        return channel

    def add(self, session: Session) -> None:
        self.sessions[session.client.id] = session
        self.users.setdefault(session.client.user, {})[session] = None
        if session.session_id:
            self.session_ids[session.session_id] = session

    def remove(self, session: Session) -> None:
        if self.sessions.pop(session.client.id, None) is None:
            return
        self.session_ids.pop(session.session_id, None)
        sessions = self.users[session.client.user]
        del sessions[session]
        if not sessions:
            del self.users[session.client.user]

    def find(self, user: str | None, client: str = "", session_id: str = "") -> list[Session]:
        """The sessions of a user (None: of everybody), or the one of these with this client id and session id, if given."""
        if session_id or client:
            one = self.session_ids.get(session_id) if session_id else self.sessions.get(client)
            if one is None or (client and one.client.id != client) or user not in (None, one.client.user):
                return []
            return [one]
        return list(self.sessions.values() if user is None else self.users.get(user, ()))

    def join(self, name: str, info: ClientInfo) -> None:
        channel = self.channels.get(name)
        if channel is not None:
            channel.push(lambda lane: lane.join(name, info))

    def leave(self, name: str, info: ClientInfo) -> None:
        channel = self.channels.get(name)
        if channel is not None:
            channel.push(lambda lane: lane.leave(name, info))
