from __future__ import annotations

import json

import pytest

from chirpbird.chat.errors import NotFound
from chirpbird.chat.service import Chat
from tests.chat.conftest import Register
from tests.support.memory_store import MemoryStore


async def test_what_was_just_sent_is_rendered_at_once(chat: Chat, register: Register) -> None:
    ann = await register("ann")
    rendered: list[bytes | None] = []
    chat.store.log.add_commit_listener(
        lambda entries: rendered.extend(map(chat.renderer.render_now, entries))
    )
    channel_id = (await chat.channels.create(ann.id, "general")).channel.id
    await chat.messages.send(ann.id, channel_id, "hi")
    views = [json.loads(each or b"null") for each in rendered]
    assert [(view["type"], view["seq"]) for view in views] == [("created", 1), ("message", 2)]
    assert views[0]["members"] == [{"id": ann.id, "username": "ann", "name": "ann"}]


async def test_names_that_are_not_at_hand_are_fetched(
    chat: Chat, store: MemoryStore, register: Register
) -> None:
    ann, bob = await register("ann"), await register("bob")
    channel_id = (await chat.channels.create(ann.id, "general", participants=[bob.id])).channel.id
    entries, _ = await store.log.read(channel_id, after=0, limit=10)
    for directory, record_id in (
        (chat.people.directory, ann.id),
        (chat.people.directory, bob.id),
        (chat.access.directory, channel_id),
    ):
        directory.forget(record_id)
        assert chat.renderer.render_now(entries[0]) is None
        [rendered] = await chat.renderer.render(entries)
        assert chat.renderer.render_now(entries[0]) == rendered


async def test_entries_of_a_channel_that_is_gone(chat: Chat, register: Register) -> None:
    ann = await register("ann")
    channel_id = (await chat.channels.create(ann.id, "general")).channel.id
    entries, _ = await chat.store.log.read(channel_id, after=0, limit=10)
    other = Chat(store=MemoryStore(), secret=b"s" * 32)
    with pytest.raises(NotFound):
        await other.renderer.render(entries)
