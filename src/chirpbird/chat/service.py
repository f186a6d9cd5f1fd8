"""The whole chat in one object: what ``app.py`` makes, and what ``web`` and ``gateway`` are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chirpbird.chat.access import Access
from chirpbird.chat.accounts import Accounts
from chirpbird.chat.changes import Changes
from chirpbird.chat.channels import ChannelService
from chirpbird.chat.clock import Clock, SystemClock
from chirpbird.chat.entities import Membership, Unread, User
from chirpbird.chat.limits import ChatLimits
from chirpbird.chat.mentions import Mentioning
from chirpbird.chat.messages import Messages
from chirpbird.chat.passwords import Argon2Hasher
from chirpbird.chat.people import People
from chirpbird.chat.ports import Audience, PasswordHasher, Store
from chirpbird.chat.reading import Reading
from chirpbird.chat.rendering import Renderer
from chirpbird.chat.search import MessageSearch
from chirpbird.chat.sign_in import DeviceSignIns
from chirpbird.chat.state import States
from chirpbird.chat.throttle import Throttle
from chirpbird.chat.tokens import AccessTokens

__all__ = ["Chat"]


class Chat:
    """The chat's services over one store.

    ``secret`` (32 bytes or more) signs access tokens, the same on all nodes.
    """

    def __init__(
        self,
        *,
        store: Store,
        secret: bytes,
        clock: Clock | None = None,
        audience: Audience | None = None,
        limits: ChatLimits | None = None,
        hasher: PasswordHasher | None = None,
    ) -> None:
        clock = clock or SystemClock()
        limits = limits or ChatLimits()
        audience = audience or _Nobody()
        self.store = store
        self.clock = clock
        self.limits = limits
        self.people = People(store.users, capacity=limits.people_remembered)
        self.access = Access(store.channels, capacity=limits.channels_remembered)
        self.renderer = Renderer(self.people, self.access.directory, store.log)
        self.tokens = AccessTokens(secret, clock, lifetime=limits.access_token_seconds)
        self.accounts = Accounts(store.users, self.people, hasher or Argon2Hasher(), clock, limits)
        self.sign_ins = self._sign_ins(limits)
        self.reading = Reading(store, self.access, self.people, clock, audience)
        store.log.add_commit_listener(self.reading.committed)
        self.states = States(
            store.channels,
            store.log,
            self.people,
            self.access.directory,
            self.renderer,
            clock,
            store.reading,
            self.reading,
        )
        self.channels = ChannelService(store, self.access, self.people, self.states, clock, audience)
        mentioning = Mentioning(store.users, store.channels)
        shared = (store.log, self.access, self.people, self.renderer, mentioning, clock, limits)
        self.messages = Messages(*shared)
        self.changes = Changes(*shared)
        self.search = MessageSearch(
            store.search, store.channels, store.users, self.access.directory, self.renderer, clock, limits
        )

    def _sign_ins(self, limits: ChatLimits) -> DeviceSignIns:
        return DeviceSignIns(
            self.store.sign_ins,
            self.tokens,
            self.people,
            self.clock,
            lifetime=limits.refresh_token_seconds,
            grace=limits.refresh_grace_seconds,
            throttle=Throttle(
                "requests for new tokens",
                burst=limits.refreshes_per_address,
                per_second=limits.refreshes_per_address / limits.sign_in_window,
                now=self.clock.monotonic,
            ),
        )

    def tell(self, audience: Audience) -> None:
        """Have ``audience`` told of changes of membership from now on: for one that itself needs the chat to
        be made.
        """
        self.channels.audience = audience
        self.reading.audience = audience

    async def close(self) -> None:
        """Write what waits to be written; the store stays open."""
        await self.reading.close()


class _Nobody:
    """The audience of a chat without live clients."""

    async def channel_gained(self, user_ids: Sequence[str], channel_id: str) -> None:
        return

    async def channel_lost(self, user_ids: Sequence[str], channel_id: str) -> None:
        return

    async def channel_changed(self, channel_id: str) -> None:
        return

    async def read_moved(self, user_id: str, channel_id: str, seq: int, unread: Unread) -> None:
        return

    async def read_by(self, channel_id: str, reads: Mapping[str, int], members: Sequence[str]) -> None:
        return

    async def muted(self, membership: Membership) -> None:
        return

    async def typing(self, user: User, channel_id: str, members: Sequence[str]) -> None:
        return
