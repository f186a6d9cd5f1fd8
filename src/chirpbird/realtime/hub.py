"""A node's subscriptions: which sessions get what is said in a channel, and which sessions a user has."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import TYPE_CHECKING

from chirpbird.realtime.channel_position import ChannelPosition
from chirpbird.realtime.lane import Address, Lane
from chirpbird.realtime.protocol.codes import EncodeError
from chirpbird.realtime.stats import Counters
from chirpbird.realtime.subscription import Subscription
from chirpbird.realtime.types import ClientInfo, Publication
from chirpbird.realtime.variety import Group, Round, Variety

if TYPE_CHECKING:
    from chirpbird.realtime.session import Session

__all__ = ["Channel", "Hub"]

_logger = logging.getLogger("chirpbird.realtime")
_RECENT_LIMIT = 1024
"""Publications remembered while somebody is joining; who needs older ones reads the stream once more."""


class Channel:
    """One channel's subscribers on this node.

    Publications gather in ``pending`` during one turn of the event loop; ``settle`` encodes them once per variety and hands all
    of them to each subscriber as one piece. Whoever changes the set of subscribers settles first.
    """

    __slots__ = (
        "active_at",
        "attached",
        "attaching",
        "base",
        "count",
        "counters",
        "deltas",
        "filling",
        "groups",
        "holds",
        "idle_since",
        "joining",
        "mark",
        "name",
        "number",
        "opening",
        "pending",
        "position",
        "positioned",
        "recent",
    )

    def __init__(self, name: str, number: int, mark: Callable[[Channel], None], counters: Counters) -> None:
        self.name = name
        self.number = number
        """Stands for the name in pushes to those who agreed to that; no two channels of a node ever have the same."""
        self.counters = counters
        self.mark = mark
        """Have ``settle`` called at the end of this turn."""
        self.groups: dict[Variety, Group] = {}
        self.count = 0
        """Subscribers."""
        self.deltas = 0
        """Groups that are told differences."""
        self.base: Publication | None = None
        """What was delivered last, while anybody is told differences."""
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
        for sessions, chunk in self._chunks():
            for session in sessions:
                session.queue(chunk)

    def flush(self) -> None:
        """As ``settle``, but straight to the connections where nothing else waits: for a channel that is alone in this turn."""
        for sessions, chunk in self._chunks():
            size = len(chunk)
            for session in sessions:
                if not session.out and (left := session.allowance - size) >= 0:
                    session.allowance = left
                    session.connection.write(chunk)
                else:
                    session.queue(chunk)

    def push(self, encode: Callable[[Lane, Address], bytes]) -> None:
        """A join or leave, to those who want them."""
        self.settle()
        frames: dict[tuple[Lane, bool], bytes] = {}
        for group in list(self.groups.values()):
            listeners = [session for session, sub in group if sub.options.push_join_leave]
            if not listeners:
                continue
            lane, compact = group.variety.lane, group.variety.compact
            try:
                frame = frames.get((lane, compact))
                if frame is None:
                    frame = frames[lane, compact] = encode(lane, self.address(compact))
            except EncodeError as error:
                _logger.warning("join or leave in %r cannot be encoded: %s", self.name, error)
                continue
            for session in listeners:
                session.queue(frame)

    def address(self, compact: bool) -> Address:
        """What stands for this channel in pushes."""
        return ("", self.number) if compact else (self.name, 0)

    def add(self, session: Session, sub: Subscription, last: Publication | None = None) -> None:
        """``last``: the publication that the client has just been given, if it was, for the next one to differ from."""
        self.settle()
        variety = sub.variety
        group = self.groups.get(variety)
        if group is None:
            group = self.groups[variety] = Group(variety)
            self.deltas += variety.delta
        newcomer = variety.delta
        if newcomer and last is not None:
            if self.base is None:
                self.base = last
            newcomer = self.base.offset != last.offset or self.base.data != last.data
        group.add(session, sub, newcomer=newcomer)
        self.count += 1

    def remove(self, session: Session, sub: Subscription) -> None:
        group = self.groups.get(sub.variety)
        if group is None or not group.remove(session):
            return
        self.count -= 1
        if not group:
            del self.groups[sub.variety]
            self.deltas -= sub.variety.delta
            if not self.deltas:
                self.base = None

    def subscriptions(self) -> list[Subscription]:
        return [sub for group in self.groups.values() for _, sub in group]

    def begin_join(self) -> None:
        """From here on ``recent`` remembers what is delivered."""
        self.joining += 1
        if self.recent is None:
            self.recent = deque(maxlen=_RECENT_LIMIT)

    def end_join(self) -> None:
        self.joining -= 1
        if not self.joining:
            self.recent = None

    def _chunks(self) -> Iterator[tuple[list[Session], bytes]]:
        """What is pending, as what to hand to whom."""
        if not self.pending:
            return
        pending, self.pending = self.pending, []
        this_round = Round(self.address, pending, self.base)
        if self.deltas:
            self.base = pending[-1][0]
        for group in list(self.groups.values()):
            try:
                if group.members and (chunk := this_round.frames(group.variety)):
                    sessions = group.sessions()
                    self.counters.deliveries += len(sessions) * this_round.count(group.variety)
                    yield sessions, chunk
                if group.newcomers:
                    chunk = this_round.first_frames(group.variety)
                    sessions = group.welcome()
                    self.counters.deliveries += len(sessions) * this_round.count(group.variety)
                    yield sessions, chunk
            except EncodeError as error:
                wire = group.variety.lane.codec.wire
                _logger.warning(
                    "a publication in %r cannot be sent to %s clients: %s", self.name, wire, error
                )
                for session, _ in list(group):
                    session.unencodable()


class Hub:
    """All of a node's sessions and channels."""

    __slots__ = ("_counters", "_mark", "_numbers", "channels", "session_ids", "sessions", "users")

    def __init__(self, mark: Callable[[Channel], None], counters: Counters) -> None:
        self._mark = mark
        self._counters = counters
        self._numbers = count(1)
        self.channels: dict[str, Channel] = {}
        self.sessions: dict[str, Session] = {}
        self.users: dict[str, dict[Session, None]] = {}
        self.session_ids: dict[str, Session] = {}
        """Only of transports that have need of them."""

    def obtain(self, name: str) -> Channel:
        channel = self.channels.get(name)
        if channel is None:
            channel = self.channels[name] = Channel(name, next(self._numbers), self._mark, self._counters)
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
            channel.push(lambda lane, address: lane.join(address, info))

    def leave(self, name: str, info: ClientInfo) -> None:
        channel = self.channels.get(name)
        if channel is not None:
            channel.push(lambda lane, address: lane.leave(address, info))
