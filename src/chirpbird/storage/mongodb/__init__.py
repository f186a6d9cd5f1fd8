"""The store of a cluster: a MongoDB replica set that many nodes share."""

from __future__ import annotations

from chirpbird.storage.mongodb.store import MongoStore

__all__ = ["MongoStore"]
