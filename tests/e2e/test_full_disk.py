"""A file system without a byte left, below a whole server: nobody is thrown out, nothing is lost, and it ends by itself."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from centrifuge import ReplyError
from playwright.async_api import Browser, expect

from tests.e2e.conftest import Server
from tests.support.page_person import PATIENCE_MS, PagePerson
from tests.support.person import Person
from tests.support.small_disk import SmallDisk

pytestmark = pytest.mark.e2e

MEGABYTES = 12
MOST = 5000
"""Messages that may still fit: SQLite goes on in what its files hold already."""
FULL = "the server's disk is full; nothing can be saved until there is room again"


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[SmallDisk]:
    """Small, and empty."""
    disk = await SmallDisk.mount(tmp_path, MEGABYTES)
    yield disk
    await disk.close()


@pytest.fixture
async def server(disk: SmallDisk) -> AsyncIterator[Server]:
    """With its data on that disk."""
    settings = {"CHIRPBIRD_SENDS_BURST": "1000000", "CHIRPBIRD_ACCESS_TOKEN_SECONDS": "2"}
    server = Server(disk.path / "data", settings, inside=disk.inside)
    await server.start()
    yield server
    await server.close()


async def test_a_full_disk(server: Server, disk: SmallDisk, chromium: Browser) -> None:
    ann, bob = [Person(server.url, await server.register(name)) for name in ("ann", "bob")]
    page = await PagePerson.arrive(chromium, server.url, "cleo")
    for person in (ann, bob):
        await person.connect()
    cleo = (await ann.rpc("search_users", query="cleo"))["users"][0]["id"]
    state = await ann.rpc("create_channel", name="Pond", participants=[bob.id, cleo])
    channel = state["channel"]["channel"]["id"]
    feed = await bob.follow(channel)
    await page.open_channel("Pond")
    await page.say("there is room")
    await page.sees_sent("there is room")

    disk.fill()
    acknowledged = await _send_until_full(ann, channel)
    await _say_why(server, ann, channel)
    await page.say("is there room?")
    waiting = page.message("is there room?").get_by_role("img", name="waiting to be sent")
    await expect(waiting).to_be_visible(timeout=PATIENCE_MS)
    await _readers_go_on(page, bob, channel, acknowledged)

    disk.make_room()
    await page.sees_sent("is there room?")
    await ann.say(channel, "the refused one", key="refused")
    await ann.say(channel, "the refused one", key="refused")
    await _until_ready(server, 200)
    texts = ["there is room", *acknowledged, "is there room?", "the refused one"]
    await feed.until(lambda: len(feed.texts) >= len(texts))
    assert sorted(feed.texts) == sorted(texts)
    assert [entry["seq"] for entry in feed.entries] == list(range(2, len(texts) + 2))
    for person in (ann, bob):
        assert len(person.connections) == 1
        assert person.disconnects == []
        await person.client.disconnect()
    await page.leave()
    await server.close()
    assert server.output.count("a write failed") < 10, "the log fills the disk, too"


async def _send_until_full(ann: Person, channel: str) -> list[str]:
    """The texts that were acknowledged before the first was refused, in the protocol's words."""
    acknowledged: list[str] = []

    async def keep_saying() -> None:
        for number in range(MOST):
            await ann.say(channel, f"number {number}")
            acknowledged.append(f"number {number}")

    with pytest.raises(ReplyError) as refused:
        await keep_saying()
    assert (refused.value.code, refused.value.message, refused.value.temporary) == (100, FULL, True)
    with pytest.raises(ReplyError, match="disk is full"):
        await ann.say(channel, "the refused one", key="refused")
    return acknowledged


async def _history(reader: Person, channel: str) -> list[str]:
    """The texts of the newest page; with few messages, it is all there is."""
    page = await reader.rpc("fetch_messages", channelId=channel, limit=300)
    return [entry["data"] for entry in page["messages"] if entry["type"] == "message"]


async def _say_why(server: Server, ann: Person, channel: str) -> None:
    """Over HTTP, and to whoever asks whether the server is ready."""
    async with httpx.AsyncClient(base_url=server.url) as http:
        http.headers["Authorization"] = f"Bearer {await ann.fetch_token()}"
        requests: tuple[tuple[str, dict[str, Any]], ...] = (
            (f"/channels/{channel}/messages", {"data": "over HTTP"}),
            ("/channels", {"name": "Another"}),
            ("/users", {"username": "dora", "password": "correct horse", "wantRefreshToken": True}),
        )
        for path, body in requests:
            answer = await http.post(path, json=body)
            assert answer.status_code == 507, path
            assert answer.json()["errors"] == [{"code": "store_full", "message": FULL}]
    answer = await _until_ready(server, 503)
    assert answer.json()["errors"] == [{"code": "not_ready", "message": FULL}]


async def _until_ready(server: Server, status: int) -> httpx.Response:
    """The store is asked at most once a second."""
    async with httpx.AsyncClient(base_url=server.url) as http:
        while (answer := await http.get("/health/ready")).status_code != status:
            pass
    return answer


async def _readers_go_on(page: PagePerson, bob: Person, channel: str, acknowledged: list[str]) -> None:
    """Those that are there stay, over more than the life of an access token; those that come back come in."""
    assert await _history(bob, channel) == ["there is room", *acknowledged][-300:]
    fetched = bob.tokens_fetched
    await bob.until(lambda: bob.tokens_fetched >= fetched + 2)
    await expect(page.page.get_by_text(re.compile("Reconnecting"))).to_be_hidden(timeout=PATIENCE_MS)
    await page.page.reload()
    await page.sees_conversation("Pond")
    await page.sees((["there is room", *acknowledged])[-1])
    await page.sees("is there room?")


async def test_a_server_comes_back_on_a_full_disk(server: Server, disk: SmallDisk) -> None:
    ann = Person(server.url, await server.register("ann"))
    await ann.connect()
    channel = (await ann.rpc("create_channel", name="Pond"))["channel"]["channel"]["id"]
    disk.fill()
    acknowledged = await _send_until_full(ann, channel)
    await server.kill()
    await server.start()
    await ann.until(lambda: len(ann.connections) == 2)
    assert await _history(ann, channel) == acknowledged[-300:]
    disk.make_room()
    await ann.say(channel, "room again")
    await ann.client.disconnect()
    await server.close()
    assert f"nothing can be saved for now: {FULL}" in server.output


async def test_a_first_start_on_a_full_disk_says_so_in_one_line(disk: SmallDisk) -> None:
    server = Server(disk.path / "data", inside=disk.inside)
    disk.fill()
    said = await server.try_to_start()
    assert said is not None
    assert said.count("\n") == 1, said
    assert "disk is full" in said or "No space left" in said
    disk.make_room()
    await server.start()
    await server.close()
