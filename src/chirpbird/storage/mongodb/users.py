"""People in MongoDB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from chirpbird.chat.entities import User
from chirpbird.chat.errors import AlreadyExists, NotFound
from chirpbird.storage.mongodb.connection import Mongo
from chirpbird.storage.mongodb.documents import user_document, user_of

__all__ = ["MongoUsers"]

_BEYOND = "\U0010ffff"


class MongoUsers:
    """``chat.ports.Users``."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def add(self, user: User) -> None:
        async with self._mongo.session() as session:
            try:
                await self._mongo.users.insert_one(user_document(user), session=session)
            except DuplicateKeyError as error:
                raise AlreadyExists(f"the username {user.username} is taken", field="username") from error

    async def by_ids(self, ids: Iterable[str]) -> dict[str, User]:
        wanted = list(dict.fromkeys(ids))
        async with self._mongo.session() as session:
            found = self._mongo.users.find({"_id": {"$in": wanted}}, session=session)
            return {document["_id"]: user_of(document) async for document in found}

    async def by_username(self, username: str) -> User | None:
        async with self._mongo.session() as session:
            found = await self._mongo.users.find_one({"username_key": username.casefold()}, session=session)
        return None if found is None else user_of(found)

    async def by_usernames(self, usernames: Iterable[str]) -> list[User]:
        keys = list(dict.fromkeys(username.casefold() for username in usernames))
        async with self._mongo.session() as session:
            found = self._mongo.users.find({"username_key": {"$in": keys}}, session=session)
            return [user_of(document) async for document in found]

    async def seen(self, times: Mapping[str, int]) -> None:
        if not times:
            return
        updates = [UpdateOne({"_id": user_id}, {"$max": {"last_seen": at}}) for user_id, at in times.items()]
        async with self._mongo.session() as session:
            await self._mongo.users.bulk_write(updates, session=session)

    async def search(self, text: str, *, limit: int) -> list[User]:
        text = text.casefold()
        users = self._mongo.users
        async with self._mongo.session() as session:
            if not text:
                first = users.find(session=session).sort("username_key", 1).limit(limit)
                return [user_of(document) async for document in first]
            exact = users.find({"words": text}, session=session).sort("username_key", 1).limit(limit)
            found = [user_of(document) async for document in exact]
            if len(found) < limit:
                beginning = {"words": {"$elemMatch": {"$gte": text, "$lt": text + _BEYOND}, "$ne": text}}
                more = users.find(beginning, session=session).sort("username_key", 1)
                found += [user_of(document) async for document in more.limit(limit - len(found))]
        return found

    async def set_password(self, user_id: str, password_hash: str, *, now: int) -> None:
        async with self._mongo.session() as session:
            changed = await self._mongo.users.update_one(
                {"_id": user_id},
                {"$set": {"password_hash": password_hash, "updated_at": now}},
                session=session,
            )
        if changed.matched_count == 0:
            raise NotFound("no such user")
