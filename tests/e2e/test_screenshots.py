"""Every screen, light and dark, wide and phone: pictures in ``screenshots/`` (not in git), and nothing that axe finds wrong."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import Server
from tests.support.page_line import Line
from tests.support.page_person import PATIENCE_MS, PagePerson, Theme
from tests.support.person import Person

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "screenshots"
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
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

Visit = Callable[..., Awaitable[PagePerson]]
Picture = Callable[[PagePerson, str], Awaitable[None]]
Befriend = Callable[..., Awaitable[dict[str, Person]]]


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    """The screen's."""
    name: str = request.param
    return name


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> Theme:
    """What the device prefers."""
    name: Theme = request.param
    return name


@pytest.fixture
async def visit(server: Server, chromium: Browser, size: str, theme: Theme) -> AsyncIterator[Visit]:
    """Open the page on such a screen; the visitor leaves with the test."""
    visitors = []

    async def arrive(username: str) -> PagePerson:
        person = await PagePerson.visit(
            chromium, server.url, username, size=SIZES[size], theme=theme, still=True
        )
        visitors.append(person)
        await expect(person.page.get_by_role("button", name="Create account", exact=True)).to_be_visible(
            timeout=PATIENCE_MS
        )
        return person

    yield arrive
    for person in visitors:
        await person.leave()


@pytest.fixture
async def befriend(server: Server) -> AsyncIterator[Befriend]:
    """People with programs, who leave with the test."""
    friends: dict[str, Person] = {}

    async def make(*names: str) -> dict[str, Person]:
        for name in names:
            friends[name] = Person(server.url, await server.register(name))
            await friends[name].connect()
        return friends

    yield make
    for friend in friends.values():
        await friend.client.disconnect()


@pytest.fixture
def picture(size: str, theme: Theme) -> Picture:
    """Take the picture; nothing on it may be wider than the screen, or shut anybody out."""
    PICTURES.mkdir(exist_ok=True)
    axe = AXE.read_text()

    async def take(person: PagePerson, screen: str) -> None:
        page = person.page
        await page.screenshot(path=PICTURES / f"{screen}-{theme}-{size}.png", animations="disabled")
        overflow = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert overflow <= 0, f"{screen} is {overflow} px too wide"
        if not await page.evaluate("'axe' in window"):
            await page.evaluate(axe)
        found: list[dict[str, Any]] = await page.evaluate(
            "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
        )
        problems = [
            f"{rule['id']}: {node['html']} {node['failureSummary']}"
            for rule in found
            for node in rule["nodes"]
        ]
        assert not problems, f"{screen}:\n" + "\n".join(problems)

    return take


async def test_before_one_is_in(visit: Visit, picture: Picture, server: Server) -> None:
    ann = await visit("ann")
    page = ann.page
    await picture(ann, "01-register")
    ann.username = "a"
    await ann.fill_in("Create account")
    await expect(page.get_by_role("alert")).to_contain_text("at least 2", timeout=PATIENCE_MS)
    await picture(ann, "02-register-refused")
    ann.username = "ann"
    await server.register("ann")
    await page.get_by_role("button", name="Sign in instead").click()
    await expect(page.get_by_role("heading", name="Welcome back")).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "03-sign-in")
    await ann.fill_in("Sign in", "a wrong password")
    await expect(page.get_by_role("alert")).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "04-sign-in-refused")
    await ann.fill_in("Sign in")
    await ann.sees_channels()

    await page.route("**/sessions/refresh", lambda route: route.abort())
    # Nobody is known here: who is, sees what they have seen.
    await page.evaluate("localStorage.removeItem('chirpbird.user')")
    await page.reload()
    await expect(page.get_by_text("The server cannot be reached. Trying again…")).to_be_visible(
        timeout=PATIENCE_MS
    )
    await picture(ann, "05-unreachable")
    await page.unroute("**/sessions/refresh")
    await ann.sees_channels()

    other_tab = await page.context.new_page()
    await other_tab.goto(server.url)
    await other_tab.get_by_role("button", name="Settings").click()
    await other_tab.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_text(re.compile("You were signed out"))).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "06-signed-out-elsewhere")


