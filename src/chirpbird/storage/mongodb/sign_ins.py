"""Refresh tokens in MongoDB.

Rotating writes to the token that it uses up even when nothing of it changes: so it collides with a deletion of the family
that happens at the same time, and no new token outlives its family.
"""

from __future__ import annotations

import msgspec

from chirpbird.chat.entities import RefreshToken
from chirpbird.storage.mongodb.connection import Mongo, Session
from chirpbird.storage.mongodb.documents import Document, token_document, token_of

__all__ = ["MongoSignIns"]


class MongoSignIns:
    """``chat.ports.SignIns``."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._tokens = mongo.refresh_tokens

    async def add(self, token: RefreshToken) -> None:
        async with self._mongo.session() as session:
            await self._tokens.insert_one(token_document(token), session=session)

    async def rotate(
        self, digest: bytes, replacement: RefreshToken, *, now: int, grace_ms: int
    ) -> RefreshToken | None:
        async def body(session: Session) -> RefreshToken | None:
            found = await self._tokens.find_one({"_id": digest}, session=session)
            if found is None or found["expires_at"] <= now:
                return None
            used_at = now if found["used_at"] is None else found["used_at"]
            if now > used_at + grace_ms:
                await self._tokens.delete_many({"family": found["family"]}, session=session)
                return None
            change: Document = {"$set": {"used_at": used_at}, "$inc": {"uses": 1}}
            await self._tokens.update_one({"_id": digest}, change, session=session)
            stored = msgspec.structs.replace(replacement, family=found["family"], user_id=found["user_id"])
            await self._tokens.insert_one(token_document(stored), session=session)
            return stored

        return await self._mongo.transaction(body)

    async def unused(self, digest: bytes, *, now: int) -> RefreshToken | None:
        wanted: Document = {"_id": digest, "expires_at": {"$gt": now}, "used_at": None}
        async with self._mongo.session() as session:
            found = await self._tokens.find_one(wanted, session=session)
        return None if found is None else token_of(found)

    async def revoke(self, digest: bytes) -> None:
        async def body(session: Session) -> None:
            found = await self._tokens.find_one({"_id": digest}, session=session)
            if found is not None:
                await self._tokens.delete_many({"family": found["family"]}, session=session)

        await self._mongo.transaction(body)

    async def revoke_all(self, user_id: str, *, keep_family: str = "") -> None:
        async def body(session: Session) -> None:
            theirs: Document = {"user_id": user_id, "family": {"$ne": keep_family}}
            await self._tokens.delete_many(theirs, session=session)

        await self._mongo.transaction(body)

    async def purge(self, *, now: int) -> int:
        async with self._mongo.session() as session:
            gone = await self._tokens.delete_many({"expires_at": {"$lte": now}}, session=session)
        return gone.deleted_count
