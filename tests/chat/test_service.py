from __future__ import annotations

from chirpbird.chat.clock import SystemClock
from chirpbird.chat.limits import ChatLimits
from chirpbird.chat.service import Chat
from tests.support.chat_fakes import PlainHasher, RecordingAudience
from tests.support.memory_store import MemoryStore


async def test_a_chat_needs_a_store_and_a_secret_only() -> None:
    chat = Chat(store=MemoryStore(), secret=b"s" * 32)
    assert chat.limits == ChatLimits()
    assert isinstance(chat.clock, SystemClock)


async def test_an_audience_may_come_later() -> None:
    chat = Chat(store=MemoryStore(), secret=b"s" * 32, hasher=PlainHasher())
    ann = await chat.accounts.register("ann", "correct horse")
    unheard = await chat.channels.create(ann.id, "first")
    await chat.channels.leave(ann.id, unheard.channel.id)
    audience = RecordingAudience()
    chat.tell(audience)
    heard = await chat.channels.create(ann.id, "second")
    assert audience.told == [("gained", heard.channel.id, [ann.id])]
