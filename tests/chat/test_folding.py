"""Folding and admitting, against a model that applies one change after the other."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirpbird.chat import folding
from chirpbird.chat.entities import CHANGES, Entry, EntryKind
from chirpbird.chat.errors import InvalidInput
from chirpbird.chat.folding import Change, Message, admit, fold

K = EntryKind
STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(CHANGES)), st.sampled_from("ab"), st.sampled_from(["x", "y"])),
    max_size=40,
)


def entry(seq: int, kind: EntryKind, sender: str = "a", text: str = "", target: int = 1) -> Entry:
    return Entry(
        channel_id="C",
        seq=seq,
        kind=kind,
        sender_id=sender,
        key="",
        text=text,
        members=(),
        created_at=seq,
        message_number=1,
        target=target,
    )


SAID = entry(1, K.MESSAGE, text="first", target=0)


@dataclass
class Model:
    """What people see, kept the plain way."""

    text: str = "first"
    edited_at: int = 0
    deleted: bool = False
    pinned: bool = False
    reactions: list[tuple[str, list[str]]] = field(default_factory=list)

    def apply(self, seq: int, kind: EntryKind, sender: str, text: str) -> bool:
        """Whether anything changed."""
        if self.deleted:
            return False
        users = next((users for emoji, users in self.reactions if emoji == text), [])
        match kind:
            case K.DELETED:
                self.__init__(text="", deleted=True)  # type: ignore[misc]
            case K.EDITED:
                if self.edited_at and self.text == text:
                    return False
                self.text, self.edited_at = text, seq
            case K.PINNED | K.UNPINNED:
                changed = self.pinned is not (kind is K.PINNED)
                self.pinned = kind is K.PINNED
                return changed
            case K.REACTED:
                if sender in users:
                    return False
                if not users:
                    self.reactions.append((text, users))
                users.append(sender)
            case K.UNREACTED:
                if sender not in users:
                    return False
                users.remove(sender)
                self.reactions = [one for one in self.reactions if one[1]]
        return True

    def seen(self) -> Message:
        reactions = tuple(folding.Reaction(emoji, tuple(users)) for emoji, users in self.reactions)
        return Message(self.text, (), self.edited_at, self.deleted, self.pinned, reactions)


@given(STEPS)
def test_what_is_admitted_folds_to_what_the_model_says(steps: list[tuple[EntryKind, str, str]]) -> None:
    model = Model()
    changes: list[Entry] = []
    for seq, (kind, sender, text) in enumerate(steps, start=2):
        admitted = admit([Change(one.kind, one.sender_id, one.text) for one in changes], kind, sender, text)
        assert admitted is model.apply(seq, kind, sender, text)
        if admitted:
            changes.append(entry(seq, kind, sender, text))
    assert fold(SAID, changes) == model.seen()


@given(STEPS, st.data())
def test_a_change_that_is_there_twice_counts_once(
    steps: list[tuple[EntryKind, str, str]], data: st.DataObject
) -> None:
    changes = [entry(seq, *step) for seq, step in enumerate(steps, start=2)]
    doubled = [one for one in changes for _ in range(data.draw(st.integers(1, 2)))]
    assert fold(SAID, doubled) == fold(SAID, changes)


def test_what_was_emptied_is_deleted_even_if_the_deletion_was_not_read_yet() -> None:
    assert fold(entry(1, K.MESSAGE, target=0), []).deleted


def test_there_is_an_end_to_changing_but_not_to_deleting() -> None:
    many = [Change(K.EDITED, "a", str(number)) for number in range(folding.MAX_CHANGES)]
    for kind in (K.EDITED, K.REACTED, K.PINNED):
        with pytest.raises(InvalidInput, match="changed 5000 times"):
            admit(many, kind, "a", "new")
    assert admit(many, K.DELETED, "a", "")


def test_there_is_an_end_to_different_reactions() -> None:
    many = [Change(K.REACTED, "a", chr(0x1F600 + number)) for number in range(folding.MAX_EMOJIS)]
    with pytest.raises(InvalidInput, match="50 different reactions"):
        admit(many, K.REACTED, "a", "👋")
    assert admit(many, K.REACTED, "b", chr(0x1F600))
    assert admit([*many, Change(K.UNREACTED, "a", chr(0x1F600))], K.REACTED, "a", "👋")


def test_only_changes_are_admitted() -> None:
    with pytest.raises(ValueError, match="no change"):
        admit([], K.MESSAGE, "a", "hi")
