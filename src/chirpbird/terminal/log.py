"""The entries of one conversation, scrolled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from chirpbird.terminal.conversations import Conversation, Sending
from chirpbird.terminal.words import entry_line, sending_line

__all__ = ["ConversationLog"]


class ConversationLog(VerticalScroll, can_focus=False):
    """Stays at the end if it was there, and otherwise where the person reads."""

    async def draw(self, conversation: Conversation | None, waiting: Sequence[Sending]) -> None:
        """Show this; None: nothing is chosen."""
        at_end = self.scroll_y >= self.max_scroll_y - 1
        below = self.max_scroll_y - self.scroll_y
        with self.app.batch_update():
            await self.remove_children()
            await self.mount_all(_lines(conversation, waiting))
        self.call_after_refresh(self._settle, at_end, below)

    def _settle(self, at_end: bool, below: float) -> None:
        y = self.max_scroll_y if at_end else max(self.max_scroll_y - below, 0)
        self.scroll_to(y=y, animate=False)


def _lines(conversation: Conversation | None, waiting: Sequence[Sending]) -> Iterator[Static]:
    if conversation is None:
        yield Static(Content("Ctrl+K finds people and groups, and makes new ones."), classes="empty")
        return
    if conversation.has_older and conversation.entries:
        yield Static(Content("page up: older messages"), classes="empty")
    before = None
    for entry in conversation.entries:
        yield Static(entry_line(entry, before))
        before = entry
    for sending in waiting:
        yield Static(sending_line(sending))
