"""One client's subscription to one channel."""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING

from chirpbird.realtime.options import SubscribeOptions
from chirpbird.realtime.types import ClientInfo
from chirpbird.realtime.variety import Variety

if TYPE_CHECKING:
    from chirpbird.realtime.hub import Channel
    from chirpbird.realtime.protocol.codes import Unsubscribe
    from chirpbird.realtime.protocol.messages import Command, FilterNode
    from chirpbird.realtime.session import Session

__all__ = ["SubState", "Subscription"]

NO_OPTIONS = SubscribeOptions()


class SubState(IntEnum):
    """Where a subscription is in its life."""

    SUBSCRIBING = 0
    LIVE = 1
    ENDED = 2


class Subscription:
    """What the engine keeps per client and channel. ``expires`` is in monotonic seconds."""

    __slots__ = (
        "asked",
        "channel",
        "expires",
        "info",
        "joining",
        "name",
        "options",
        "positioned",
        "present",
        "server_side",
        "session",
        "state",
        "to_end",
        "variety",
        "waiting",
    )

    def __init__(self, session: Session, name: str, *, server_side: bool) -> None:
        self.session = session
        self.name = name
        self.server_side = server_side
        self.state = SubState.SUBSCRIBING
        self.options = NO_OPTIONS
        self.info: ClientInfo | None = None
        """Who the client is in this channel; known once subscribed."""
        self.channel: Channel | None = None
        """Held while this is set."""
        self.variety = Variety(session.lane)
        self.asked: FilterNode | None = None
        """The client's own filter, a part of the variety's."""
        self.positioned = False
        """Counted in ``Channel.positioned``."""
        self.joining = False
        """Counted in ``Channel.joining``."""
        self.present = False
        self.expires = float("inf")
        self.waiting: deque[Command] | None = None
        """Subscribe and unsubscribe commands that came in while subscribing."""
        self.to_end: Unsubscribe | None = None
        """The server unsubscribed the client while it was subscribing."""
