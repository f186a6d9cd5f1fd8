"""Telling who came and went does not fail, whatever the bus does: by then it is a fact."""

from __future__ import annotations

import asyncio

import pytest

from chirpbird.chat.service import Chat
from chirpbird.gateway.audience import NodeAudience
from chirpbird.realtime import Node
from chirpbird.realtime.redis import RedisUnavailable


async def test_a_bus_that_fails_is_no_failure_of_the_change(
    node: Node, chat: Chat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ann = (await chat.accounts.register("ann", "a long password", address="")).id
    made = await chat.channels.create(ann, "Nest", is_private=True, participants=[])

    async def refuse(*args: object, **options: object) -> None:
        raise RedisUnavailable("Redis is away")

    def refuse_later(*args: object, **options: object) -> asyncio.Task[None]:
        return asyncio.ensure_future(refuse())

    monkeypatch.setattr(node, "unsubscribe", refuse)
    monkeypatch.setattr(node, "publish", refuse_later)
    audience = NodeAudience(node, chat)
    await audience.channel_gained([ann], made.channel.id)
    await audience.channel_lost([ann, "U-bob"], made.channel.id)
    assert caplog.text.count("Redis is away") == 5
