"""Being told what happens while one looks elsewhere."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import Server
from tests.support.page_person import PATIENCE_MS, PagePerson
from tests.support.person import Person

pytestmark = pytest.mark.e2e

_RECORD = """
window.told = [];
window.Notification = class {
    static permission = "default";
    static async requestPermission() { return (Notification.permission = "granted"); }
    constructor(title, { body }) { window.told.push([title, body]); }
};
"""
"""The browser's own notifications cannot be read: what the page asks of it can."""


async def test_a_message_elsewhere_shows_in_the_title_on_the_icon_and_as_a_notification(
    server: Server, chromium: Browser
) -> None:
    bob = Person(server.url, await server.register("bob"))
    await bob.connect()
    ann = await PagePerson.arrive(chromium, server.url, "ann")
    await ann.page.add_init_script(_RECORD)
    await ann.page.reload()
    await ann.open_direct("bob")
    channel = (await bob.rpc("fetch_state"))["channels"][0]["channel"]["id"]
    await ann.create_group("Diary")
    assert await ann.page.evaluate("Notification.permission") == "default"
    await ann.page.get_by_role("button", name="Settings").click()
    wanted = ann.page.get_by_role("checkbox", name="Show notifications")
    await wanted.click()
    await expect(wanted).to_be_checked(timeout=PATIENCE_MS)
    await ann.page.keyboard.press("Escape")

    await bob.say(channel, "Tea?")
    await bob.say(channel, "Now?")
    await expect(ann.page).to_have_title("(2) Diary · Chirpbird", timeout=PATIENCE_MS)
    await expect(ann.page.locator("link[rel=icon]")).to_have_attribute("href", "/favicon-unread.svg")
    assert await ann.page.evaluate("told") == [["bob", "Tea?"], ["bob", "Now?"]]

    await ann.open_channel("bob")
    await expect(ann.page).to_have_title(re.compile("^bob · "), timeout=PATIENCE_MS)
    await expect(ann.page.locator("link[rel=icon]")).to_have_attribute("href", "/favicon.svg")
    await bob.client.disconnect()
    await ann.leave()


async def test_the_page_speaks_the_language_that_is_chosen(server: Server, chromium: Browser) -> None:
    ann = await PagePerson.visit(chromium, server.url, "ann", locale="pt-BR")
    await ann.fill_in_words("Nome de usuário", "Senha", "Criar conta")
    await ann.page.get_by_role("button", name="Configurações").click()
    await ann.page.get_by_label("Idioma").select_option("id")
    await expect(ann.page.get_by_role("dialog", name="Pengaturan")).to_be_visible(timeout=PATIENCE_MS)
    await ann.page.reload()
    await expect(ann.page.get_by_role("navigation", name="Kanal")).to_be_visible(timeout=PATIENCE_MS)
    assert await ann.page.evaluate("document.documentElement.lang") == "id"
    await ann.leave()
