"""Changing what was said: edits, deletions, reactions, pins."""

from __future__ import annotations

from chirpbird.chat import text
from chirpbird.chat.access import Access
from chirpbird.chat.clock import Clock
from chirpbird.chat.entities import Draft, Entry, EntryKind
from chirpbird.chat.errors import NotFound
from chirpbird.chat.folding import fold
from chirpbird.chat.limits import MAX_SEQ, ChatLimits, bounded
from chirpbird.chat.mentions import Mentioning
from chirpbird.chat.people import People
from chirpbird.chat.permissions import Operation
from chirpbird.chat.ports import Log
from chirpbird.chat.rendering import Renderer
from chirpbird.chat.throttle import Throttle
from chirpbird.chat.views import EntryView, VersionView, timestamp

__all__ = ["Changes"]

MAX_PINS = 100
"""Pinned messages that are listed."""
_PINS_LOOKED_AT = 500


class Changes:
    """What people do to messages that are there. Each answers with the message as it is then.

    Errors of all: InvalidInput, NotFound (channel or message), NotPermitted, StoreUnavailable; of those that write, TooMany and
    StoreFull too.
    """

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
        self._throttle = Throttle(
            "changes", burst=limits.sends_at_once, per_second=limits.sends_per_second, now=clock.monotonic
        )

    async def edit(self, user_id: str, channel_id: str, seq: int, data: str) -> EntryView:
        """Give one's own message another text; the former ones are kept."""
        data = text.message(data)
        said = await self._find(Operation.EDIT_MESSAGE, user_id, channel_id, seq)
        if said.is_emptied:
            raise NotFound("no such message: it was deleted", field="seq")
        mentions = await self._mentioning.find(channel_id, data)
        return await self._change(user_id, said, EntryKind.EDITED, data, mentions)

    async def delete(self, user_id: str, channel_id: str, seq: int) -> EntryView:
        """Have a message and all its versions be gone; being gone already is no error."""
        said = await self._find(Operation.DELETE_MESSAGE, user_id, channel_id, seq)
        return await self._change(user_id, said, EntryKind.DELETED)

    async def react(
        self, user_id: str, channel_id: str, seq: int, emoji: str, *, back: bool = False
    ) -> EntryView:
        """Set a reaction, or take it ``back``."""
        emoji = text.emoji(emoji)
        said = await self._find(Operation.REACT, user_id, channel_id, seq)
        kind = EntryKind.UNREACTED if back else EntryKind.REACTED
        return await self._change(user_id, said, kind, emoji)

    async def pin(self, user_id: str, channel_id: str, seq: int, *, back: bool = False) -> EntryView:
        """Pin a message, or take it ``back``."""
        said = await self._find(Operation.PIN_MESSAGE, user_id, channel_id, seq)
        return await self._change(user_id, said, EntryKind.UNPINNED if back else EntryKind.PINNED)

    async def versions(self, user_id: str, channel_id: str, seq: int) -> list[VersionView]:
        """All texts that a message had, the first one first; none of one that was deleted."""
        said = await self._find(Operation.FETCH_EDITS, user_id, channel_id, seq)
        changes = (await self._log.changes([(channel_id, seq)])).get((channel_id, seq), [])
        if fold(said, changes).deleted:
            return []
        edits = [change for change in changes if change.kind is EntryKind.EDITED]
        return [VersionView(entry.text, timestamp(entry.created_at)) for entry in (said, *edits)]

    async def pins(self, user_id: str, channel_id: str) -> list[EntryView]:
        """What is pinned, newest messages first, at most 100."""
        await self._access.require(Operation.FETCH_PINS, user_id, channel_id)
        seqs = await self._log.ever_pinned(channel_id, limit=_PINS_LOOKED_AT)
        said = await self._log.messages((channel_id, seq) for seq in seqs)
        views = await self._renderer.folded([said[channel_id, seq] for seq in seqs], user_id)
        return [view for view in views if view.pinned is True][:MAX_PINS]

    async def _find(self, operation: Operation, user_id: str, channel_id: str, seq: int) -> Entry:
        bounded(seq, field="seq", minimum=1, maximum=MAX_SEQ)
        await self._access.require(operation, user_id, channel_id)
        said = (await self._log.messages([(channel_id, seq)])).get((channel_id, seq))
        if said is None:
            raise NotFound("no such message", field="seq")
        await self._access.require(operation, user_id, channel_id, sender_id=said.sender_id)
        return said

    async def _change(
        self, user_id: str, said: Entry, kind: EntryKind, value: str = "", mentions: tuple[str, ...] = ()
    ) -> EntryView:
        self._throttle.check(user_id)
        # At hand for the announcement.
        await self._people.me(user_id)
        await self._log.append(
            Draft(
                channel_id=said.channel_id,
                kind=kind,
                sender_id=user_id,
                text=value,
                target=said.seq,
                mentions=mentions,
            )
        )
        [view] = await self._renderer.folded([said], user_id)
        return view
