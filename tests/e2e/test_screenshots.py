"""Pictures of every screen, light and dark, wide and phone, for people to look at: ``screenshots/`` (not in git)."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import StartServer
from tests.support.page_person import PATIENCE_MS, PagePerson, Theme
from tests.support.person import Person

pytestmark = pytest.mark.e2e

PICTURES = Path(__file__).parents[2] / "screenshots"
SIZES = {"wide": (1280, 800), "phone": (360, 740)}

TALK = [
    ("bob", "Morning! Did anybody see the heron on the pond?"),
    ("bob", "It stood there for **an hour**, like a statue."),
    ("cleo", "I did! It ate two of my goldfish 🐟"),
    ("bob", "Ah. I am sorry for your loss."),
    (
        "cleo",
        "It was a fair fight. Here is how I count visits now:\n\n```\nfor bird in pond:\n    visits[bird] += 1\n```",
    ),
    ("bob", "- herons: 1\n- ducks: 7\n- people: 2"),
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_screen(start_server: StartServer, chromium: Browser, size: str, theme: Theme) -> None:
    server = await start_server()
    friends = {name: Person(server.url, await server.register(name)) for name in ("bob", "cleo")}
    for friend in friends.values():
        await friend.connect()
    PICTURES.mkdir(exist_ok=True)

    async def picture(screen: str) -> None:
        """Nothing may be wider than the screen."""
        overflow = await ann.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert overflow <= 0, f"{screen} is {overflow} px too wide"
        await ann.page.screenshot(path=PICTURES / f"{screen}-{theme}-{size}.png", animations="disabled")

    ann = await PagePerson.visit(chromium, server.url, "ann", size=SIZES[size], theme=theme)
    await expect(ann.page.get_by_role("button", name="Create account", exact=True)).to_be_visible(
        timeout=PATIENCE_MS
    )
    await picture("1-register")
    await ann.fill_in("Create account")
    await ann.sees_channels()
    await picture("2-first-steps")

    await ann.look_for("bo", "People")
    await expect(ann.page.get_by_role("list", name="People")).to_be_visible(timeout=PATIENCE_MS)
    await picture("3-search")
    await ann.page.get_by_role("button", name="Clear search").click()

    await ann.page.get_by_role("button", name="New group").first.click()
    dialog = ann.page.get_by_role("dialog", name="New group")
    await dialog.get_by_label("Group name").fill("Pond watch")
    await dialog.get_by_label("Add people").fill("cl")
    await expect(dialog.get_by_role("list", name="People found")).to_be_visible(timeout=PATIENCE_MS)
    await picture("4-new-group")
    await ann.page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden(timeout=PATIENCE_MS)

    await ann.create_group("Pond watch", people=("bob", "cleo"))
    channel = (await friends["bob"].rpc("fetch_state"))["channels"][0]["channel"]["id"]
    for speaker, text in TALK:
        await friends[speaker].say(channel, text)
    await ann.say("Counting people is cheating, Bob.")
    await ann.sees_sent("Counting people is cheating, Bob.")
    await picture("5-conversation")

    await ann.page.get_by_role("main").get_by_role("button", name="Pond watch, Show details").click()
    await expect(ann.page.get_by_text("Members", exact=True).first).to_be_visible(timeout=PATIENCE_MS)
    await picture("6-details")

    for friend in friends.values():
        await friend.client.disconnect()
    await server.kill()
    await expect(ann.page.get_by_text("Reconnecting…")).to_be_visible(timeout=PATIENCE_MS)
    await picture("7-reconnecting")
    await ann.leave()
