"""The page without its server: opened, read, written to; and what of it stays behind when somebody signs out."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.conftest import Server
from tests.support.page_person import PATIENCE_MS, PagePerson

pytestmark = pytest.mark.e2e

KEPT = """async () => {
  const open = indexedDB.open("chirpbird");
  const database = await new Promise((resolve) => (open.onsuccess = () => resolve(open.result)));
  if (!database.objectStoreNames.contains("seen")) return [];
  const asked = database.transaction("seen").objectStore("seen").getAllKeys();
  const keys = await new Promise((resolve) => (asked.onsuccess = () => resolve(asked.result)));
  database.close();
  return keys;
}"""


async def _arrive(chromium: Browser, server: Server, username: str) -> PagePerson:
    person = await PagePerson.visit(chromium, server.url, username, kept=True)
    await person.fill_in("Create account")
    await person.sees_channels()
    await person.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    return person


async def _kept(page: Page, entries: int) -> None:
    """So many things are in the browser's keeping."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while len(await page.evaluate(KEPT)) != entries:
            await page.wait_for_function("() => new Promise(requestAnimationFrame)")


async def test_what_was_seen_opens_without_the_server_and_what_is_written_goes_out_when_it_is_back(
    server: Server, chromium: Browser
) -> None:
    ann = await _arrive(chromium, server, "ann")
    await ann.create_group("Diary")
    await ann.say("seen before")
    await ann.sees_sent("seen before")
    await ann.page.reload()
    await ann.sees("seen before")
    await _kept(ann.page, 2)

    await server.kill()
    await ann.page.goto(f"{server.url}/")
    await ann.open_channel("Diary")
    await ann.sees("seen before")
    await ann.say("written without a server")
    waiting = ann.message("written without a server").get_by_role("img", name="waiting to be sent")
    await expect(waiting).to_be_visible(timeout=PATIENCE_MS)
    await ann.page.reload()
    await ann.sees("seen before")
    await expect(waiting).to_be_visible(timeout=PATIENCE_MS)

    await server.start()
    await ann.sees_sent("written without a server")
    await ann.say("and after")
    await ann.sees_sent("and after")
    assert await ann.scroll_up_to("seen before") == ["seen before", "written without a server", "and after"]
    await ann.leave()


async def test_who_signs_out_takes_along_what_was_seen(server: Server, chromium: Browser) -> None:
    ann = await _arrive(chromium, server, "ann")
    await ann.create_group("Diary")
    await ann.say("for nobody else")
    await ann.sees_sent("for nobody else")
    await ann.page.reload()
    await _kept(ann.page, 2)
    await ann.page.get_by_role("button", name="Settings").click()
    await ann.page.get_by_role("button", name="Sign out").click()
    await expect(ann.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible(
        timeout=PATIENCE_MS
    )
    await _kept(ann.page, 0)
    await server.kill()
    await ann.page.goto(f"{server.url}/")
    await expect(ann.page.get_by_text("The server cannot be reached. Trying again…")).to_be_visible(
        timeout=PATIENCE_MS
    )
    await expect(ann.page.get_by_text("Diary")).to_have_count(0)
    await ann.leave()


async def test_a_new_version_is_offered_and_not_forced(server: Server, chromium: Browser) -> None:
    ann = await _arrive(chromium, server, "ann")
    await ann.page.reload()
    await ann.create_group("Diary")

    # Another address is another version to the browser.
    await ann.page.evaluate("navigator.serviceWorker.register('/sw.js?newer').then(() => true)")
    offer = ann.page.get_by_role("status").filter(has_text="A new version of Chirpbird is ready.")
    await expect(offer).to_be_visible(timeout=PATIENCE_MS)
    await ann.page.get_by_role("textbox", name=re.compile("^Write to")).fill("not finished")
    await ann.page.evaluate("window.before = true")
    await offer.get_by_role("button", name="Reload").click()
    await ann.page.wait_for_function("!window.before")
    await expect(ann.page.get_by_role("textbox", name=re.compile("^Write to"))).to_have_value(
        "not finished", timeout=PATIENCE_MS
    )
    await ann.leave()
