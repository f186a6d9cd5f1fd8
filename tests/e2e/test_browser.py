"""The main job, in two browsers."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import Server, StartServer
from tests.support.page_person import PATIENCE_MS, PagePerson
from tests.support.person import Person

pytestmark = pytest.mark.e2e


async def test_two_people_talk_directly_and_come_back_tomorrow(server: Server, chromium: Browser) -> None:
    ann = await PagePerson.arrive(chromium, server.url, "ann")
    bob = await PagePerson.arrive(chromium, server.url, "bob")
    await ann.open_direct("bob")
    await ann.say("hello bob")
    await ann.sees_sent("hello bob")

    await expect(bob.row("ann")).to_contain_text("hello bob", timeout=PATIENCE_MS)
    await bob.open_channel("ann")
    await bob.sees("hello bob")
    await bob.say("hello ann 🐦")
    await ann.sees("hello ann 🐦")

    await ann.page.reload()
    await ann.sees_conversation("bob")
    await ann.sees("hello bob")
    await ann.sees("hello ann 🐦")

    await ann.page.get_by_role("button", name="Settings").click()
    await ann.page.get_by_role("button", name="Sign out").click()
    await ann.fill_in("Sign in")
    await ann.sees_channels()
    await ann.open_channel("bob")
    await ann.sees("hello ann 🐦")
    for person in (ann, bob):
        await person.leave()


async def test_groups_are_found_joined_and_filled(server: Server, chromium: Browser) -> None:
    ann = await PagePerson.arrive(chromium, server.url, "ann")
    bob = await PagePerson.arrive(chromium, server.url, "bob")
    await ann.create_group("Birds")
    await bob.join_public("Birds")
    await bob.say("I like wrens")
    await ann.sees("I like wrens")

    await ann.create_group("Secret nest", private=True, people=("bob",))
    await expect(bob.row("Secret nest")).to_be_visible(timeout=PATIENCE_MS)
    await ann.say("only for us")
    await bob.open_channel("Secret nest")
    await bob.sees("only for us")

    eve = await PagePerson.arrive(chromium, server.url, "eve")
    await eve.look_for("Secret", "Public groups")
    await expect(eve.page.get_by_text(re.compile("Nobody and nothing called"))).to_be_visible(
        timeout=PATIENCE_MS
    )
    for person in (ann, bob, eve):
        await person.leave()


async def test_a_killed_server_costs_patience_and_nothing_else(server: Server, chromium: Browser) -> None:
    ann = await PagePerson.arrive(chromium, server.url, "ann")
    bob = await PagePerson.arrive(chromium, server.url, "bob")
    await ann.open_direct("bob")
    await ann.say("before")
    await ann.sees_sent("before")
    await bob.open_channel("ann")
    await bob.sees("before")

    await server.kill()
    await ann.say("while it was down")
    waiting = ann.message("while it was down").get_by_role("img", name="waiting to be sent")
    await expect(waiting).to_be_visible(timeout=PATIENCE_MS)
    await expect(ann.page.get_by_text("Reconnecting…")).to_be_visible(timeout=PATIENCE_MS)

    await server.start()
    await ann.sees_sent("while it was down")
    await bob.sees("while it was down")
    await bob.say("after")
    await ann.sees("after")
    await expect(ann.page.get_by_text("Reconnecting…")).to_be_hidden(timeout=PATIENCE_MS)
    for person in (ann, bob):
        for text in ("before", "while it was down", "after"):
            await person.sees(text)
        await person.leave()


async def test_a_long_history_pages_as_one_scrolls_up(start_server: StartServer, chromium: Browser) -> None:
    server = await start_server(sends_burst="1000")
    program = Person(server.url, await server.register("program"))
    await program.connect()
    ann = await PagePerson.arrive(chromium, server.url, "ann")
    await ann.open_direct("program")
    channel = (await program.rpc("fetch_state"))["channels"][0]["channel"]["id"]
    for number in range(200):
        await program.say(channel, f"number {number}")
    await ann.sees("number 199")
    await ann.page.reload()
    await ann.sees("number 199")
    log = ann.page.get_by_role("log")
    await log.hover()
    while await ann.message("number 0").count() == 0:
        await ann.page.mouse.wheel(0, -3000)
        await ann.page.wait_for_function("() => new Promise(requestAnimationFrame)")
    await ann.sees("number 0")
    await program.client.disconnect()
    await ann.leave()


async def test_the_page_talks_to_the_python_sdk(server: Server, chromium: Browser) -> None:
    program = Person(server.url, await server.register("program"))
    await program.connect()
    ann = await PagePerson.arrive(chromium, server.url, "ann")
    await ann.open_direct("program")
    await program.until(lambda: bool(program.personal))
    channel = program.personal[0]["channel"]["channel"]["id"]
    feed = await program.follow(channel)
    await ann.say("are you a program?")
    await feed.until(lambda: "are you a program?" in feed.texts)
    await program.say(channel, "**yes**")
    await expect(ann.page.get_by_role("log").locator("strong")).to_have_text("yes", timeout=PATIENCE_MS)
    await program.client.disconnect()
    await ann.leave()


async def test_script_in_text_and_names_stays_text(server: Server, chromium: Browser) -> None:
    ann = await PagePerson.arrive(chromium, server.url, "ann")
    name = "<img src=x onerror=alert(1)>"
    await ann.create_group(name)
    await ann.say("<script>alert(1)</script> [x](javascript:alert(1))")
    await expect(ann.page.get_by_role("log").get_by_text("<script>alert(1)</script>")).to_be_visible(
        timeout=PATIENCE_MS
    )
    assert await ann.page.locator("a[href^='javascript']").count() == 0
    await ann.leave()
