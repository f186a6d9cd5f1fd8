from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirpbird.terminal.conversations import MAX_HELD, Conversations, Entry, Sending, visible
from chirpbird.terminal.words import channel_line, entry_line, sending_line

ANN = {"id": "a", "username": "ann", "name": "Ann"}
BOB = {"id": "b", "username": "bob", "name": "Bob [b]ig"}


def entry(seq: int, sender: dict[str, str] = BOB, *, text: str = "hi", minute: int = 0, **more: Any) -> Entry:
    at = f"2026-01-31T09:{minute:02}:00.250Z"
    raw = {"seq": seq, "type": "message", "sender": sender, "createdAt": at, "data": text, **more}
    return msgspec.convert(raw, Entry)


def state(channel_id: str, last: Entry | None = None, **more: Any) -> dict[str, Any]:
    channel = {"id": channel_id, "kind": "public", "name": channel_id, "memberCount": 2, **more}
    return {"channel": channel, "lastMessage": None if last is None else msgspec.to_builtins(last)}


@pytest.fixture
def all_of_them() -> Conversations:
    conversations = Conversations()
    conversations.take_state({"user": ANN, "channels": [state("old"), state("new", entry(3, minute=5))]})
    return conversations


def test_what_was_written_last_comes_first(all_of_them: Conversations) -> None:
    assert [one.id for one in all_of_them.ordered()] == ["new", "old"]
    all_of_them["old"].arrived(entry(1, minute=6), seen=False)
    assert [one.id for one in all_of_them.ordered()] == ["old", "new"]


def test_a_direct_channel_bears_the_others_name(all_of_them: Conversations) -> None:
    pair = state("pair", name="", kind="direct", participants=[ANN, BOB])
    assert all_of_them.gain(pair).title == "Bob [b]ig"
    assert channel_line(all_of_them["pair"]).plain == "@ Bob [b]ig"


def test_only_what_others_say_and_is_not_seen_is_unread(all_of_them: Conversations) -> None:
    one = all_of_them["old"]
    one.arrived(entry(1), seen=False)
    one.arrived(entry(1), seen=False)
    one.arrived(entry(2, ANN), seen=False)
    one.arrived(entry(3), seen=True)
    one.arrived(entry(4, type="joined", members=[BOB]), seen=False)
    assert all_of_them.unread == one.unread == 1
    assert channel_line(one).plain == "# old  1"


def test_channels_that_are_gone_go(all_of_them: Conversations) -> None:
    assert all_of_them.take_state({"user": ANN, "channels": [state("new")]}) == ["old"]
    assert "old" not in all_of_them


def test_a_long_conversation_is_not_held_for_ever(all_of_them: Conversations) -> None:
    one = all_of_them["old"]
    one.has_older = False
    for seq in range(1, 2 * MAX_HELD):
        one.arrived(entry(seq), seen=True)
    assert len(one.entries) <= MAX_HELD * 5 // 4
    assert one.entries[-1].seq == 2 * MAX_HELD - 1
    assert one.has_older


@given(st.lists(st.integers(1, 30)))
def test_entries_stand_in_order_each_once(seqs: list[int]) -> None:
    conversations = Conversations()
    one = conversations.gain(state("c"))
    for seq in seqs:
        one.arrived(entry(seq), seen=True)
    assert [held.seq for held in one.entries] == sorted(set(seqs))


def test_the_outbox_knows_its_channel_and_forgets_what_was_sent(all_of_them: Conversations) -> None:
    all_of_them.outbox += [
        Sending("new", "1", "one"),
        Sending("old", "2", "two"),
        Sending("new", "3", "three"),
    ]
    all_of_them.sent("1")
    assert [one.text for one in all_of_them.waiting_in("new")] == ["three"]


@given(st.text())
def test_no_text_of_others_moves_the_cursor(text: str) -> None:
    shown = visible(text)
    assert not any((ord(one) < 32 and one not in "\n\t") or 127 <= ord(one) < 160 for one in shown)
    assert "\u202e" not in shown
    assert visible(shown) == shown


@given(st.text(max_size=50))
def test_no_text_of_others_is_markup(text: str) -> None:
    said = entry(1, text=text)
    assert entry_line(said, said).plain == visible(text)
    assert text.isspace() or visible(text) in sending_line(Sending("c", "k", text)).plain


def test_notes() -> None:
    def note(kind: str, *members: dict[str, str], sender: dict[str, str] = BOB) -> str:
        return entry_line(entry(1, sender, type=kind, members=members), None).plain

    assert note("created", ANN, BOB) == "— Bob [b]ig began this channel"
    assert note("joined", BOB) == "— Bob [b]ig joined"
    assert note("joined", ANN) == "— Bob [b]ig added Ann"
    assert note("left", ANN, BOB, sender=ANN) == "— Ann removed Ann and Bob [b]ig"
    assert note("left", BOB) == "— Bob [b]ig left"
    assert note("joined", *[ANN] * 6) == "— Bob [b]ig added Ann, Ann, Ann and 3 others"
    assert note("of a later version") == "— Bob [b]ig: of a later version"


def test_who_speaks_is_said_once_in_a_while() -> None:
    first, second, late = entry(1), entry(2, minute=4), entry(3, minute=10)
    assert "Bob [b]ig" in entry_line(first, None).plain
    assert entry_line(second, first).plain == "hi"
    assert "Bob [b]ig" in entry_line(late, second).plain
    assert "Ann" in entry_line(entry(4, ANN, minute=10), late).plain


def test_what_is_not_sent_says_so() -> None:
    assert sending_line(Sending("c", "k", "text")).plain == "text  … waiting"
    assert "not sent: too long" in sending_line(Sending("c", "k", "text", "too long")).plain
