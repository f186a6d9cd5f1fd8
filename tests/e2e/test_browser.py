"""What the page does when things go wrong, and what it keeps to itself. The main job is told in test_story.py."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import Server, StartServer
from tests.support.page_line import Line
from tests.support.page_person import PATIENCE_MS, PagePerson
from tests.support.person import Person

pytestmark = pytest.mark.e2e


async def test_private_groups_are_not_found(server: Server, chromium: Browser) -> None:
    ann = await PagePerson.arrive(chromium, server.url, "ann")
    await ann.create_group("Secret nest", private=True)
    eve = await PagePerson.arrive(chromium, server.url, "eve")
    await eve.look_for("Secret", "Public groups")
    await expect(eve.page.get_by_text(re.compile("Nobody and nothing called"))).to_be_visible(
        timeout=PATIENCE_MS
    )
    await eve.page.goto(ann.page.url)
    await expect(eve.page.get_by_text("This channel is not here")).to_be_visible(timeout=PATIENCE_MS)
    for person in (ann, eve):
        await person.leave()


@pytest.mark.parametrize("missed", [170, 700])
async def test_a_page_that_was_away_long_catches_up(
    start_server: StartServer, chromium: Browser, missed: int
) -> None:
    server = await start_server(sends_burst="1000")
    program = Person(server.url, await server.register("program"))
    await program.connect()
    ann = await PagePerson.arrive(chromium, server.url, "ann")
    await ann.open_direct("program")
    channel = (await program.rpc("fetch_state"))["channels"][0]["channel"]["id"]
    line = await Line.of(ann.page)
    await ann.page.reload()
    await ann.say("I was here")
    await ann.sees_sent("I was here")

    await line.cut()
    for number in range(missed):
        await program.say(channel, f"number {number}")
    line.mend()
    await ann.sees(f"number {missed - 1}")
    await program.say(channel, "the last")
    await ann.sees("the last")
    seen = await ann.scroll_up_to("I was here")
    assert seen == ["I was here", *(f"number {number}" for number in range(missed)), "the last"]
    await program.client.disconnect()
    await ann.leave()


async def test_a_lost_acknowledgement_makes_no_second_message(server: Server, chromium: Browser) -> None:
    program = Person(server.url, await server.register("program"))
    await program.connect()
    ann = await PagePerson.arrive(chromium, server.url, "ann")
    await ann.open_direct("program")
    feed = await program.follow(program.personal[0]["channel"]["channel"]["id"])
    line = await Line.of(ann.page)
    await ann.page.reload()
    await ann.say("before")
    await ann.sees_sent("before")

    published: list[int] = []

    def lose(reply: dict[str, Any]) -> bool:
        return reply.get("id") in published or (bool(published) and "push" in reply)

    def note(command: dict[str, Any]) -> None:
        if "publish" in command:
            published.append(command["id"])

    line.lose, line.answer = lose, note
    await ann.say("said once")
    await feed.until(lambda: "said once" in feed.texts)
    waiting = ann.message("said once").get_by_role("img", name="waiting to be sent")
    await expect(waiting).to_be_visible(timeout=PATIENCE_MS)
    line.lose, line.answer = lambda reply: False, lambda command: None
    await ann.page.reload()
    await ann.sees_sent("said once")
    await ann.say("after")
    await feed.until(lambda: "after" in feed.texts)
    assert feed.texts == ["before", "said once", "after"]
    sent = [command["publish"]["data"] for command in line.commands if "publish" in command]
    again = [data for data in sent if data["data"] == "said once"]
    assert len(again) >= 2
    assert len({data["key"] for data in again}) == 1
    await ann.sees("said once")
    await program.client.disconnect()
    await ann.leave()


async def test_an_expiring_token_is_renewed_without_anybody_noticing(
    start_server: StartServer, chromium: Browser
) -> None:
    server = await start_server(access_token_seconds="2")
    ann = await PagePerson.arrive(chromium, server.url, "ann")
    line = await Line.of(ann.page)
    await ann.page.reload()
    await ann.create_group("Still here")
    opened = line.opened
    for _ in range(2):
        async with ann.page.expect_response("**/sessions/refresh") as renewed:
            pass
        assert (await renewed.value).status == 200
    await ann.say("with the third token")
    await ann.sees_sent("with the third token")
    assert line.opened == opened == 1
    assert any("refresh" in command for command in line.commands)
    await ann.leave()


async def test_who_signs_out_leaves_nothing_behind(server: Server, chromium: Browser) -> None:
    ann = await PagePerson.arrive(chromium, server.url, "ann")
    await ann.create_group("Diary")
    line = await Line.of(ann.page)
    await ann.page.reload()
    await ann.sees_conversation("Diary")
    await line.cut()
    await ann.say("not sent yet")
    await ann.page.get_by_role("textbox", name=re.compile("^Write to")).fill("not finished")
    await ann.page.get_by_role("button", name="Settings").click()
    await ann.page.get_by_role("button", name="Sign out").click()
    warning = ann.page.get_by_role("dialog", name="Sign out now?")
    await expect(warning).to_contain_text(
        "1 message is not sent yet and 1 draft is not finished", timeout=PATIENCE_MS
    )
    await warning.get_by_role("button", name="Stay signed in").click()
    await ann.sees("not sent yet")
    await ann.page.get_by_role("button", name="Settings").click()
    await ann.page.get_by_role("button", name="Sign out").click()
    await ann.page.route("**/sessions/current", lambda route: route.abort())
    await warning.get_by_role("button", name="Sign out anyway").click()
    await expect(ann.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible(
        timeout=PATIENCE_MS
    )
    kept: list[str] = await ann.page.evaluate("Object.values(localStorage)")
    assert not any("not" in value for value in kept)
    await ann.page.reload()
    await expect(ann.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible(
        timeout=PATIENCE_MS
    )

    line.mend()
    await ann.page.unroute("**/sessions/current")
    await ann.page.get_by_role("button", name="Create an account instead").click()
    ann.username = "bob"
    await ann.fill_in("Create account")
    await ann.sees_channels()
    await expect(ann.page.get_by_text("Diary")).to_have_count(0)
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


_NO_WEBSOCKETS = """
window.WebSocket = class {
    constructor() { setTimeout(() => this.onclose({ code: 1006, reason: "" })); }
    close() {}
};
"""
"""As behind a proxy that does not know them."""


@pytest.mark.parametrize(
    ("broken", "transport"),
    [(_NO_WEBSOCKETS, "http_stream"), (f"{_NO_WEBSOCKETS}; delete window.ReadableStream;", "sse")],
)
async def test_where_websockets_do_not_get_through_the_page_takes_another_way(
    server: Server, chromium: Browser, broken: str, transport: str
) -> None:
    program = Person(server.url, await server.register("program"))
    await program.connect()
    ann = await PagePerson.arrive(chromium, server.url, "ann")
    await ann.open_direct("program")
    channel = (await program.rpc("fetch_state"))["channels"][0]["channel"]["id"]
    asked: list[str] = []
    ann.page.on("request", lambda request: asked.append(request.url))
    await ann.page.add_init_script(broken)
    await ann.page.reload()
    await ann.say("can you hear me")
    await ann.sees_sent("can you hear me")
    await program.say(channel, "yes, ünd 🐦")
    await ann.sees("yes, ünd 🐦")
    assert any(f"/connection/{transport}" in url for url in asked)
    await program.client.disconnect()
    await ann.leave()
