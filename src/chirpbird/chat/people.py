"""Finding people, and remembering the names of those who are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from chirpbird.chat import text
from chirpbird.chat.directory import Directory
from chirpbird.chat.entities import User
from chirpbird.chat.errors import NotFound, NotSignedIn
from chirpbird.chat.limits import MAX_SEARCH, bounded
from chirpbird.chat.ports import Users
from chirpbird.chat.views import UserView, user_view

__all__ = ["People"]


class People:
    """The directory of users, and the search in it."""

    def __init__(self, users: Users, *, capacity: int) -> None:
        self._users = users
        self.directory: Directory[User] = Directory(self._load, capacity=capacity)
        """Names by id. Good for what never changes or is announced when it does: id, username, name."""

    async def me(self, user_id: str) -> User:
        """The signed-in person. Errors: NotSignedIn when the account is gone."""
        user = await self.directory.get(user_id)
        if user is None:
            raise NotSignedIn("the account of this access token does not exist")
        return user

    async def require(self, user_ids: Iterable[str], *, field: str) -> dict[str, User]:
        """All of these people, in the order named. Errors: NotFound if one does not exist."""
        wanted = list(dict.fromkeys(user_ids))
        if not all(map(text.is_identifier, wanted)):
            raise NotFound("no such user", field=field)
        found = await self.directory.get_many(wanted)
        if len(found) < len(wanted):
            raise NotFound("no such user", field=field)
        return {user_id: found[user_id] for user_id in wanted}

    async def named(self, user_ids: Iterable[str]) -> dict[str, User]:
        """These people for showing: one whose record is missing appears with empty names rather than not at
        all.
        """
        wanted = list(dict.fromkeys(user_ids))
        found = await self.directory.get_many(wanted)
        return {user_id: found.get(user_id) or _nobody(user_id) for user_id in wanted}

    async def search(self, user_id: str, query: str, *, limit: int = 20) -> list[UserView]:
        """People whose username or name begins with the query, but for the asker; ``limit`` is 1-50."""
        bounded(limit, field="limit", minimum=1, maximum=MAX_SEARCH)
        found: Sequence[User] = await self._users.search(text.query(query), limit=limit + 1)
        for user in found:
            self.directory.remember(user)
        return [user_view(user) for user in found if user.id != user_id][:limit]

    async def _load(self, ids: list[str]) -> Mapping[str, User]:
        return await self._users.by_ids(ids)


def _nobody(user_id: str) -> User:
    return User(id=user_id, username="", name="", password_hash="", created_at=0, updated_at=0)
