from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirpbird.chat.entities import EVERYBODY
from chirpbird.chat.mentions import MAX_MENTIONS, names_in
from chirpbird.chat.service import Chat
from tests.chat.conftest import Register


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ann", [("ann",)]),
        ("hi @Ann, and @bob!", [("ann",), ("bob",)]),
        ("(@ann) @ann @ANN", [("ann",)]),
        ("thanks @ann.", [("ann.", "ann")]),
        ("@ann._- x", [("ann._-", "ann._", "ann.", "ann")]),
        ("ann@example.com and x.@bob and @@cid", [("cid",)][:0]),
        ("@наука @日本語", [("наука",), ("日本語",)]),
        ("`@ann` @bob", [("bob",)]),
        ("``a ` @ann`` @bob", [("bob",)]),
        ("a ` @ann", [("ann",)]),
        ("```\n@ann\n```\n@bob", [("bob",)]),
        ("~~~\n@ann\n~~~\n@bob", [("bob",)]),
        ("```\n@ann", []),
        ("@" + "x" * 33, []),
        ("@" + "x" * 32, [("x" * 32,)]),
        ("@a @", []),
    ],
)
def test_names(text: str, names: list[tuple[str, ...]]) -> None:
    assert names_in(text) == names


def test_of_ten_thousand_the_first_ones_are_looked_at() -> None:
    found = names_in(" ".join(f"@user{number}" for number in range(10_000)))
    assert found == [(f"user{number}",) for number in range(MAX_MENTIONS)]


@given(st.text(st.sampled_from("@`~a.\n _"), max_size=200))
def test_anything_can_be_said(text: str) -> None:
    for readings in names_in(text):
        assert readings
        assert all(reading in text.casefold() for reading in readings)


async def test_only_members_are_mentioned(chat: Chat, register: Register) -> None:
    ann, bob = await register("ann"), await register("Bob")
    await register("cid")
    channel_id = (await chat.channels.create(ann.id, "general", participants=[bob.id])).channel.id
    entry = await chat.messages.send(ann.id, channel_id, "@bob @cid @nobody @ALL. @ann")
    assert entry.mentions == (bob.id, EVERYBODY, ann.id)


async def test_what_mentions_keeps_its_place(chat: Chat, register: Register) -> None:
    ann = await register("ann")
    channel_id = (await chat.channels.create(ann.id, "general")).channel.id
    sent = [chat.messages.send(ann.id, channel_id, text) for text in ("1", "@ann 2", "3", "@ann 4")]
    assert [(await one).seq for one in sent] == [2, 3, 4, 5]