async def test_finding_people_and_groups(visit: Visit, picture: Picture, befriend: Befriend) -> None:
    friends = await befriend("bob", "cleo")
    ann = await visit("ann")
    page = ann.page
    await ann.fill_in("Create account")
    await ann.sees_channels()
    await picture(ann, "10-first-steps")

    await friends["bob"].rpc("create_channel", name="Bob's boats")
    await ann.look_for("bo", "People")
    for results in ("People", "Public groups"):
        await expect(page.get_by_role("list", name=results)).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "11-search")
    groups = await ann.look_for("boats", "Public groups")
    await groups.get_by_role("button", name=re.compile("boats")).click()
    await expect(page.get_by_role("button", name="Join group")).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "12-preview")
    await page.goto(page.url.rsplit("/", 1)[0] + "/01ARZ3NDEKTSV4RRFFQ69G5FAV")
    await expect(page.get_by_text("This channel is not here")).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "13-not-here")
    await page.get_by_role("button", name="Back to your channels").click()
    await ann.look_for("zebra", "People")
    await expect(page.get_by_text("Nobody and nothing called “zebra”")).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "14-search-nothing")
    await page.get_by_role("button", name="Clear search").click()

    await page.get_by_role("button", name="New group").first.click()
    dialog = page.get_by_role("dialog", name="New group")
    await dialog.get_by_role("button", name="Create group").click()
    await expect(dialog.get_by_role("alert")).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "15-new-group-refused")
    await dialog.get_by_label("Group name").fill("Pond watch")
    found = dialog.get_by_role("list", name="People found")
    await dialog.get_by_label("Add people").fill("bob")
    await found.get_by_role("button", name=re.compile("bob")).click()
    await dialog.get_by_label("Add people").fill("cl")
    await expect(found.get_by_role("button", name=re.compile("cleo"))).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "16-new-group")


async def test_talking(visit: Visit, picture: Picture, befriend: Befriend) -> None:
    friends = await befriend("bob", "cleo", "dora")
    ann = await visit("ann")
    page = ann.page
    await ann.fill_in("Create account")
    await ann.sees_channels()
    await ann.open_direct("bob")
    await picture(ann, "20-direct-empty")
    await _to_list(ann)
    await ann.create_group("Pond watch", people=("bob", "cleo"))
    state = (await friends["bob"].rpc("fetch_state"))["channels"]
    channels = {one["channel"]["name"]: one["channel"]["id"] for one in state}
    for friend in ("bob", "cleo"):
        await friends[friend].follow(channels["Pond watch"])
    for speaker, text in TALK:
        await friends[speaker].say(channels["Pond watch"], text)
    await friends["bob"].say(channels[""], "Tea at four?")
    await ann.say("Counting people is cheating, Bob.")
    await ann.sees_sent("Counting people is cheating, Bob.")
    await ann.sees_heading("3 members, 3 online")
    await picture(ann, "21-conversation")

    await ann.show_details()
    await expect(page.get_by_role("listitem").filter(has_text="cleo")).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "22-details")
    await page.get_by_role("button", name="Add people").click()
    dialog = page.get_by_role("dialog", name="Add people to Pond watch")
    await dialog.get_by_label("Add people").fill("do")
    await expect(dialog.get_by_role("button", name=re.compile("dora"))).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "23-add-people")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden(timeout=PATIENCE_MS)
    await page.get_by_role("button", name="Leave group").click()
    await expect(page.get_by_role("dialog", name="Leave Pond watch?")).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "24-leave-group")
    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Close details").first.click()

    await ann.say("a bell \u0007 rings")
    await expect(page.get_by_role("alert")).to_contain_text("Not sent", timeout=PATIENCE_MS)
    await page.get_by_role("textbox", name=re.compile("^Write to")).fill("word " * 1700)
    await expect(page.get_by_text("characters too many")).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "25-refused-and-too-long")
    await expect(page.get_by_role("alert")).to_be_in_viewport(timeout=PATIENCE_MS)
    await page.get_by_role("textbox", name=re.compile("^Write to")).fill("not finished")
    await expect(page.get_by_role("button", name="Jump to latest")).to_be_hidden(timeout=PATIENCE_MS)

    await _to_list(ann)
    await expect(ann.row("bob")).to_contain_text("Tea at four?", timeout=PATIENCE_MS)
    await picture(ann, "26-list")
    await page.get_by_role("button", name="Settings").click()
    await expect(page.get_by_role("dialog", name="Settings")).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "27-settings")
    await page.get_by_role("button", name="Keyboard shortcuts").click()
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "28-shortcuts")
    await page.keyboard.press("Escape")
    await page.keyboard.press("ControlOrMeta+k")
    switcher = page.get_by_role("dialog", name="Go to…")
    await switcher.get_by_role("combobox").fill("pw")
    await expect(switcher.get_by_role("option")).to_have_count(1, timeout=PATIENCE_MS)
    await expect(switcher.get_by_role("option", name=re.compile("Pond watch"))).to_be_visible(
        timeout=PATIENCE_MS
    )
    await picture(ann, "28-switcher")
    await page.keyboard.press("Escape")
    await expect(switcher).to_be_hidden(timeout=PATIENCE_MS)
    await page.get_by_role("button", name="Settings").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("dialog", name="Sign out now?")).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "29-sign-out-unsaved")


