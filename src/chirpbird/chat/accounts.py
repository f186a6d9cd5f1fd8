"""Accounts: making one, and proving that it is one's own."""

from __future__ import annotations

from chirpbird.chat import text
from chirpbird.chat.clock import Clock
from chirpbird.chat.entities import User
from chirpbird.chat.errors import WrongCredentials
from chirpbird.chat.identifiers import new_id
from chirpbird.chat.limits import ChatLimits
from chirpbird.chat.people import People
from chirpbird.chat.ports import PasswordHasher, Users
from chirpbird.chat.throttle import Throttle

__all__ = ["Accounts"]


class Accounts:
    """Registration and sign-in by password, both throttled: each try costs a slow hash."""

    def __init__(
        self, users: Users, people: People, hasher: PasswordHasher, clock: Clock, limits: ChatLimits
    ) -> None:
        self._users = users
        self._people = people
        self._hasher = hasher
        self._clock = clock
        self._by_name = _throttle(
            "attempts to sign in with this username", limits.sign_ins_per_name, clock, limits
        )
        self._by_address = _throttle("attempts to sign in", limits.sign_ins_per_address, clock, limits)
        self._new_by_address = _throttle("new accounts", limits.registrations_per_address, clock, limits)

    async def register(
        self, username: str, password: str, name: str | None = None, *, address: str = ""
    ) -> User:
        """A new account; ``name`` None: called by the username. ``address`` is where the request comes from.

        Errors: InvalidInput, AlreadyExists, TooMany, StoreUnavailable.
        """
        username = text.username(username)
        name = username if name is None else text.display_name(name)
        password = text.new_password(password)
        self._new_by_address.check(address)
        now = self._clock.now_ms()
        user = User(
            id=new_id(now),
            username=username,
            name=name,
            password_hash=await self._hasher.hash(password),
            created_at=now,
            updated_at=now,
        )
        await self._users.add(user)
        self._people.directory.remember(user)
        return user

    async def sign_in(self, username: str, password: str, *, address: str = "") -> User:
        """The account, if the password fits. Unknown names take as long as known ones.

        Errors: WrongCredentials, TooMany, StoreUnavailable.
        """
        username = text.username_as_typed(username)
        name_key = username.casefold()
        self._by_address.check(address)
        self._by_name.check(name_key)
        user = await self._users.by_username(username) if username else None
        password_hash = self._hasher.decoy if user is None else user.password_hash
        fits = await self._hasher.verify(password_hash, text.password_as_typed(password))
        if user is None or not fits:
            raise WrongCredentials("username and password do not belong together")
        self._by_name.forgive(name_key)
        if self._hasher.is_outdated(password_hash):
            await self._users.set_password(
                user.id,
                await self._hasher.hash(text.password_as_typed(password)),
                now=self._clock.now_ms(),
            )
            self._people.directory.forget(user.id)
        return user


def _throttle(what: str, count: int, clock: Clock, limits: ChatLimits) -> Throttle:
    return Throttle(what, burst=count, per_second=count / limits.sign_in_window, now=clock.monotonic)
