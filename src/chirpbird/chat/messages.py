"""Saying something, and reading what was said."""

from __future__ import annotations

import asyncio
from asyncio import Future

from msgspec.structs import replace

from chirpbird.chat import text
from chirpbird.chat.access import Access
from chirpbird.chat.clock import Clock, milliseconds
from chirpbird.chat.entities import Draft, Entry, EntryKind, Position
from chirpbird.chat.errors import InvalidInput, NotFound
from chirpbird.chat.limits import MAX_PAGE, MAX_SEQ, ChatLimits, bounded
from chirpbird.chat.mentions import Mentioning
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
        self,
        log: Log,
        access: Access,
        people: People,
        renderer: Renderer,
        mentioning: Mentioning,
        clock: Clock,
        limits: ChatLimits,
    ) -> None:
        self._log = log
        self._access = access
        self._people = people
        self._renderer = renderer
        self._mentioning = mentioning
        self._preparing: dict[tuple[str, str], asyncio.Task[Entry]] = {}
        """By sender and channel, the last message that had to be looked into before it could be appended."""
        self._throttle = Throttle(
            "messages", burst=limits.sends_at_once, per_second=limits.sends_per_second, now=clock.monotonic
        )

    def send(
        self, user_id: str, channel_id: str, data: str, key: str = "", reply_to: int = 0
    ) -> Future[Entry]:
        """Append a message to the channel's log; the future completes when it is durable. ``reply_to`` is the seq of the message
        that it answers; 0: none.

        The hot path: a plain call, no task, unless it mentions or answers. **The caller has made sure that the user is a
        member**; a client that is subscribed to a channel is. A ``key`` that this user already used in this channel completes
        with the first message.

        Raises at once: InvalidInput, TooMany. In the future: NotFound, StoreFull, StoreUnavailable.
        """
        data = text.message(data)
        if key:
            key = text.key(key)
        if reply_to:
            bounded(reply_to, field="replyTo", minimum=1, maximum=MAX_SEQ)
        self._throttle.check(user_id)
        draft = Draft(
            channel_id=channel_id,
            kind=EntryKind.MESSAGE,
            sender_id=user_id,
            key=key,
            text=data,
            target=reply_to,
        )
        if "@" in data or reply_to or (self._preparing and (user_id, channel_id) in self._preparing):
            return self._prepare(draft)
        return self._log.append(draft)

    async def send_checked(
        self, user_id: str, channel_id: str, data: str, key: str = "", reply_to: int = 0
    ) -> EntryView:
        """``send`` for whoever may not be a member.

        Errors: NotFound, NotPermitted, InvalidInput, TooMany, StoreFull, StoreUnavailable.
        """
        await self._access.require(Operation.SEND_MESSAGE, user_id, channel_id)
        await self._people.me(user_id)
        entry = await self.send(user_id, channel_id, data, key, reply_to)
        [view] = await self._renderer.folded([entry], user_id)
        return view

    async def page(
        self,
        user_id: str,
        channel_id: str,
        *,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
        at: str | None = None,
        limit: int = 50,
    ) -> MessagesView:
        """Up to ``limit`` (1-300) rows in ascending order, messages as they are now: the last ones before seq ``before``, or the
        first ones after seq ``after``, or those around seq ``around`` or time ``at`` (RFC 3339), or the newest.

        Errors: InvalidInput (several bounds at once, too), NotFound, NotPermitted, StoreUnavailable.
        """
        bounded(limit, field="limit", minimum=1, maximum=MAX_PAGE)
        bounds = {"before": before, "after": after, "around": around, "at": at}
        given = [name for name, bound in bounds.items() if bound is not None]
        if len(given) > 1:
            raise InvalidInput(f"{' and '.join(given)} are given, one of them is expected", field=given[0])
        for name, bound in bounds.items():
            if isinstance(bound, int):
                bounded(bound, field=name, minimum=0, maximum=MAX_SEQ)
        moment = None if at is None else milliseconds(at, field="at")
        await self._access.require(Operation.FETCH_MESSAGES, user_id, channel_id)
        if moment is not None:
            around = await self._seq_at(channel_id, moment)
        if around is not None:
            entries, top, has_after = await self._around(channel_id, around, limit)
        elif after is not None:
            entries, top, has_after = await self._after(channel_id, after, limit)
        else:
            bound = MAX_SEQ if before is None else before
            entries, top = await self._log.rows_before(channel_id, before=bound, limit=limit)
            has_after = before is not None and before <= top.seq
        # The log begins with its creation, which is a row.
        has_before = entries[0].seq > 1 if entries else after is not None and after > 0
        forward = after is not None or around is not None
        views = await self._renderer.folded(entries, user_id)
        has_more = has_after if forward else has_before
        return MessagesView(views, position_view(top), has_more, has_before, has_after)

    async def _after(self, channel_id: str, after: int, limit: int) -> tuple[list[Entry], Position, bool]:
        # One more than asked for: what is behind the page may be changes only.
        entries, top = await self._log.rows(channel_id, after=after, limit=limit + 1)
        return entries[:limit], top, len(entries) > limit

    async def _around(self, channel_id: str, seq: int, limit: int) -> tuple[list[Entry], Position, bool]:
        earlier, top = await self._log.rows_before(channel_id, before=seq, limit=limit // 2)
        later, _, has_after = await self._after(channel_id, max(0, seq - 1), limit - len(earlier))
        if not later and limit // 2 < limit:
            # Beyond the end: then the newest.
            earlier, top = await self._log.rows_before(channel_id, before=seq, limit=limit)
        return earlier + later, top, has_after

    async def _seq_at(self, channel_id: str, moment: int) -> int:
        """The first entry at or after a time: times of a log never go back. About twenty looks into a million."""
        low, high = 1, (await self._log.top(channel_id)).seq + 1
        while low < high:
            middle = (low + high) // 2
            [entry], _ = await self._log.read(channel_id, after=middle - 1, limit=1)
            if entry.created_at < moment:
                low = middle + 1
            else:
                high = middle
        return low

    def _prepare(self, draft: Draft) -> Future[Entry]:
        place = draft.sender_id, draft.channel_id
        task = asyncio.get_running_loop().create_task(self._append_after(self._preparing.get(place), draft))
        self._preparing[place] = task

        def done(ended: asyncio.Task[Entry]) -> None:
            if self._preparing.get(place) is ended:
                del self._preparing[place]

        task.add_done_callback(done)
        return task

    async def _append_after(self, earlier: asyncio.Task[Entry] | None, draft: Draft) -> Entry:
        """What somebody said first comes first."""
        if earlier is not None:
            await asyncio.wait([earlier])
        if draft.target and not await self._log.messages([(draft.channel_id, draft.target)]):
            raise NotFound("no such message", field="replyTo")
        mentions = await self._mentioning.find(draft.channel_id, draft.text)
        return await self._log.append(replace(draft, mentions=mentions) if mentions else draft)
