"""The terminal client against a real server, beside somebody with the official SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from chirpbird.terminal.account import Account
from chirpbird.terminal.app import ChatApp
from chirpbird.terminal.composer import Composer
from chirpbird.terminal.keyring import Keyring
from chirpbird.terminal.log import ConversationLog
from tests.e2e.conftest import Server, StartServer
from tests.support.person import Person

pytestmark = pytest.mark.e2e

PASSWORD = "correct horse"
PATIENCE = 20.0


class Terminal:
    """Somebody at a terminal: what they type and what they see."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self.pilot = pilot
        assert isinstance(pilot.app, ChatApp)
        self.app = pilot.app

    async def until(self, condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    await self.pilot.pause(0.02)
        except TimeoutError:
            pytest.fail(f"waited in vain; the screen is\n{self.seen()}\n{self.line}")

    async def say(self, text: str) -> None:
        self.app.query_one(Composer).text = text
        await self.pilot.press("enter")

    async def enter(self, username: str, button: str) -> None:
        await self.until(lambda: bool(self.app.screen.query("#username")))
        self.app.screen.query_one("#username", Input).value = username
        self.app.screen.query_one("#password", Input).value = PASSWORD
        await self.pilot.click(button)

    async def go_to(self, query: str, choice: str) -> None:
        """Choose what ``choice`` is in the label of."""
        await self.pilot.press("ctrl+k")
        await self.until(lambda: bool(self.app.screen.query("#query")))
        self.app.screen.query_one("#query", Input).value = query
        places = self.app.screen.query_one("#places", OptionList)

        def labels() -> list[str]:
            return [str(option.prompt) for option in places.options]

        await self.until(lambda: any(choice in label for label in labels()))
        wanted = next(index for index, label in enumerate(labels()) if choice in label)
        for _ in range(wanted):
            await self.pilot.press("down")
        await self.pilot.press("enter")
        await self.until(lambda: bool(self.app.channel_id) and not self.app.screen.query("#query"))

    def seen(self) -> str:
        """The conversation as text."""
        return "\n".join(str(line.content) for line in self.app.query_one(ConversationLog).query(Static))

    @property
    def line(self) -> str:
        return str(self.app.query_one("#line", Static).content)

    @property
    def connected(self) -> bool:
        return self.app.conversations.me is not None and self.line == ""


@asynccontextmanager
async def terminal(server: Server, keyring: Path) -> AsyncIterator[Terminal]:
    account = Account(server.url, Keyring(keyring))
    app = ChatApp(account)
    try:
        async with app.run_test(size=(100, 30)) as pilot:
            yield Terminal(pilot)
            app.conversations.outbox.clear()
            await app.action_quit()
    finally:
        await account.close()


@pytest.fixture
async def bob(server: Server) -> AsyncIterator[Person]:
    person = Person(server.url, await server.register("bob"))
    await person.connect()
    yield person
    await person.client.disconnect()


async def test_two_people_talk_and_one_server_dies(server: Server, bob: Person, tmp_path: Path) -> None:
    async with terminal(server, tmp_path / "ann.json") as ann:
        await ann.enter("ann", "#register")
        await ann.until(lambda: ann.connected)
        await ann.go_to("bob", "@ bob")
        await ann.say("hello **Bob**")
        await ann.until(lambda: not ann.app.conversations.outbox and "hello **Bob**" in ann.seen())
        channel = ann.app.channel_id
        feed = await bob.follow(channel)
        await ann.say("a second line")
        await feed.until(
            lambda: (
                [entry["data"] for entry in feed.entries if entry["type"] == "message"][-1:]
                == ["a second line"]
            )
        )
        await bob.client.publish(channel, {"data": "hello \x1b[31mAnn [/b]".replace("\x1b", "")})
        await ann.until(lambda: "hello [31mAnn [/b]" in ann.seen())
        await server.kill()
        await ann.until(lambda: ann.line.startswith("connecting"))
        await ann.say("written without a server")
        await ann.until(lambda: "written without a server  … waiting" in ann.seen())
        await server.start()
        await ann.until(lambda: ann.connected and not ann.app.conversations.outbox)
        await ann.until(
            lambda: ann.seen().count("written without a server") == 1 and "waiting" not in ann.seen()
        )
        await feed.until(
            lambda: (
                [entry["data"] for entry in feed.entries if entry["type"] == "message"][-1]
                == "written without a server"
            )
        )
    async with terminal(server, tmp_path / "ann.json") as ann:
        await ann.until(lambda: ann.connected)
        await ann.go_to("bob", "@ bob")
        await ann.until(lambda: "hello **Bob**" in ann.seen() and "written without a server" in ann.seen())


async def test_a_group_is_made_and_its_past_is_read(start_server: StartServer, tmp_path: Path) -> None:
    server = await start_server(sends_burst="100")
    bob = Person(server.url, await server.register("bob"))
    await bob.connect()
    async with terminal(server, tmp_path / "ann.json") as ann:
        await ann.enter("ann", "#register")
        await ann.until(lambda: ann.connected)
        await ann.go_to("birds of Java", "new public group")
        channel = ann.app.channel_id
        await bob.rpc("join_channel", channelId=channel)
        for number in range(60):
            await bob.say(channel, f"bird {number}")
        await ann.until(lambda: "bird 59" in ann.seen())
        ann.app.conversations[channel].begin_again()
        ann.app.open_channel(channel)
        await ann.until(lambda: "bird 10\n" in ann.seen() and "bird 9\n" not in ann.seen())
        async with asyncio.timeout(PATIENCE):
            while "bird 0\n" not in ann.seen():
                await ann.pilot.press("pageup")
                await ann.pilot.pause()
        assert "ann began this channel" in ann.seen()
    await bob.client.disconnect()


async def test_what_is_refused_is_said(server: Server, tmp_path: Path) -> None:
    async with terminal(server, tmp_path / "ann.json") as ann:
        await ann.enter("nobody", "#sign-in")
        await ann.until(
            lambda: "do not belong together" in str(ann.app.screen.query_one("#why", Static).content).lower()
        )
        await ann.enter("ann", "#register")
        await ann.until(lambda: ann.connected)
        await ann.say("to nobody")
        assert ann.app.query_one(Composer).text == "to nobody"
        await ann.go_to("quiet", "new private group")
        await ann.say("x" * 8_001)
        assert len(ann.app.query_one(Composer).text) == 8_001
        await ann.say("bad \x07 bell")
        await ann.until(lambda: "not sent: " in ann.seen())
        await ann.pilot.press("ctrl+r")
        await ann.until(lambda: "not sent: " not in ann.seen())
        assert "bell" in ann.app.query_one(Composer).text
        await ann.pilot.press("ctrl+o")
        await ann.until(lambda: bool(ann.app.screen.query("#username")))
