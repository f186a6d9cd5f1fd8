"""What an entry changes besides the log: members and their roles, a channel's name and topic, mentions, texts that a deletion
empties. All of it in the entry's transaction, in the writer's thread.
"""

from __future__ import annotations

from chirpbird.chat.entities import CHANGES, Draft, Entry, EntryKind, Role
from chirpbird.chat.errors import AlreadyExists, NotFound
from chirpbird.chat.folding import Change, admit
from chirpbird.storage.sqlite.search_index import index_entry
from chirpbird.storage.sqlite.writer import Transaction

__all__ = ["changing", "project"]

_MOVES = frozenset({EntryKind.CREATED, EntryKind.JOINED, EntryKind.LEFT})
_CHANGES_OF = """
    SELECT kind, sender_id, text FROM entries INDEXED BY entry_changes
    WHERE channel = ? AND target = ? AND target <> 0 AND kind <> 'message' ORDER BY seq
"""
# Without being told, SQLite walks the whole log: it is sorted by seq.
_EMPTY_EDITS = """
    UPDATE entries INDEXED BY entry_changes SET text = '', mentions = ''
    WHERE channel = ? AND target = ? AND target <> 0 AND kind <> 'message' AND kind = 'edited'
"""
_EMPTY_MESSAGE = "UPDATE entries SET text = '', mentions = '' WHERE channel = ? AND seq = ?"
_ROLE = "SELECT role FROM members WHERE channel = ? AND user_id = ?"


def changing(transaction: Transaction, number: int, draft: Draft) -> tuple[str, ...] | None:
    """The members of the entry that the draft becomes; None when it would change nothing.

    Errors: NotFound, InvalidInput, AlreadyExists; nothing has been written then.
    """
    kind = draft.kind
    if kind is EntryKind.MESSAGE:
        return ()
    if kind in _MOVES:
        leaving = kind is EntryKind.LEFT
        moving = tuple(
            user_id
            for user_id in dict.fromkeys(draft.members)
            if (transaction.execute(_ROLE, (number, user_id)).fetchone() is not None) is leaving
        )
        return moving if moving or kind is EntryKind.CREATED else None
    if kind is EntryKind.ROLE:
        roles = {
            user_id: transaction.execute(_ROLE, (number, user_id)).fetchone()
            for user_id in dict.fromkeys(draft.members)
        }
        return tuple(user for user, row in roles.items() if row and row[0] != draft.text) or None
    if kind in CHANGES:
        return () if _is_admitted(transaction, number, draft) else None
    return () if _is_other(transaction, number, draft) else None


def project(transaction: Transaction, number: int, entry: Entry) -> None:
    """Have the tables say what the entry says."""
    kind = entry.kind
    index_entry(transaction.connection, number, entry)
    if kind is EntryKind.MESSAGE:
        if entry.mentions:
            rows = [(user_id, number, entry.seq) for user_id in entry.mentions]
            transaction.connection.executemany("INSERT INTO mentions VALUES (?, ?, ?)", rows)
    elif kind in _MOVES:
        _move(transaction, number, entry)
    elif kind is EntryKind.ROLE:
        if entry.text == Role.OWNER:
            former = "UPDATE members SET role = 'admin' WHERE channel = ? AND role = 'owner'"
            transaction.execute(former, (number,))
        transaction.connection.executemany(
            "UPDATE members SET role = ? WHERE channel = ? AND user_id = ?",
            [(entry.text, number, user_id) for user_id in entry.members],
        )
    elif kind is EntryKind.DELETED:
        _empty(transaction, number, entry.target)
    elif kind is EntryKind.TOPIC:
        transaction.execute(
            "UPDATE channels SET topic = ?, updated_at = ? WHERE number = ?",
            (entry.text, entry.created_at, number),
        )
    elif kind is EntryKind.RENAMED:
        transaction.execute(
            "UPDATE channels SET name = ?, name_key = ?, updated_at = ? WHERE number = ?",
            (entry.text, entry.text.casefold(), entry.created_at, number),
        )


def _is_admitted(transaction: Transaction, number: int, draft: Draft) -> bool:
    target = transaction.execute(
        "SELECT kind FROM entries WHERE channel = ? AND seq = ?", (number, draft.target)
    ).fetchone()
    if target is None or target[0] != EntryKind.MESSAGE:
        raise NotFound("no such message")
    rows = transaction.execute(_CHANGES_OF, (number, draft.target))
    changes = [Change(EntryKind(kind), sender_id, text) for kind, sender_id, text in rows]
    return admit(changes, draft.kind, draft.sender_id, draft.text)


def _is_other(transaction: Transaction, number: int, draft: Draft) -> bool:
    """Whether a name or a topic is another one than before. Errors: AlreadyExists."""
    kind, name, topic = transaction.execute(
        "SELECT kind, name, topic FROM channels WHERE number = ?", (number,)
    ).fetchone()
    if draft.kind is EntryKind.TOPIC:
        return bool(topic != draft.text)
    if name == draft.text:
        return False
    taken = "SELECT 1 FROM channels WHERE name_key = ? AND kind = 'public' AND number <> ?"
    if kind == "public" and transaction.execute(taken, (draft.text.casefold(), number)).fetchone():
        raise AlreadyExists(f"a public channel named {draft.text} exists", field="name")
    return True


def _move(transaction: Transaction, number: int, entry: Entry) -> None:
    if entry.kind is EntryKind.LEFT:
        pairs = [(number, user_id) for user_id in entry.members]
        transaction.connection.executemany("DELETE FROM members WHERE channel = ? AND user_id = ?", pairs)
        change = -len(pairs)
    else:
        direct = "SELECT kind = 'direct' FROM channels WHERE number = ?"
        begins = entry.kind is EntryKind.CREATED and not transaction.execute(direct, (number,)).fetchone()[0]
        # Who comes into a group that nobody was left in owns it.
        empty = "SELECT NOT EXISTS (SELECT 1 FROM members WHERE channel = ?) AND ? = 'joined'"
        alone = transaction.execute(empty, (number, entry.kind.value)).fetchone()[0]
        owner = entry.sender_id if begins else entry.members[0] if alone else ""
        rows = [
            (number, user_id, Role.OWNER if user_id == owner else Role.MEMBER, entry.seq, entry.seq)
            for user_id in entry.members
        ]
        transaction.connection.executemany(
            "INSERT INTO members (channel, user_id, role, since, read_seq) VALUES (?, ?, ?, ?, ?)", rows
        )
        change = len(rows)
    transaction.execute(
        "UPDATE channels SET member_count = member_count + ?, updated_at = ? WHERE number = ?",
        (change, entry.created_at, number),
    )


def _empty(transaction: Transaction, number: int, target: int) -> None:
    """A message and its earlier versions: nothing of what they said is left."""
    (mentions,) = transaction.execute(
        "SELECT mentions FROM entries WHERE channel = ? AND seq = ?", (number, target)
    ).fetchone()
    transaction.connection.executemany(
        "DELETE FROM mentions WHERE user_id = ? AND channel = ? AND seq = ?",
        [(user_id, number, target) for user_id in mentions.split()],
    )
    transaction.execute(_EMPTY_MESSAGE, (number, target))
    transaction.execute(_EMPTY_EDITS, (number, target))
