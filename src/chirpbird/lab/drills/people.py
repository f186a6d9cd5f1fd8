"""Writers and readers: an official SDK, through the balancers, as anybody's program would."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from centrifuge import (
    CentrifugeError,
    Client,
    PublicationContext,
    ReplyError,
    StreamPosition,
    SubscribedContext,
    SubscriptionEventHandler,
)

from chirpbird.lab.drills.record import Delivery, LogEntry, Reading, Send
from chirpbird.lab.errors import LabError

__all__ = ["Account", "Reader", "Writer", "make_channel", "read_log", "register"]

PASSWORD = "a drill's password"  # noqa: S105 - of people who live for one drill
_TRY_SECONDS = 2.0
"""A try of a send that is not answered by then is made again, with the same key."""
_PAUSE_AFTER_REFUSAL = 0.1
_RECONNECT_SECONDS = 1.0
"""Longest pause between two tries of the SDK to connect; its own default is for millions of clients."""
_PAGE = 300

Clock = Callable[[], float]
"""Seconds since the drill began."""


class Account:
    """Somebody who is registered."""

    def __init__(self, url: str, name: str, user_id: str, token: str) -> None:
        self.name = name
        self.user_id = user_id
        self.token = token
        self._url = url

    def client(self) -> Client:
        """A connection of the SDK, not connected yet."""

        async def token() -> str:
            return self.token

        return Client(
            self._url.replace("http", "ws", 1) + "/connection/websocket",
            token=self.token,
            get_token=token,
            timeout=_TRY_SECONDS,
            max_reconnect_delay=_RECONNECT_SECONDS,
            proxy=None,
        )


async def register(url: str, names: Sequence[str]) -> list[Account]:
    """New accounts. Errors: LabError."""
    accounts = []
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as http:
        for name in names:
            made = await _post(http, "/users", {"username": name, "password": PASSWORD})
            accounts.append(Account(url, name, made["user"]["id"], made["accessToken"]))
    return accounts


async def make_channel(url: str, name: str, members: Sequence[Account]) -> str:
    """A private group of all of them: its id. Errors: LabError."""
    creator, *others = members
    headers = {"Authorization": f"Bearer {creator.token}"}
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10, headers=headers) as http:
        group = {"name": name, "isPrivate": True, "participants": [one.user_id for one in others]}
        made = await _post(http, "/channels", group)
        return str(made["channel"]["channel"]["id"])


async def _post(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> Any:
    try:
        answer = await http.post(path, json=body)
    except httpx.HTTPError as error:
        raise LabError(f"POST {path} failed: {error!r}") from error
    if answer.is_error:
        raise LabError(f"POST {path} was answered {answer.status_code}: {answer.text}")
    return answer.json()["data"]


class Writer:
    """Writes one message after the other into one channel; each is tried until it is acknowledged."""

    def __init__(self, account: Account, channel: str, sends: list[Send], clock: Clock, pause: float) -> None:
        self._account = account
        self._channel = channel
        self._sends = sends
        self._clock = clock
        self._pause = pause
        self._over = False

    async def run(self) -> None:
        """Until ``finish``. Errors: LabError when a send is refused for good."""
        client = self._account.client()
        await client.connect()
        number = 0
        try:
            while not self._over:
                await self._send(client, f"{self._account.name} {number}")
                number += 1
                await asyncio.sleep(self._pause)
        finally:
            await client.disconnect()

    def finish(self) -> None:
        """Send nothing new; what is on its way is still tried."""
        self._over = True

    async def _send(self, client: Client, text: str) -> None:
        send = Send(self._account.name, self._channel, text, self._clock())
        self._sends.append(send)
        message = {"data": text, "key": str(uuid.uuid4())}
        while send.acknowledged is None:
            try:
                await client.publish(self._channel, message, timeout=_TRY_SECONDS)
                send.acknowledged = self._clock()
            except ReplyError as error:
                if not error.temporary:
                    raise LabError(f"{text!r} was refused for good: {error}") from error
                send.refusals.append(f"{error.code}: {error}")
                await asyncio.sleep(_PAUSE_AFTER_REFUSAL)
            except CentrifugeError as error:
                # No answer, or no connection: it may be in the log or not. The key makes asking again safe.
                send.refusals.append(type(error).__name__)
                await asyncio.sleep(_PAUSE_AFTER_REFUSAL)


class Reader:
    """Subscribes to channels once and notes what comes; after that the SDK is on its own."""

    def __init__(self, account: Account, channels: Sequence[str], clock: Clock) -> None:
        self.readings = [Reading(account.name, channel, 0) for channel in channels]
        self._client = account.client()
        self._clock = clock

    async def start(self) -> None:
        """Returns when all channels are subscribed."""
        await self._client.connect()
        for reading in self.readings:
            events = _Noting(reading, self._clock)
            subscription = self._client.new_subscription(reading.channel, events=events, recoverable=True)
            await subscription.subscribe()
            await subscription.ready(timeout=10)

    async def stop(self) -> None:
        await self._client.disconnect()


class _Noting(SubscriptionEventHandler):
    def __init__(self, reading: Reading, clock: Clock) -> None:
        self._reading = reading
        self._clock = clock
        self._first = True

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        if self._first and ctx.stream_position is not None:
            self._reading.after = ctx.stream_position.offset
            self._first = False
        elif ctx.was_recovering and not ctx.recovered:
            self._reading.unrecovered += 1

    async def on_publication(self, ctx: PublicationContext) -> None:
        entry = ctx.pub.data
        self._reading.deliveries.append(Delivery(ctx.pub.offset, _text(entry), self._clock()))


async def read_log(account: Account, channel: str) -> list[LogEntry]:
    """All of a channel's log, page by page. Errors: CentrifugeError."""
    client = account.client()
    await client.connect()
    try:
        log: list[LogEntry] = []
        epoch = (await client.history(channel, limit=0, timeout=10)).epoch
        while True:
            since = StreamPosition(log[-1].seq if log else 0, epoch)
            page = await client.history(channel, limit=_PAGE, since=since, timeout=10)
            log += [LogEntry(one.offset, _text(one.data)) for one in page.publications]
            if len(page.publications) < _PAGE:
                return log
    finally:
        await client.disconnect()


def _text(entry: Any) -> str | None:
    return entry["data"] if entry["type"] == "message" else None
