"""What a message looks like now: the entry that said it, and the entries behind it that changed it, folded together.

Pure, so that all stores, the pages of history and live clients come to the same result. Folding is idempotent: a change that
was applied already changes nothing, whoever applied it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chirpbird.chat.entities import CHANGES, Entry, EntryKind
from chirpbird.chat.errors import InvalidInput

__all__ = ["MAX_CHANGES", "MAX_EMOJIS", "Change", "Message", "Reaction", "admit", "fold"]

MAX_CHANGES = 5_000
"""Changes of one message. Bounds what a page has to read; deleting is always possible."""
MAX_EMOJIS = 50
"""Different reactions that a message has at a time."""


class Change(NamedTuple):
    """What of a change entry decides whether another one may follow."""

    kind: EntryKind
    sender_id: str
    text: str


class Reaction(NamedTuple):
    """One emoji on a message."""

    emoji: str
    user_ids: tuple[str, ...]
    """Who reacted with it, the first one first."""


class Message(NamedTuple):
    """A message as it is now."""

    text: str
    mentions: tuple[str, ...]
    edited_at: int
    """When it was last edited, in milliseconds; 0: never."""
    deleted: bool
    pinned: bool
    reactions: tuple[Reaction, ...]
    """In the order in which the emojis were first used."""


def fold(said: Entry, changes: Iterable[Entry]) -> Message:
    """``changes`` are the entries that target ``said``, in log order; entries of other kinds are passed over."""
    text, mentions, edited_at, pinned = said.text, said.mentions, 0, False
    # Dicts keep order: a reaction that was taken back and set again goes to the end.
    reactions: dict[str, dict[str, None]] = {}
    for change in changes:
        match change.kind:
            case EntryKind.DELETED:
                return _GONE
            case EntryKind.EDITED:
                text, mentions, edited_at = change.text, change.mentions, change.created_at
            case EntryKind.REACTED:
                reactions.setdefault(change.text, {}).setdefault(change.sender_id)
            case EntryKind.UNREACTED:
                _take_back(reactions, change.text, change.sender_id)
            case EntryKind.PINNED:
                pinned = True
            case EntryKind.UNPINNED:
                pinned = False
    if not text:
        # It was emptied by a deletion that is behind what was read of the log.
        return _GONE
    folded = tuple(Reaction(emoji, tuple(user_ids)) for emoji, user_ids in reactions.items())
    return Message(text, mentions, edited_at, False, pinned, folded)


def admit(changes: Sequence[Change], kind: EntryKind, sender_id: str, text: str) -> bool:
    """Whether a change of a message shall be appended behind the ``changes`` that it has: False when it would change nothing,
    as with everything done to a deleted message.

    Errors: InvalidInput when the message has changed too often, or has too many different reactions.
    """
    if kind not in CHANGES:
        raise ValueError(f"{kind} is no change of a message")
    if any(change.kind is EntryKind.DELETED for change in changes):
        return False
    if kind is EntryKind.DELETED:
        return True
    if not _differs(changes, kind, sender_id, text):
        return False
    if len(changes) >= MAX_CHANGES:
        raise InvalidInput(
            f"the message has changed {len(changes)} times, at most {MAX_CHANGES} are expected"
        )
    if kind is EntryKind.REACTED:
        emojis = _emojis(changes)
        if text not in emojis and len(emojis) >= MAX_EMOJIS:
            raise InvalidInput(
                f"the message has {len(emojis)} different reactions, at most {MAX_EMOJIS} are expected",
                field="emoji",
            )
    return True


def _differs(changes: Sequence[Change], kind: EntryKind, sender_id: str, text: str) -> bool:
    """Whether the last change of the same thing, if there is one, says something else."""
    if kind is EntryKind.EDITED:
        last = next((change for change in reversed(changes) if change.kind is EntryKind.EDITED), None)
        return last is None or last.text != text
    if kind in _PINNING:
        pinning = next((change for change in reversed(changes) if change.kind in _PINNING), None)
        return kind is not (EntryKind.UNPINNED if pinning is None else pinning.kind)
    reacting = next(
        (
            change
            for change in reversed(changes)
            if change.kind in _REACTING and change.text == text and change.sender_id == sender_id
        ),
        None,
    )
    return kind is not (EntryKind.UNREACTED if reacting is None else reacting.kind)


def _emojis(changes: Sequence[Change]) -> dict[str, dict[str, None]]:
    reactions: dict[str, dict[str, None]] = {}
    for change in changes:
        if change.kind is EntryKind.REACTED:
            reactions.setdefault(change.text, {}).setdefault(change.sender_id)
        elif change.kind is EntryKind.UNREACTED:
            _take_back(reactions, change.text, change.sender_id)
    return reactions


def _take_back(reactions: dict[str, dict[str, None]], emoji: str, user_id: str) -> None:
    users = reactions.get(emoji)
    if users is not None:
        users.pop(user_id, None)
        if not users:
            del reactions[emoji]


_PINNING = frozenset({EntryKind.PINNED, EntryKind.UNPINNED})
_REACTING = frozenset({EntryKind.REACTED, EntryKind.UNREACTED})
_GONE = Message("", (), 0, deleted=True, pinned=False, reactions=())
