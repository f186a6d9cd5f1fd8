"""Somebody who uses the chat in a browser, by what is on the screen."""

from __future__ import annotations

import re
from typing import Literal

from playwright.async_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

__all__ = ["PagePerson"]

DRAWN = "[...document.querySelectorAll('[role=log] article .text')].map((text) => text.textContent.trim())"

PASSWORD = "correct horse"
PATIENCE_MS = 20_000

Theme = Literal["light", "dark"]


class PagePerson:
    """One browser context: cookies and storage of its own."""

    def __init__(self, page: Page, url: str, username: str) -> None:
        self.page = page
        self.url = url
        self.username = username
        self.problems: list[str] = []
        """What the page complained of that was not the network's doing."""
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda message: self._note(message.type, message.text))

    def _note(self, kind: str, text: str) -> None:
        # A server that was killed, and a first visit without a cookie, show as failed requests; that is as it should be.
        if kind == "error" and "Failed to load resource" not in text and "WebSocket connection" not in text:
            self.problems.append(text)

    @classmethod
    async def visit(
        cls,
        browser: Browser,
        url: str,
        username: str,
        *,
        size: tuple[int, int] = (1280, 800),
        theme: Theme = "light",
        still: bool = False,
        locale: str = "en-GB",
        kept: bool = False,
    ) -> PagePerson:
        """Open the page in a fresh context. ``still``: nothing on it moves. ``kept``: the browser keeps the page (a service
        worker), and what it asks the server for cannot be intercepted then.
        """
        viewport = ViewportSize(width=size[0], height=size[1])
        context: BrowserContext = await browser.new_context(
            viewport=viewport,
            color_scheme=theme,
            has_touch=size[0] < 720,
            locale=locale,
            service_workers="allow" if kept else "block",
            reduced_motion="reduce" if still else "no-preference",
        )
        person = cls(await context.new_page(), url, username)
        await person.page.goto(url)
        return person

    @classmethod
    async def arrive(cls, browser: Browser, url: str, username: str) -> PagePerson:
        """Open the page in a fresh context and register."""
        person = await cls.visit(browser, url, username)
        await person.fill_in("Create account")
        await person.sees_channels()
        return person

    async def fill_in(self, button: str, password: str = PASSWORD) -> None:
        """Give name and password and press the button."""
        await self.fill_in_words("Username", "Password", button, password)

    async def fill_in_words(
        self, username: str, password_label: str, button: str, password: str = PASSWORD
    ) -> None:
        """The same, on a page in another language."""
        await self.page.get_by_label(username).fill(self.username)
        await self.page.get_by_label(password_label, exact=True).fill(password)
        await self.page.get_by_role("button", name=button, exact=True).click()

    async def sees_channels(self) -> None:
        """The signed-in page is there."""
        await expect(self.page.get_by_role("navigation", name="Channels")).to_be_visible(timeout=PATIENCE_MS)

    async def look_for(self, query: str, results: str) -> Locator:
        """Type into the search and give back the list of results of that name."""
        await self.page.get_by_label("Search people and groups").fill(query)
        return self.page.get_by_role("list", name=results)

    async def open_direct(self, username: str) -> None:
        """Find a person and open the direct channel."""
        people = await self.look_for(username, "People")
        await people.get_by_role("button", name=re.compile(username)).first.click()
        await self.sees_conversation(username)

    async def join_public(self, name: str) -> None:
        """Find a public group and join it."""
        groups = await self.look_for(name, "Public groups")
        await groups.get_by_role("button", name=re.compile(name)).first.click()
        await self.page.get_by_role("button", name="Join group").click()
        await self.sees_conversation(name)

    async def add_people(self, *names: str) -> None:
        """Add people to the group that is open."""
        await self.show_details()
        await self.page.get_by_role("button", name="Add people").click()
        dialog = self.page.get_by_role("dialog")
        for name in names:
            await self._choose(dialog, name)
        await dialog.get_by_role("button", name="Add", exact=True).click()
        await expect(dialog).to_be_hidden(timeout=PATIENCE_MS)

    async def show_details(self) -> None:
        """Open the details of the channel that is open."""
        await self.page.get_by_role("main").get_by_role("button", name=re.compile(", Show details$")).click()
        await expect(self.page.get_by_role("heading", name="Details")).to_be_visible(timeout=PATIENCE_MS)

    @staticmethod
    async def _choose(dialog: Locator, name: str) -> None:
        await dialog.get_by_label("Add people").fill(name)
        found = dialog.get_by_role("list", name="People found")
        await found.get_by_role("button", name=re.compile(name)).click()

    async def create_group(self, name: str, *, private: bool = False, people: tuple[str, ...] = ()) -> None:
        """Fill in the dialog for a new group."""
        await self.page.get_by_role("button", name="New group").click()
        dialog = self.page.get_by_role("dialog", name="New group")
        await dialog.get_by_label("Group name").fill(name)
        if private:
            await dialog.get_by_role("radio", name=re.compile("^Private")).check(force=True)
        for person in people:
            await self._choose(dialog, person)
        await dialog.get_by_role("button", name="Create group").click()
        await self.sees_conversation(name)

    async def open_channel(self, name: str) -> None:
        """Pick a channel of one's own from the list."""
        await self.row(name).click()
        await self.sees_conversation(name)

    def row(self, name: str) -> Locator:
        """The channel's row in the list."""
        channels = self.page.get_by_role("list", name="Your channels")
        return channels.get_by_role("link", name=re.compile(re.escape(name))).first

    async def sees_conversation(self, name: str) -> None:
        await expect(self.page.get_by_role("main", name=f"Conversation with {name}")).to_be_visible(
            timeout=PATIENCE_MS
        )

    async def say(self, text: str) -> None:
        """Type and send; does not wait for the server."""
        box = self.page.get_by_role("textbox", name=re.compile("^Write to"))
        await box.fill(text)
        await self.page.get_by_role("button", name="Send", exact=True).click()

    def message(self, text: str) -> Locator:
        """The message with exactly this text."""
        shown = self.page.get_by_role("log").get_by_role("article")
        return shown.filter(has=self.page.get_by_text(text, exact=True))

    async def sees(self, text: str) -> None:
        """The message is there, once."""
        await expect(self.message(text)).to_have_count(1, timeout=PATIENCE_MS)

    async def sees_sent(self, text: str) -> None:
        """One's own message carries the tick."""
        await expect(self.message(text).get_by_role("img", name="sent", exact=True)).to_be_visible(
            timeout=PATIENCE_MS
        )

    async def scroll_up_to(self, text: str) -> list[str]:
        """Turn the wheel until the message is there; the texts of all that came by, in order, each once.

        AssertionError if a message was drawn in another order or twice, or the view jumped.
        """
        await self.page.get_by_role("log").hover()
        seen: list[str] = []
        while text not in seen:
            drawn: list[str] = await self.page.evaluate(DRAWN)
            assert len(set(drawn)) == len(drawn), drawn
            seen = [*drawn, *seen[_overlap(drawn, seen) :]]
            await self.page.mouse.wheel(0, -600)
            await self.page.wait_for_function("() => new Promise(requestAnimationFrame)")
        return seen

    async def sees_heading(self, hint: str) -> None:
        """What stands below the name of the open channel."""
        await expect(self.page.get_by_role("main").get_by_test_id("presence")).to_contain_text(
            hint, timeout=PATIENCE_MS
        )

    async def leave(self) -> None:
        """Close the browser context; the page must have had nothing to complain of."""
        await self.page.context.close()
        assert self.problems == []


def _overlap(drawn: list[str], seen: list[str]) -> int:
    """How many of ``seen`` are drawn (again): all of them must follow one another as they did."""
    known = [text for text in drawn if text in seen]
    assert known == seen[: len(known)], (known, seen[: len(known)])
    assert known or not seen, (drawn, seen[0])
    return len(known)
