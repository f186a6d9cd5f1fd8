"""Users, channels and drafts for tests of stores."""

from __future__ import annotations

from collections.abc import Sequence

from chirpbird.chat.entities import Channel, ChannelKind, Draft, EntryKind, User
from chirpbird.chat.ports import Store

__all__ = ["add_channel", "add_user", "change", "message", "moving"]


async def add_user(store: Store, username: str, name: str = "") -> User:
    """A user whose id is made of the username."""
    user = User(
        id=f"U-{username}",
        username=username,
        name=name or username,
        password_hash="hash",
        created_at=1,
        updated_at=1,
    )
    await store.users.add(user)
    return user


async def add_channel(
    store: Store, name: str, members: Sequence[str], kind: ChannelKind = ChannelKind.PRIVATE
) -> Channel:
    """A channel whose id is made of the name; the first member creates it."""
    channel = Channel(
        id=f"C-{name}-{kind}",
        kind=kind,
        name="" if kind is ChannelKind.DIRECT else name,
        creator_id=members[0],
        epoch=f"epoch-{name}",
        created_at=1,
        updated_at=1,
    )
    created = Draft(
        channel_id=channel.id, kind=EntryKind.CREATED, sender_id=members[0], members=tuple(members)
    )
    return (await store.channels.create(channel, created))[0]


def message(channel: Channel, text: str, *, sender: str = "U-ann", key: str = "") -> Draft:
    """Something said."""
    return Draft(channel_id=channel.id, kind=EntryKind.MESSAGE, sender_id=sender, text=text, key=key)


def moving(channel: Channel, kind: EntryKind, *members: str, sender: str = "U-ann") -> Draft:
    """Somebody coming or going."""
    return Draft(channel_id=channel.id, kind=kind, sender_id=sender, members=members)


def change(channel: Channel, kind: EntryKind, target: int, text: str = "", sender: str = "U-ann") -> Draft:
    """Something done to the message at ``target``."""
    return Draft(channel_id=channel.id, kind=kind, sender_id=sender, text=text, target=target)
