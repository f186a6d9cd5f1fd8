"""The main job from beginning to end: two people, two browsers, a program, and a server that is killed."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import Server, StartServer
from tests.support.page_person import PATIENCE_MS, PagePerson
from tests.support.person import Feed, Person

pytestmark = pytest.mark.e2e

OLD = 130
"""Messages that were said before: three pages."""
HASTY = 12
"""Messages sent while the server is killed."""


async def test_the_main_job(start_server: StartServer, chromium: Browser) -> None:
    server = await start_server(access_token_seconds="5", sends_burst="1000")
    ann = await PagePerson.arrive(chromium, server.url, "ann")
    bob = await PagePerson.arrive(chromium, server.url, "bob")
    program = Person(server.url, await server.register("program"))
    await program.connect()

    await _in_and_out(ann)
    await _a_direct_chat(ann, bob)
    await _groups(ann, bob)
    feed = await _with_a_program(ann, bob, program)
    await _old_history(bob, program, feed)
    said = await _a_killed_server(ann, bob, server, feed)
    await _tomorrow(ann, bob, said)

    page = await program.rpc("fetch_messages", channelId=feed.subscription.channel, limit=300)
    assert [entry["seq"] for entry in page["messages"]] == list(range(1, page["position"]["offset"] + 1))
    assert program.tokens_fetched > 0
    await program.client.disconnect()
    for person in (ann, bob):
        await person.leave()


async def _in_and_out(ann: PagePerson) -> None:
    """Stay signed in over reloads; out means out; a wrong password does not help."""
    await ann.page.reload()
    await ann.sees_channels()
    await ann.page.get_by_role("button", name="Settings").click()
    await ann.page.get_by_role("button", name="Sign out").click()
    await expect(ann.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible(
        timeout=PATIENCE_MS
    )
    await ann.page.reload()
    await ann.fill_in("Sign in", password="not the password")
    await expect(ann.page.get_by_role("alert")).to_have_text("username and password do not belong together")
    await ann.fill_in("Sign in")
    await ann.sees_channels()


async def _a_direct_chat(ann: PagePerson, bob: PagePerson) -> None:
    """Found by name, opened, and there at once at the other side."""
    await ann.open_direct("bob")
    await ann.say("hello bob")
    await ann.sees_sent("hello bob")
    await expect(bob.row("ann")).to_contain_text("hello bob", timeout=PATIENCE_MS)
    await bob.open_channel("ann")
    await bob.sees("hello bob")
    await bob.say("hello ann 🐦")
    await ann.sees("hello ann 🐦")
    await ann.sees_heading("online")


async def _groups(ann: PagePerson, bob: PagePerson) -> None:
    """Public ones are found and joined, private ones are for those who were chosen, and who is added sees them appear."""
    await ann.create_group("Birds")
    await bob.join_public("Birds")
    await bob.say("I like wrens")
    await ann.sees("I like wrens")
    await expect(ann.page.get_by_role("log").get_by_text("bob joined")).to_be_visible(timeout=PATIENCE_MS)
    for person in (ann, bob):
        await person.sees_heading("2 members, 2 online")

    await ann.create_group("Secret nest", private=True, people=("bob",))
    await expect(bob.row("Secret nest")).to_be_visible(timeout=PATIENCE_MS)
    await ann.say("only for us")
    await bob.open_channel("Secret nest")
    await bob.sees("only for us")

    await ann.create_group("Ducks")
    await expect(bob.row("Ducks")).to_have_count(0)
    await ann.add_people("bob")
    await expect(bob.row("Ducks")).to_be_visible(timeout=PATIENCE_MS)
    await ann.sees_heading("2 members, 2 online")


async def _with_a_program(ann: PagePerson, bob: PagePerson, program: Person) -> Feed:
    """The official Python SDK and the two pages talk in one group."""
    await ann.create_group("Workshop", people=("bob", "program"))
    await program.until(lambda: bool(program.personal))
    feed = await program.follow(program.personal[-1]["channel"]["channel"]["id"])
    await ann.sees_heading("3 members, 3 online")
    await ann.say("are you a program?")
    await feed.until(lambda: "are you a program?" in feed.texts)
    await program.say(feed.subscription.channel, "**yes**")
    await bob.open_channel("Workshop")
    for person in (ann, bob):
        await expect(person.page.get_by_role("log").locator("strong")).to_have_text(
            "yes", timeout=PATIENCE_MS
        )
    return feed


async def _old_history(bob: PagePerson, program: Person, feed: Feed) -> None:
    """After a reload the newest page is there, and the others come as one scrolls up."""
    for number in range(OLD):
        await program.say(feed.subscription.channel, f"number {number}")
    await bob.sees(f"number {OLD - 1}")
    asked: list[str] = []
    bob.page.on(
        "websocket",
        lambda socket: socket.on(
            "framesent", lambda frame: asked.extend(re.findall("fetch_messages", str(frame)))
        ),
    )
    await bob.page.reload()
    await bob.sees(f"number {OLD - 1}")
    await expect(bob.message("number 0")).to_have_count(0)
    at_first = len(asked)
    await bob.scroll_up_to("are you a program?")
    assert at_first <= 2
    assert len(asked) >= 3
    await bob.page.get_by_role("button", name=re.compile("^Jump to latest")).click()
    await bob.sees(f"number {OLD - 1}")


async def _a_killed_server(ann: PagePerson, bob: PagePerson, server: Server, feed: Feed) -> list[str]:
    """``kill -9`` while messages are on their way: nothing is lost, nothing is doubled, all pages come back by themselves."""
    said = [f"in haste {number}" for number in range(HASTY)]
    for text in said:
        await ann.say(text)
        if text == said[2]:
            await ann.sees_sent(text)
            await server.kill()
    waiting = ann.message(said[-1]).get_by_role("img", name="waiting to be sent")
    await expect(waiting).to_be_visible(timeout=PATIENCE_MS)
    for person in (ann, bob):
        await expect(person.page.get_by_text("Reconnecting…")).to_be_visible(timeout=PATIENCE_MS)
    await ann.sees_heading("3 members")

    await server.start()
    for text in said:
        await ann.sees_sent(text)
        await bob.sees(text)
    await bob.say("all of it came")
    await ann.sees("all of it came")
    for person in (ann, bob):
        await expect(person.page.get_by_text("Reconnecting…")).to_be_hidden(timeout=PATIENCE_MS)
    await ann.sees_heading("3 members, 3 online")
    await feed.until(lambda: "all of it came" in feed.texts)
    assert [text for text in feed.texts if text.startswith("in haste")] == said
    return said


async def _tomorrow(ann: PagePerson, bob: PagePerson, said: list[str]) -> None:
    """Everything is there again for whoever comes back."""
    for person in (ann, bob):
        await person.page.reload()
        await person.sees_conversation("Workshop")
        for text in (*said, "all of it came"):
            await person.sees(text)
        await person.open_channel("Secret nest")
        await person.sees("only for us")