async def test_when_the_connection_is_bad(
    visit: Visit, picture: Picture, befriend: Befriend, server: Server
) -> None:
    friends = await befriend("bob")
    ann = await visit("ann")
    page = ann.page
    await ann.fill_in("Create account")
    await ann.sees_channels()
    await ann.open_direct("bob")
    channel = (await friends["bob"].rpc("fetch_state"))["channels"][0]["channel"]["id"]
    await friends["bob"].follow(channel)
    await ann.say("Can you hear me?")
    await ann.sees_sent("Can you hear me?")
    await ann.sees_heading("online")
    await friends["bob"].client.disconnect()
    await ann.sees_heading("last seen")
    line = await Line.of(page)
    line.answer = lambda command: _no_history(command)
    await page.reload()
    await expect(page.get_by_text("The messages could not be loaded.")).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "30-history-not-loaded")
    line.answer = lambda command: None
    await page.get_by_role("button", name="Retry").click()
    await ann.sees("Can you hear me?")

    await line.cut()
    await ann.say("And now?")
    await expect(page.get_by_text("Reconnecting…")).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "31-reconnecting-and-waiting")
    await page.context.set_offline(True)
    await expect(page.get_by_text(re.compile("You are offline"))).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "32-offline")
    await page.context.set_offline(False)
    line.mend()
    await ann.sees_sent("And now?")
    await line.cut(3504)
    await expect(page.get_by_text("The server is full at the moment.")).to_be_visible(timeout=PATIENCE_MS)
    await picture(ann, "33-server-full")
    line.mend()
    await page.get_by_role("button", name="Connect again").click()
    await expect(page.get_by_text("The server is full at the moment.")).to_be_hidden(timeout=PATIENCE_MS)


def _no_history(command: dict[str, Any]) -> dict[str, Any] | None:
    if command.get("rpc", {}).get("method") != "fetch_messages":
        return None
    return {"error": {"code": 100, "message": "internal server error", "temporary": True}}


async def _to_list(person: PagePerson) -> None:
    """On a phone the list is a step back."""
    back = person.page.get_by_role("button", name="Back", exact=True)
    if await back.count():
        await back.click()
    await person.sees_channels()
