"""Getting connected: greeting, signing in, and saying what is wrong if that fails."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import msgspec

from chirpbird.realtime.redis.connection import Connection, Reply
from chirpbird.realtime.redis.errors import CommandRefused, ConnectionLost, Misconfigured, RedisUnavailable
from chirpbird.realtime.redis.url import Access, Address

__all__ = ["Hello", "dial"]

OLDEST = (7, 0)
"""The first version with sharded PUB/SUB."""
_TEMPORARY = frozenset({"LOADING", "MASTERDOWN", "CLUSTERDOWN", "BUSY", "TRYAGAIN"})

Push = Callable[[list[Reply]], None]
Error = Callable[[CommandRefused], None]


class Hello(msgspec.Struct, frozen=True):
    """What a server says of itself."""

    version: str
    mode: str
    """standalone, sentinel or cluster."""
    role: str
    """master or replica; sentinel of Sentinels."""


def _ignore(push: list[Reply]) -> None:
    """Of connections that do not listen."""


async def dial(
    address: Address,
    access: Access,
    *,
    timeout: float,
    on_push: Push = _ignore,
    on_error: Error | None = None,
) -> tuple[Connection, Hello]:
    """A connection that has been greeted and is in its database.

    Errors: Misconfigured when asking again will not help; RedisUnavailable.
    """
    made: list[Connection] = []

    def make() -> Connection:
        made.append(Connection(on_push, on_error))
        return made[-1]

    try:
        async with asyncio.timeout(timeout):
            await _connect(make, address, access)
            return made[-1], await _greet(made[-1], address, access)
    except BaseException as error:
        for connection in made:
            connection.close()
        if isinstance(error, TimeoutError):
            if access.tls and await _speaks_plainly(address, timeout):
                raise Misconfigured(
                    f"Redis at {address} does not use TLS: write redis:// in the URL"
                ) from error
            raise RedisUnavailable(f"Redis at {address} did not answer within {timeout:g} s") from error
        if isinstance(error, ConnectionLost) and await _speaks_tls(address, access, timeout):
            raise Misconfigured(
                f"Redis at {address} expects TLS: write rediss:// (or tls=yes) in the URL"
            ) from error
        raise


async def _connect(make: Callable[[], Connection], address: Address, access: Access) -> None:
    loop = asyncio.get_running_loop()
    context = access.ssl_context()
    name = address.host if context is not None and context.check_hostname else None
    try:
        if address.path:
            await loop.create_unix_connection(make, address.path)
        else:
            await loop.create_connection(
                make,
                address.host,
                address.port,
                ssl=context,
                server_hostname=name or ("" if context is not None else None),
            )
    except ssl.SSLCertVerificationError as error:
        raise Misconfigured(
            f"the certificate of Redis at {address} is not trusted ({error.verify_message}): name its authority's file "
            "with ?ca=…"
        ) from error
    except ssl.SSLError as error:
        raise Misconfigured(
            f"Redis at {address} cannot be spoken to by TLS ({error.reason or error}): if it does not use TLS, write "
            "redis:// in the URL; if it wants a client's certificate, name it with ?cert=… and &key=…"
        ) from error
    except OSError as error:
        raise RedisUnavailable(f"Redis at {address} cannot be reached: {error.strerror or error}") from error


async def _greet(connection: Connection, address: Address, access: Access) -> Hello:
    credentials = ("AUTH", access.username or "default", access.password) if access.password else ()
    try:
        greeting = await connection.call("HELLO", 3, *credentials, "SETNAME", "chirpbird")
        if access.db:
            await connection.call("SELECT", access.db)
    except CommandRefused as error:
        raise _explained(error, address, access) from error
    if not isinstance(greeting, dict):
        raise Misconfigured(f"the server at {address} is no Redis")
    hello = Hello(*(_text(greeting.get(name)) for name in (b"version", b"mode", b"role")))
    if hello.mode != "sentinel" and _numbers(hello.version) < OLDEST:
        raise _too_old(address, hello.version)
    return hello


def _explained(error: CommandRefused, address: Address, access: Access) -> RedisUnavailable | Misconfigured:
    code = error.word
    if code == "NOAUTH":
        return Misconfigured(
            f"Redis at {address} wants a password: write redis://:password@… or redis://user:password@… in the URL"
        )
    if code == "WRONGPASS":
        who = f"user {access.username!r}" if access.username else "the default user"
        return Misconfigured(f"Redis at {address} does not accept the password of {who} in the URL")
    if code == "DENIED":
        return Misconfigured(
            f"Redis at {address} is in protected mode: give it a password, or bind it to an address"
        )
    if code == "NOPERM":
        return Misconfigured(f"Redis at {address} does not let this user in: {error.detail}")
    if "unknown command" in error.detail or code == "NOPROTO":
        return _too_old(address, "older than 6")
    if "DB index" in error.detail:
        return Misconfigured(f"Redis at {address} has no database {access.db}")
    if code in _TEMPORARY or "max number of clients" in error.detail:
        return error
    return RedisUnavailable(f"Redis at {address} answered: {error.detail}")


def _too_old(address: Address, version: str) -> Misconfigured:
    return Misconfigured(
        f"Redis at {address} is {version}, expected {OLDEST[0]}.{OLDEST[1]} or newer: upgrade it"
    )


async def _speaks_tls(address: Address, access: Access, timeout: float) -> bool:
    """Whether a server that hung up on a plain greeting would rather have been spoken to by TLS."""
    if access.tls or address.path:
        return False
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # it is asked for nothing but whether it shakes hands
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _speaks_plainly(address: Address, timeout: float) -> bool:
    """Whether a server that is silent when spoken to by TLS would rather be spoken to without."""
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(b"PING\r\n")
            answer = await reader.read(1)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return answer in (b"+", b"-")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _text(value: Reply) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
