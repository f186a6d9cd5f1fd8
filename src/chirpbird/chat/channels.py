"""Channels: making them, finding them, and who is in them."""

from __future__ import annotations

from collections.abc import Sequence

from chirpbird.chat import text
from chirpbird.chat.access import Access
from chirpbird.chat.clock import Clock
from chirpbird.chat.entities import Channel, ChannelKind, Draft, EntryKind, Membership, Role
from chirpbird.chat.errors import AlreadyExists, InvalidInput, NotFound, NotPermitted, StoreUnavailable
from chirpbird.chat.identifiers import new_epoch, new_id
from chirpbird.chat.limits import MAX_MEMBERS_AT_ONCE, MAX_SEARCH, bounded
from chirpbird.chat.people import People
from chirpbird.chat.permissions import Operation, no_such_channel
from chirpbird.chat.ports import Audience, Store
from chirpbird.chat.state import States
from chirpbird.chat.views import (
    ChannelStateView,
    ChannelView,
    MembersView,
    MemberView,
    channel_view,
    member_view,
)

__all__ = ["ChannelService"]


class ChannelService:
    """Every operation on channels other than reading and writing their messages.

    ``user_id`` is always the person who asks, already known from a valid token. Any method may raise
    StoreUnavailable; those that write, StoreFull.
    """

    def __init__(
        self, store: Store, access: Access, people: People, states: States, clock: Clock, audience: Audience
    ) -> None:
        self._channels = store.channels
        self._log = store.log
        self._access = access
        self._people = people
        self._states = states
        self._clock = clock
        self.audience = audience
        """Told of who came in and who went."""

    async def create(
        self, user_id: str, name: str, *, is_private: bool = False, participants: Sequence[str] = ()
    ) -> ChannelStateView:
        """A new group of the asker and up to 200 others. A public one that exists is joined instead,
        participants and all.

        Errors: InvalidInput; NotFound for a participant who does not exist.
        """
        name = text.channel_name(name)
        members = await self._newcomers(user_id, participants, field="participants")
        kind = ChannelKind.PRIVATE if is_private else ChannelKind.PUBLIC
        existing = await self._channels.public_by_name(name) if kind is ChannelKind.PUBLIC else None
        if existing is None:
            try:
                return await self._begin(kind, name, members)
            except AlreadyExists:
                # Somebody else was faster by a moment: then theirs it is.
                existing = await self._channels.public_by_name(name)
                if existing is None:
                    raise
        await self._add(existing.id, user_id, members)
        return await self._states.of_channel(existing.id, user_id)

    async def open_direct(self, user_id: str, other_id: str) -> ChannelStateView:
        """The channel of these two people, made if there is none yet.

        Errors: InvalidInput when both are the same person, NotFound when the other one does not exist.
        """
        if other_id == user_id:
            raise InvalidInput("userId is your own, somebody else's is expected", field="userId")
        members = await self._newcomers(user_id, [other_id], field="userId")
        existing = await self._channels.direct_between(user_id, other_id)
        if existing is None:
            try:
                return await self._begin(ChannelKind.DIRECT, "", members)
            except AlreadyExists:
                existing = await self._channels.direct_between(user_id, other_id)
                if existing is None:
                    raise
        return await self._states.of_channel(existing.id, user_id)

    async def join(self, user_id: str, channel_id: str) -> ChannelStateView:
        """Come into a public channel; being in it already is no error. Errors: NotFound."""
        await self._people.me(user_id)
        await self._access.require(Operation.JOIN_CHANNEL, user_id, channel_id)
        await self._add(channel_id, user_id, [user_id])
        return await self._states.of_channel(channel_id, user_id)

    async def add_members(self, user_id: str, channel_id: str, user_ids: Sequence[str]) -> ChannelView:
        """Bring others (1-200) into a group that one is a member of; who is in it already stays so.

        Errors: InvalidInput, NotFound (channel or person), NotPermitted.
        """
        if not user_ids:
            raise InvalidInput("userIds is empty, at least 1 user id is expected", field="userIds")
        await self._access.require(Operation.ADD_MEMBERS, user_id, channel_id)
        members = await self._newcomers(user_id, user_ids, field="userIds")
        await self._add(channel_id, user_id, members)
        return channel_view(await self._require(channel_id))

    async def leave(self, user_id: str, channel_id: str) -> None:
        """Go out of a group; an owner's place goes to the admin, or else the member, who is in it longest.

        Errors: NotFound, NotPermitted (a direct channel, or not a member).
        """
        _, membership = await self._access.require_member(Operation.LEAVE_CHANNEL, user_id, channel_id)
        if membership is not None and membership.role is Role.OWNER:
            successor = await self._channels.successor(channel_id, user_id)
            if successor is not None:
                await self._append(channel_id, user_id, EntryKind.ROLE, successor, value=Role.OWNER)
        await self._append(channel_id, user_id, EntryKind.LEFT, user_id)
        await self.audience.channel_lost([user_id], channel_id)

    async def remove(self, user_id: str, channel_id: str, other_id: str) -> None:
        """Put somebody out of a group: the owner anybody, admins members. Who is none is no error.

        Errors: NotFound, NotPermitted, InvalidInput when it is oneself.
        """
        _, asker = await self._access.require_member(Operation.REMOVE_MEMBER, user_id, channel_id)
        if other_id == user_id:
            raise InvalidInput("userId is your own, somebody else's is expected", field="userId")
        other = await self._membership(channel_id, other_id)
        if other is None:
            return
        if asker is None or (asker.role is not Role.OWNER and other.role is not Role.MEMBER):
            raise NotPermitted("only the owner of the channel may remove an admin, and nobody the owner")
        await self._append(channel_id, user_id, EntryKind.LEFT, other_id)
        await self.audience.channel_lost([other_id], channel_id)

    async def set_role(self, user_id: str, channel_id: str, other_id: str, role: str) -> MemberView:
        """Give a member a role; ``owner`` hands the group over, and the one before is an admin then.

        Errors: NotFound (channel or member), NotPermitted, InvalidInput (no such role, or one's own).
        """
        if role not in tuple(Role):
            raise InvalidInput(
                "role is none of owner, admin and member, one of them is expected", field="role"
            )
        await self._access.require(Operation.SET_ROLE, user_id, channel_id)
        if other_id == user_id:
            raise InvalidInput("userId is your own: hand over by making somebody else owner", field="userId")
        people = await self._people.require([other_id], field="userId")
        if await self._membership(channel_id, other_id) is None:
            raise NotFound("no such member", field="userId")
        await self._append(channel_id, user_id, EntryKind.ROLE, other_id, value=role)
        return member_view(people[other_id], await self._membership(channel_id, other_id))

    async def update(
        self, user_id: str, channel_id: str, *, name: str | None = None, topic: str | None = None
    ) -> ChannelView:
        """Give a group another name, another topic, or both; what is so already is no error.

        Errors: InvalidInput, NotFound, NotPermitted, AlreadyExists when another public channel has the name.
        """
        name = None if name is None else text.channel_name(name)
        topic = None if topic is None else text.topic(topic)
        await self._access.require(Operation.UPDATE_CHANNEL, user_id, channel_id)
        if name is None and topic is None:
            raise InvalidInput("neither name nor topic is given, at least one is expected")
        if name is not None:
            await self._append(channel_id, user_id, EntryKind.RENAMED, value=name)
        if topic is not None:
            await self._append(channel_id, user_id, EntryKind.TOPIC, value=topic)
        await self.audience.channel_changed(channel_id)
        channel = await self._require(channel_id)
        self._access.directory.forget(channel_id)
        return channel_view(channel)

    async def fetch(self, user_id: str, channel_id: str) -> ChannelView:
        """A channel with its first 200 participants; without them for those who may see it but are not in it.

        Errors: NotFound.
        """
        await self._access.require(Operation.FETCH_CHANNEL, user_id, channel_id)
        channel = await self._require(channel_id)
        if not await self._channels.is_member(channel_id, user_id):
            return channel_view(channel)
        ids = await self._channels.members(channel_id, limit=MAX_MEMBERS_AT_ONCE)
        people = await self._people.named(ids)
        return channel_view(channel, people.values())

    async def members(
        self, user_id: str, channel_id: str, *, after: str = "", limit: int = MAX_MEMBERS_AT_ONCE
    ) -> MembersView:
        """Up to ``limit`` (1-200) members whose ids come after ``after``.

        Errors: InvalidInput, NotFound, NotPermitted.
        """
        bounded(limit, field="limit", minimum=1, maximum=MAX_MEMBERS_AT_ONCE)
        if after and not text.is_identifier(after):
            raise InvalidInput("after is not a user id, one is expected", field="after")
        await self._access.require(Operation.FETCH_MEMBERS, user_id, channel_id)
        ids = await self._channels.members(channel_id, after=after, limit=limit + 1)
        people = await self._people.named(ids[:limit])
        memberships = await self._channels.memberships(channel_id, people)
        views = [member_view(person, memberships.get(person.id)) for person in people.values()]
        return MembersView(views, has_more=len(ids) > limit)

    async def search(self, query: str, *, limit: int = 20) -> list[ChannelView]:
        """Public channels whose name contains the query; at most ``limit`` (1-50). Errors: InvalidInput."""
        bounded(limit, field="limit", minimum=1, maximum=MAX_SEARCH)
        found = await self._channels.search_public(text.query(query), limit=limit)
        return [channel_view(channel) for channel in found]

    async def _begin(self, kind: ChannelKind, name: str, members: Sequence[str]) -> ChannelStateView:
        """Errors: AlreadyExists."""
        now = self._clock.now_ms()
        creator_id = members[0]
        channel = Channel(
            id=new_id(now),
            kind=kind,
            name=name,
            creator_id=creator_id,
            epoch=new_epoch(),
            created_at=now,
            updated_at=now,
            member_count=len(members),
        )
        created = Draft(
            channel_id=channel.id, kind=EntryKind.CREATED, sender_id=creator_id, members=tuple(members)
        )
        # At hand before the commit is announced, so that the announcement can be rendered at once.
        self._access.directory.remember(channel)
        try:
            await self._channels.create(channel, created)
        except (AlreadyExists, StoreUnavailable):
            self._access.directory.forget(channel.id)
            raise
        await self.audience.channel_gained(members, channel.id)
        return await self._states.of_channel(channel.id, creator_id)

    async def _add(self, channel_id: str, sender_id: str, members: Sequence[str]) -> None:
        """Those who are members already are left out by the log; when nobody remains nothing is written."""
        entry = await self._log.append(
            Draft(channel_id=channel_id, kind=EntryKind.JOINED, sender_id=sender_id, members=tuple(members))
        )
        if entry.kind is EntryKind.JOINED:
            gained = [member for member in entry.members if member in members]
            if gained:
                await self.audience.channel_gained(gained, channel_id)

    async def _append(
        self, channel_id: str, sender_id: str, kind: EntryKind, *members: str, value: str = ""
    ) -> None:
        # The sender at hand for the announcement.
        await self._people.me(sender_id)
        draft = Draft(channel_id=channel_id, kind=kind, sender_id=sender_id, members=members, text=value)
        await self._log.append(draft)

    async def _membership(self, channel_id: str, user_id: str) -> Membership | None:
        if not text.is_identifier(user_id):
            return None
        return (await self._channels.memberships(channel_id, [user_id])).get(user_id)

    async def _newcomers(self, user_id: str, others: Sequence[str], *, field: str) -> list[str]:
        """The asker first, then the others once each, all of whom exist."""
        if len(others) > MAX_MEMBERS_AT_ONCE:
            raise InvalidInput(
                f"{field} has {len(others)} entries, at most {MAX_MEMBERS_AT_ONCE} are expected", field=field
            )
        await self._people.me(user_id)
        people = await self._people.require([user_id, *others], field=field)
        return list(people)

    async def _require(self, channel_id: str) -> Channel:
        """The channel with its counts and times as they are now."""
        channel = await self._channels.by_id(channel_id)
        if channel is None:
            raise no_such_channel()
        return channel
