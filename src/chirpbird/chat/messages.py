"""Saying something, and reading what was said."""

from __future__ import annotations

from asyncio import Future

from chirpbird.chat import text
from chirpbird.chat.access import Access
from chirpbird.chat.clock import Clock
from chirpbird.chat.entities import Draft, Entry, EntryKind
from chirpbird.chat.errors import InvalidInput
from chirpbird.chat.limits import MAX_PAGE, MAX_SEQ, ChatLimits, bounded
from chirpbird.chat.people import People
from chirpbird.chat.permissions import Operation
from chirpbird.chat.ports import Log
from chirpbird.chat.rendering import Renderer
from chirpbird.chat.throttle import Throttle
from chirpbird.chat.views import EntryView, MessagesView, position_view

__all__ = ["Messages"]


class Messages:
    """The messages of channels."""

    def __init__(
        self, log: Log, access: Access, people: People, renderer: Renderer, clock: Clock, limits: ChatLimits
    ) -> None:
        self._log = log
        self._access = access
        self._people = people
        self._renderer = renderer
        self._throttle = Throttle(
            "messages", burst=limits.sends_at_once, per_second=limits.sends_per_second, now=clock.monotonic
        )

    def send(self, user_id: str, channel_id: str, data: str, key: str = "") -> Future[Entry]:
        """Append a message to the channel's log; the future completes when it is durable.

        The hot path: a plain call, no task. **The caller has made sure that the user is a member**; a client
        that is subscribed to a channel is. A ``key`` that this user already used in this channel completes
        with the first message.

        Raises at once: InvalidInput, TooMany. In the future: NotFound, StoreFull, StoreUnavailable.
        """
        data = text.message(data)
        if key:
            key = text.key(key)
        self._throttle.check(user_id)
        return self._log.append(
            Draft(channel_id=channel_id, kind=EntryKind.MESSAGE, sender_id=user_id, key=key, text=data)
        )

    async def send_checked(self, user_id: str, channel_id: str, data: str, key: str = "") -> EntryView:
        """``send`` for whoever may not be a member.

        Errors: NotFound, NotPermitted, InvalidInput, TooMany, StoreFull, StoreUnavailable.
        """
        await self._access.require(Operation.SEND_MESSAGE, user_id, channel_id)
        await self._people.me(user_id)
        entry = await self.send(user_id, channel_id, data, key)
        [view] = await self._renderer.views([entry])
        return view

    async def page(
        self,
        user_id: str,
        channel_id: str,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
    ) -> MessagesView:
        """Up to ``limit`` (1-300) entries in ascending order: the last ones before seq ``before``, or the
        first ones after seq ``after``, or the newest.

        Errors: InvalidInput (both bounds at once, too), NotFound, NotPermitted, StoreUnavailable.
        """
        bounded(limit, field="limit", minimum=1, maximum=MAX_PAGE)
        if before is not None and after is not None:
            raise InvalidInput("before and after are both given, one of them is expected", field="before")
        await self._access.require(Operation.FETCH_MESSAGES, user_id, channel_id)
        if after is not None:
            bounded(after, field="after", minimum=0, maximum=MAX_SEQ)
            entries, top = await self._log.read(channel_id, after=after, limit=limit)
            has_more = bool(entries) and entries[-1].seq < top.seq
        else:
            before = (
                MAX_SEQ if before is None else bounded(before, field="before", minimum=0, maximum=MAX_SEQ)
            )
            entries, top = await self._log.read_before(channel_id, before=before, limit=limit)
            has_more = bool(entries) and entries[0].seq > 1
        return MessagesView(await self._renderer.views(entries), position_view(top), has_more)
