"""Where one writes: Enter sends, Alt+Enter and Ctrl+J begin a new line."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.widgets import TextArea

__all__ = ["Composer"]

MAX_TEXT = 8_000


class Composer(TextArea):
    """Grows with its text, up to a third of the screen (app.tcss)."""

    class Said(Message):
        """The person has finished a message."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class TooLong(Message):
        """Nothing was sent, and nothing is gone."""

        def __init__(self, length: int) -> None:
            super().__init__()
            self.length = length

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self._say()
        elif event.key in ("alt+enter", "ctrl+j", "shift+enter"):
            event.stop()
            event.prevent_default()
            self.insert("\n")

    def _say(self) -> None:
        text = self.text.strip()
        if len(text) > MAX_TEXT:
            self.post_message(self.TooLong(len(text)))
        elif text:
            self.text = ""
            self.post_message(self.Said(text))
