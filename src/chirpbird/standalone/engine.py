"""The bus, the streams and the presence that a configuration asks for."""

from __future__ import annotations

from chirpbird.realtime import Broker, MemoryBroker, MemoryPresence, PresenceStore
from chirpbird.standalone.config import EngineSection
from chirpbird.standalone.errors import CannotStart

__all__ = ["engine"]


def engine(options: EngineSection) -> tuple[Broker, PresenceStore]:
    """Not started yet. Errors: CannotStart for one that this version does not have."""
    if options.type == "redis":
        raise CannotStart("engine.type is redis, but this version has only memory")
    return MemoryBroker(), MemoryPresence()
