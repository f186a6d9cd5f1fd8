"""Opening and closing the cluster's store."""

from __future__ import annotations

from chirpbird.storage.mongodb.appender import Appender
from chirpbird.storage.mongodb.channels import MongoChannels
from chirpbird.storage.mongodb.connection import Mongo
from chirpbird.storage.mongodb.log import MongoLog
from chirpbird.storage.mongodb.opening import open_database
from chirpbird.storage.mongodb.reading import MongoReading
from chirpbird.storage.mongodb.search import MongoSearch
from chirpbird.storage.mongodb.sign_ins import MongoSignIns
from chirpbird.storage.mongodb.users import MongoUsers

__all__ = ["MongoStore"]


class MongoStore:
    """``chat.ports.Store`` on a replica set, for as many nodes as like."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._appender = Appender(mongo)
        self.log = MongoLog(mongo, self._appender)
        self.users = MongoUsers(mongo)
        self.channels = MongoChannels(mongo, self._appender)
        self.sign_ins = MongoSignIns(mongo)
        self.search = MongoSearch(mongo)
        self.reading = MongoReading(mongo)

    @classmethod
    async def open(cls, uri: str, secret: bytes | None = None) -> MongoStore:
        """Open the database that the URI names (``chirpbird`` if it names none); make it if it is not there. With the
        ``secret`` that signs access tokens it is made sure that all nodes have the same.

        Errors: StoreCannotOpen, whose words say what is wrong and what to do.
        """
        mongo, _ = await open_database(uri, secret)
        return cls(mongo)

    async def check_writable(self) -> None:
        async with self._mongo.session() as session:
            await self._mongo.meta.update_one(
                {"_id": "probe"}, {"$inc": {"count": 1}}, upsert=True, session=session
            )

    async def close(self) -> None:
        await self._appender.close()
        await self._mongo.close()
