"""What is asked for in a window of its own: signing in, and where to go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from chirpbird.terminal.errors import TerminalError

__all__ = ["GoTo", "Place", "SignIn"]


class SignIn(ModalScreen[None]):
    """Name and password; closes once signed in."""

    def __init__(
        self, server: str, username: str, why: str, enter: Callable[[str, str, bool], Awaitable[None]]
    ) -> None:
        super().__init__()
        self._server = server
        self._username = username
        self._why = why
        self._enter = enter

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(Content.from_markup("[b]Chirpbird[/]  [dim]$server[/]", server=self._server))
            yield Input(self._username, placeholder="Username", id="username", max_length=32)
            yield Input(placeholder="Password", password=True, id="password", max_length=256)
            yield Static(Content(self._why), id="why")
            with Horizontal(classes="buttons"):
                yield Button("Sign in", variant="primary", id="sign-in")
                yield Button("Register", id="register")

    def on_mount(self) -> None:
        self.query_one("#password" if self._username else "#username").focus()

    @on(Input.Submitted, "#username")
    def _to_password(self) -> None:
        self.query_one("#password").focus()

    @on(Input.Submitted, "#password")
    @on(Button.Pressed, "#sign-in")
    def _sign_in(self) -> None:
        self._try(is_new=False)

    @on(Button.Pressed, "#register")
    def _register(self) -> None:
        self._try(is_new=True)

    @work(exclusive=True)
    async def _try(self, *, is_new: bool) -> None:
        username, password = (self.query_one(f"#{name}", Input).value for name in ("username", "password"))
        why = self.query_one("#why", Static)
        if not username.strip() or not password:
            why.update(Content("a username and a password are expected"))
            return
        why.update(Content("one moment …"))
        try:
            await self._enter(username.strip(), password, is_new)
        except TerminalError as error:
            why.update(Content(str(error)))
        else:
            _ = self.dismiss()


class Place:
    """Somewhere to go: ``go`` does it."""

    def __init__(self, label: Content, go: Callable[[], Awaitable[None]]) -> None:
        self.label = label
        self.go = go


class GoTo(ModalScreen[Place | None]):
    """Type a few letters, choose with the arrows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close"),
        Binding("down", "move('down')", show=False),
        Binding("up", "move('up')", show=False),
    ]

    def __init__(self, find: Callable[[str], Awaitable[list[Place]]]) -> None:
        super().__init__()
        self._find = find
        self._places: list[Place] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog tall"):
            yield Input(placeholder="Channel, person, or a new group's name", id="query", max_length=64)
            yield OptionList(id="places")
            yield Static(id="why")

    def on_mount(self) -> None:
        self._look("")

    @on(Input.Changed, "#query")
    def _typed(self, event: Input.Changed) -> None:
        self._look(event.value.strip())

    @work(exclusive=True)
    async def _look(self, query: str) -> None:
        why = ""
        try:
            self._places = await self._find(query)
        except TerminalError as error:
            self._places, why = [], str(error)
        if not self.is_current:
            return  # closed meanwhile
        places = self.query_one("#places", OptionList)
        places.clear_options()
        places.add_options([Option(place.label) for place in self._places])
        if self._places:
            places.highlighted = 0
        elif not why:
            why = "nothing found"
        self.query_one("#why", Static).update(Content(why))

    def action_move(self, direction: str) -> None:
        places = self.query_one("#places", OptionList)
        if direction == "down":
            places.action_cursor_down()
        else:
            places.action_cursor_up()

    @on(Input.Submitted, "#query")
    def _chosen_by_enter(self) -> None:
        highlighted = self.query_one("#places", OptionList).highlighted
        if highlighted is not None:
            _ = self.dismiss(self._places[highlighted])

    @on(OptionList.OptionSelected, "#places")
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        _ = self.dismiss(self._places[event.option_index])
