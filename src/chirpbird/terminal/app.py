"""The terminal's screen: channels on the left, the conversation on the right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Resize
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from chirpbird.terminal.account import Account
from chirpbird.terminal.composer import MAX_TEXT, Composer
from chirpbird.terminal.conversations import Conversations, visible
from chirpbird.terminal.dialogs import GoTo, Place, SignIn
from chirpbird.terminal.errors import SignInNeeded, TerminalError
from chirpbird.terminal.link import Link, Watcher
from chirpbird.terminal.log import ConversationLog
from chirpbird.terminal.words import channel_line

__all__ = ["ChatApp"]

Drawing = Callable[[], Awaitable[None]]

_NARROW = 70
"""Columns below which channels and conversation are shown in turn."""


class _Watching(Watcher):
    """Screen work is put off to the next refresh, so that a hundred messages draw once."""

    def __init__(self, app: ChatApp) -> None:
        self._app = app

    def line_changed(self, state: str) -> None:
        self._app.show_line(state)

    def channels_changed(self) -> None:
        self._app.draw_soon(self._app.draw_channels)

    def conversation_changed(self, channel_id: str) -> None:
        if channel_id == self._app.channel_id:
            self._app.draw_soon(self._app.draw_conversation)

    def is_seen(self, channel_id: str) -> bool:
        return channel_id == self._app.channel_id


class ChatApp(App[None]):
    """``chirpbird chat``."""

    CSS_PATH = "app.tcss"
    TITLE = "Chirpbird"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+k", "go_to", "Go to", priority=True),
        Binding("alt+down,ctrl+down", "neighbour(1)", "Next", priority=True),
        Binding("alt+up,ctrl+up", "neighbour(-1)", "Previous", priority=True),
        Binding("pageup", "older", "Older", priority=True),
        Binding("pagedown", "newer", "Newer", show=False, priority=True),
        Binding("escape", "channels", "Channels", show=False),
        Binding("ctrl+r", "take_back", "Take back", show=False, priority=True),
        Binding("ctrl+o", "sign_out", "Sign out", priority=True),
        Binding("ctrl+q", "quit", "Quit", priority=True),
    ]

    def __init__(self, account: Account, username: str | None = None) -> None:
        super().__init__()
        self.account = account
        self.conversations = Conversations()
        self.channel_id = ""
        self.link: Link | None = None
        self._username = username
        self._drawing: set[Drawing] = set()
        self._drafts: dict[str, str] = {}
        self._warned = False

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield OptionList(id="channels")
            with Vertical(id="conversation"):
                yield Static(id="title")
                yield ConversationLog(id="log")
                yield Composer(id="composer", show_line_numbers=False)
                yield Static(id="line")
        yield Footer()

    def on_mount(self) -> None:
        self.draw_soon(self.draw_conversation)
        self._begin()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width < _NARROW, "narrow")

    # Beginning and ending

    @work(exclusive=True, group="line")
    async def _begin(self) -> None:
        try:
            await self.account.resume(self._username)
        except TerminalError as error:
            why = "" if isinstance(error, SignInNeeded) and not self._username else str(error)
            await self.push_screen_wait(SignIn(self.account.server, self._username or "", why, self._enter))
        self._username = self.account.username
        self.link = Link(self.account, self.conversations, _Watching(self))
        await self.link.open()
        self.query_one(Composer).focus()

    async def _enter(self, username: str, password: str, is_new: bool) -> None:
        await (self.account.register if is_new else self.account.sign_in)(username, password)

    @work(exclusive=True, group="line")
    async def action_sign_out(self) -> None:
        if self.link is None:
            return
        await self._hang_up()
        try:
            await self.account.sign_out()
        except TerminalError as error:
            self.notify(f"forgotten here, but the server could not be told: {error}", severity="warning")
        self.conversations = Conversations()
        self.channel_id = ""
        self.draw_soon(self.draw_channels)
        self.draw_soon(self.draw_conversation)
        self._begin()

    async def action_quit(self) -> None:
        waiting = len(self.conversations.outbox)
        if waiting and not self._warned:
            self._warned = True
            self.notify(
                f"{waiting} of your messages not sent yet; ctrl+q again: quit without them",
                severity="warning",
            )
            return
        await self._hang_up()
        self.exit()

    async def _hang_up(self) -> None:
        link, self.link = self.link, None
        if link is not None:
            await link.close()

    # Going somewhere

    def open_channel(self, channel_id: str) -> None:
        """Show this one. What was being written stays with its channel."""
        composer = self.query_one(Composer)
        self._drafts[self.channel_id] = composer.text
        self.channel_id = channel_id
        composer.text = self._drafts.pop(channel_id, "")
        conversation = self.conversations[channel_id]
        conversation.unread = 0
        self.draw_soon(self.draw_channels)
        self.draw_soon(self.draw_conversation)
        composer.focus()
        if not conversation.entries:
            self._load_older()

    @on(OptionList.OptionSelected, "#channels")
    def _channel_chosen(self, event: OptionList.OptionSelected) -> None:
        if event.option.id is not None:
            self.open_channel(event.option.id)

    def action_neighbour(self, step: int) -> None:
        ids = [one.id for one in self.conversations.ordered()]
        if ids:
            at = ids.index(self.channel_id) if self.channel_id in ids else -1
            self.open_channel(ids[(at + step) % len(ids)])

    def action_channels(self) -> None:
        if self.has_class("narrow"):
            self.add_class("no-channel")
        self.query_one("#channels").focus()

    @work(exclusive=True, group="go")
    async def action_go_to(self) -> None:
        if self.link is None or isinstance(self.screen, GoTo):
            return
        place = await self.push_screen_wait(GoTo(self._places))
        if place is None:
            return
        try:
            await place.go()
        except TerminalError as error:
            self.notify(str(error), severity="error")

    async def _places(self, query: str) -> list[Place]:
        """Channels of one's own at once; then people and public groups, and a group of that name. Errors: TerminalError."""
        words = query.casefold()
        mine = [one for one in self.conversations.ordered() if words in one.title.casefold()]
        places = [Place(channel_line(one), self._opener(one.id)) for one in mine[:10]]
        if self.link is None or not query:
            return places
        people = (await self.link.ask("search_users", query=query, limit=8))["users"]
        groups = (await self.link.ask("search_channels", query=query, limit=8))["channels"]
        for one in people:
            label = Content.from_markup(
                "@ $name [dim]$username[/]", name=visible(one["name"]), username=one["username"]
            )
            places.append(Place(label, self._enterer("open_direct", userId=one["id"])))
        for one in groups:
            if one["id"] not in self.conversations:
                label = Content.from_markup("# $name [dim]join[/]", name=visible(one["name"]))
                places.append(Place(label, self._enterer("join_channel", channelId=one["id"])))
        for kind, is_private in (("public", False), ("private", True)):
            label = Content.from_markup("+ $name [dim]new $kind group[/]", name=query, kind=kind)
            places.append(Place(label, self._enterer("create_channel", name=query, isPrivate=is_private)))
        return places

    def _opener(self, channel_id: str) -> Callable[[], Awaitable[None]]:
        async def go() -> None:
            self.open_channel(channel_id)

        return go

    def _enterer(self, method: str, **data: object) -> Callable[[], Awaitable[None]]:
        async def go() -> None:
            if self.link is not None:
                self.open_channel((await self.link.enter(method, **data)).id)

        return go

    # Reading and writing

    @on(Composer.Said)
    def _say(self, event: Composer.Said) -> None:
        if self.link is None or self.channel_id not in self.conversations:
            self.query_one(Composer).text = event.text
            self.notify("choose a channel first: ctrl+k", severity="warning")
            return
        self.link.send(self.channel_id, event.text)
        self._entries.scroll_end(animate=False)

    @on(Composer.TooLong)
    def _too_long(self, event: Composer.TooLong) -> None:
        self.notify(
            f"{event.length:,} characters, at most {MAX_TEXT:,} go into one message", severity="error"
        )

    def action_take_back(self) -> None:
        """Put a refused message into the composer again."""
        for sending in self.conversations.waiting_in(self.channel_id):
            if sending.refused:
                self.conversations.sent(sending.key)
                self.query_one(Composer).text = sending.text
                self.draw_soon(self.draw_conversation)
                return

    def action_older(self) -> None:
        log = self._entries
        if log.scroll_y <= 0:
            self._load_older()
        else:
            log.scroll_page_up(animate=False)

    def action_newer(self) -> None:
        self._entries.scroll_page_down(animate=False)

    @work(exclusive=True, group="page")
    async def _load_older(self) -> None:
        link, channel_id = self.link, self.channel_id
        if (
            link is None
            or channel_id not in self.conversations
            or not self.conversations[channel_id].has_older
        ):
            return
        try:
            await link.load_older(channel_id)
        except TerminalError as error:
            self.notify(str(error), severity="warning")

    # Drawing

    @property
    def _entries(self) -> ConversationLog:
        return self.query_one(ConversationLog)

    def draw_soon(self, draw: Drawing) -> None:
        """Once, however often it is asked for until then."""
        if draw not in self._drawing:
            self._drawing.add(draw)
            self.call_later(self._draw, draw)

    async def _draw(self, draw: Drawing) -> None:
        self._drawing.discard(draw)
        await draw()

    async def draw_channels(self) -> None:
        channels = self.query_one("#channels", OptionList)
        ordered = self.conversations.ordered()
        channels.clear_options()
        channels.add_options([Option(channel_line(one), id=one.id) for one in ordered])
        for index, one in enumerate(ordered):
            if one.id == self.channel_id:
                channels.highlighted = index
        unread = self.conversations.unread
        self.title = f"({unread}) Chirpbird" if unread else "Chirpbird"
        if self.channel_id and self.channel_id not in self.conversations:
            self.channel_id = ""
            self.notify("you are not in that channel any more")
            self.draw_soon(self.draw_conversation)

    async def draw_conversation(self) -> None:
        self.set_class(not self.channel_id, "no-channel")
        conversation = self.conversations.find(self.channel_id)
        title = "Chirpbird" if conversation is None else conversation.title
        self.query_one("#title", Static).update(Content(title))
        await self._entries.draw(conversation, self.conversations.waiting_in(self.channel_id))

    def show_line(self, state: str) -> None:
        """The state of the connection, under the composer."""
        line = self.query_one("#line", Static)
        words = {"connected": "", "connecting": "connecting … what you write is sent when the line is back"}
        line.update(Content(words.get(state, state)))
        line.set_class(state == "connecting", "connecting")
        line.set_class(state not in words, "over")
