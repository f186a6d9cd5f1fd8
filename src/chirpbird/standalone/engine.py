"""The bus, the streams and the presence that a configuration asks for."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

from chirpbird.realtime import Broker, MemoryBroker, MemoryPresence, PresenceStore, RealtimeError, redis
from chirpbird.standalone.config import EngineSection, RedisOptions
from chirpbird.standalone.errors import CannotStart

__all__ = ["engine", "redis_urls"]


def engine(options: EngineSection) -> tuple[Broker, PresenceStore]:
    """Not started yet. Errors: CannotStart."""
    if options.type == "memory":
        return MemoryBroker(), MemoryPresence()
    section = options.redis
    try:
        return redis.redis_engine(
            redis.RedisOptions(
                url=redis_urls(section),
                prefix=section.prefix,
                connect_timeout=section.connect_timeout,
                drop_after=section.io_timeout,
            )
        )
    except RealtimeError as error:
        raise CannotStart(f"engine.redis: {error}") from error


def redis_urls(options: RedisOptions) -> str:
    """The URLs that the engine takes, with spaces between. What an address that is a URL
    itself says counts more than the options beside it."""
    user = f"{quote(options.user, safe='')}:{quote(options.password, safe='')}@"
    access = user if options.user or options.password else ""
    if options.sentinel_address:
        query = {"master": options.sentinel_master_name}
        if options.sentinel_user:
            query["sentinel_username"] = options.sentinel_user
        if options.sentinel_password:
            query["sentinel_password"] = options.sentinel_password
        servers, scheme, rest = (
            options.sentinel_address,
            "redis+sentinel",
            f"/{options.db}?{urlencode(query)}",
        )
    elif options.cluster_address:
        servers, scheme, rest = options.cluster_address, "redis+cluster", ""
    else:
        servers, scheme, rest = options.address, "redis", f"/{options.db}"
    return " ".join(_url(one, scheme, access, rest) for one in servers)


def _url(server: str, scheme: str, access: str, rest: str) -> str:
    if "://" not in server:
        return f"{scheme}://{access}{server}{rest}"
    given, _, address = server.partition("://")
    if given not in ("redis", "rediss"):
        return server
    place = urlsplit(server)
    return f"{given}://{access if '@' not in place.netloc else ''}{address}{rest if place.path in ('', '/') else ''}"
