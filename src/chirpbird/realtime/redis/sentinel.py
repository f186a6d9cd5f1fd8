"""Asking Sentinels who is master."""

from __future__ import annotations

import asyncio

from chirpbird.realtime.redis.connection import Reply
from chirpbird.realtime.redis.dial import dial
from chirpbird.realtime.redis.errors import CommandRefused, Misconfigured, RedisUnavailable
from chirpbird.realtime.redis.options import RedisOptions
from chirpbird.realtime.redis.replies import as_int, as_list, as_text
from chirpbird.realtime.redis.url import Address, RedisSet

__all__ = ["SentinelLocator"]

_GRACE = 0.3
"""Seconds that others may take after the first answer."""

_Answer = tuple[int, Address]
"""The configuration's number, and the master in it."""


class SentinelLocator:
    """Asks all of them at once and believes the one with the newest configuration: one that was cut off knows old things."""

    def __init__(self, one: RedisSet, options: RedisOptions) -> None:
        self._set = one
        self._options = options

    async def __call__(self) -> Address:
        """Where the master is. Errors: Misconfigured, RedisUnavailable."""
        waiting = {asyncio.ensure_future(self._ask(address)) for address in self._set.addresses}
        answers: list[_Answer] = []
        errors: list[BaseException] = []
        try:
            while waiting:
                done, waiting = await asyncio.wait(
                    waiting,
                    timeout=_GRACE if answers else self._options.connect_timeout,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if not done:
                    break
                for task in done:
                    error = task.exception()
                    if error is None:
                        answers.append(task.result())
                    else:
                        errors.append(error)
        finally:
            for task in waiting:
                task.cancel()
        if answers:
            return max(answers, key=lambda answer: answer[0])[1]
        for error in errors:
            if isinstance(error, Misconfigured):
                raise error
        if not errors:
            raise RedisUnavailable("no Sentinel answers")
        raise errors[0]

    async def _ask(self, address: Address) -> _Answer:
        connection, hello = await dial(
            address, self._set.sentinel_access, timeout=self._options.connect_timeout
        )
        try:
            if hello.mode != "sentinel":
                raise Misconfigured(
                    f"the server at {address} is a {hello.mode} Redis, expected a Sentinel: the URL redis+sentinel://… names "
                    "Sentinels (port 26379 as a rule), not servers"
                )
            master = self._set.master
            try:
                found = _fields(await connection.call("SENTINEL", "MASTER", master))
            except CommandRefused as error:
                if "No such master" not in error.detail:
                    raise
                known = await self._known(connection.call("SENTINEL", "MASTERS"))
                raise Misconfigured(
                    f"the Sentinel at {address} knows no master {master!r}, expected one of: {known or 'none yet'}"
                ) from error
            # Not the address in these fields: while a failover goes on they have the new number and the old address.
            where = await connection.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master)
            host, port = as_list(where, 2)
            return as_int(found.get("config-epoch", b"0")), Address(host=as_text(host), port=as_int(port))
        finally:
            connection.close()

    @staticmethod
    async def _known(reply: asyncio.Future[Reply]) -> str:
        names = [as_text(_fields(master).get("name", b"")) for master in as_list(await reply)]
        return ", ".join(repr(name) for name in names)


def _fields(reply: Reply) -> dict[str, Reply]:
    if not isinstance(reply, dict):
        raise RedisUnavailable(f"a Sentinel answered {reply!r:.80}, expected fields")
    return {as_text(name): value for name, value in reply.items()}
