"""Sends through the whole server: WebSocket, the chat's rules, SQLite, fan-out, beside the design's budgets.

python benchmarks/chat_send.py [directory on the disk to measure]

64 people in pairs that share a group. Each waits for the acknowledgement of a message before sending the
next; every message is delivered to both of its pair, and timed at the other one. The load wants a core of its
own.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect
from rich.console import Console
from rich.table import Table

SENDERS = 64
WARM_UP = 1.0
SECONDS = 5.0
FILLING = "x" * 100
"""Makes a message of 128 bytes, with what stands before it."""
BUDGET_RATE = 10_000
BUDGET_ACK = 0.050
BUDGETS = (f"{BUDGET_RATE:,} /s", f"{BUDGET_ACK * 1000:.0f} ms")
NO_LIMITS = {
    "CHIRPBIRD_SENDS_BURST": "1000000",
    "CHIRPBIRD_SENDS_PER_SECOND": "1000000",
    "CHIRPBIRD_SIGN_INS_PER_ADDRESS": "1000",
}


class _Entry(msgspec.Struct, gc=False):
    data: str = ""


class _Publication(msgspec.Struct, gc=False):
    data: _Entry


class _Push(msgspec.Struct, gc=False):
    pub: _Publication | None = None


class _Reply(msgspec.Struct, gc=False):
    id: int = 0
    push: _Push | None = None
    error: dict[str, Any] | None = None


_REPLIES = msgspec.json.Decoder(_Reply)


class Times:
    """Seconds, noted while ``on``; people stop sending when ``over``."""

    def __init__(self) -> None:
        self.on = False
        self.over = False
        self.acknowledged: list[float] = []
        self.delivered: list[float] = []


class Sender(WSListener):
    """One person's connection."""

    def __init__(self, number: int, times: Times) -> None:
        super().__init__()
        self._name = f"{number:03d}"
        self._times = times
        self._id = 0
        self._answer: asyncio.Future[None] | None = None
        self._prefix = ""
        self._began = 0
        self.transport: WSTransport
        self.done = asyncio.Event()

    async def ask(self, **command: Any) -> None:
        """Send a command and wait for its reply."""
        self._id += 1
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.send(WSMsgType.TEXT, json.dumps({"id": self._id, **command}).encode())
        await self._answer
        self._answer = None

    def begin(self, channel: str) -> None:
        """Send from now on."""
        self._prefix = f'"publish":{{"channel":"{channel}","data":{{"data":"{self._name} '
        self._send()

    def _send(self) -> None:
        self._id += 1
        self._began = time.perf_counter_ns()
        message = f'{{"id":{self._id},{self._prefix}{self._began} {FILLING}","key":"{self._id}"}}}}}}'
        self.transport.send(WSMsgType.TEXT, message.encode())

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        now = time.perf_counter_ns()
        for line in frame.get_payload_as_bytes().split(b"\n"):
            reply = _REPLIES.decode(line)
            if reply.error is not None:
                raise SystemExit(f"the server answered {reply.error}")
            if reply.push is not None:
                if reply.push.pub is not None and reply.push.pub.data.data:  # else somebody joined
                    self._delivered(reply.push.pub.data.data, now)
            elif not reply.id:
                transport.send(WSMsgType.TEXT, b"{}")  # a ping
            elif self._answer is not None:
                self._answer.set_result(None)
            else:
                self._acknowledged(now)

    def _delivered(self, text: str, now: int) -> None:
        name, began, _ = text.split(" ", 2)
        if self._times.on and name != self._name:
            self._times.delivered.append((now - int(began)) / 1e9)

    def _acknowledged(self, now: int) -> None:
        if self._times.on:
            self._times.acknowledged.append((now - self._began) / 1e9)
        if self._times.over:
            self.done.set()
        else:
            self._send()


@asynccontextmanager
async def serving(directory: str) -> AsyncIterator[tuple[int, str]]:
    """The real server; its process id and address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = ("-m", "chirpbird", "serve", "--port", address.partition(":")[2], "--data", directory)
    server = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, env=os.environ | NO_LIMITS
    )
    try:
        assert server.stdout is not None
        while address not in (line := (await server.stdout.readline()).decode()):
            if not line:
                raise SystemExit("the server did not start")
        yield server.pid, address
    finally:
        server.send_signal(signal.SIGTERM)
        await server.wait()


async def arrive(http: httpx.AsyncClient, number: int, times: Times) -> tuple[Sender, str, str]:
    """Register and connect: the connection, the access token and the user's id."""
    account = {"username": f"sender{number}", "password": "correct horse"}
    answer = (await http.post("/users", json=account)).raise_for_status().json()["data"]
    url = f"ws://{http.base_url.host}:{http.base_url.port}/connection/websocket"
    _, listener = await ws_connect(lambda: Sender(number, times), url)
    assert isinstance(listener, Sender)
    await listener.ask(connect={"token": answer["accessToken"]})
    return listener, answer["accessToken"], answer["user"]["id"]


async def pair(http: httpx.AsyncClient, number: int, times: Times) -> list[tuple[Sender, str]]:
    """Two people, subscribed to a group of their own."""
    one, token, _ = await arrive(http, number, times)
    other, _, other_id = await arrive(http, number + 1, times)
    group = {"name": f"pair {number}", "isPrivate": True, "participants": [other_id]}
    answer = await http.post("/channels", json=group, headers={"Authorization": f"Bearer {token}"})
    channel = answer.raise_for_status().json()["data"]["channel"]["channel"]["id"]
    for sender in (one, other):
        await sender.ask(subscribe={"channel": channel})
    return [(one, channel), (other, channel)]


def cpu_seconds(pid: int) -> float:
    """What a process has used so far. Linux only."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(directory: str) -> tuple[Times, float]:
    """The times, and the server's CPU seconds meanwhile."""
    times = Times()
    async with (
        serving(directory) as (pid, address),
        httpx.AsyncClient(base_url=f"http://{address}") as http,
    ):
        people = [sender for number in range(0, SENDERS, 2) for sender in await pair(http, number, times)]
        for sender, channel in people:
            sender.begin(channel)
        await asyncio.sleep(WARM_UP)
        times.on, used = True, cpu_seconds(pid)
        await asyncio.sleep(SECONDS)
        times.on, used = False, cpu_seconds(pid) - used
        times.over = True
        for sender, _ in people:
            await sender.done.wait()
            sender.transport.disconnect()
    return times, used


def percentiles(seconds: list[float]) -> tuple[str, str]:
    """Median and p99, to print."""
    ordered = sorted(seconds)
    median, slow = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99))
    return f"{median:.1f} ms", f"{slow:.1f} ms"


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as directory:
        times, used = uvloop.run(measure(directory))
    count = len(times.acknowledged)
    table = Table(f"chat sends, {SENDERS} senders, SQLite", "measured", "budget")
    table.add_row("durable acknowledgements", f"{count / SECONDS:,.0f} /s", BUDGETS[0])
    median, slow = percentiles(times.acknowledged)
    table.add_row("send to acknowledgement, median", median)
    table.add_row("send to acknowledgement, p99", slow, BUDGETS[1])
    median, slow = percentiles(times.delivered)
    table.add_row("send to delivery at the other, median", median)
    table.add_row("send to delivery at the other, p99", slow)
    table.add_row("server CPU for a message (2 deliveries)", f"{used / count * 1e6:.0f} us")
    Console().print(table)


if __name__ == "__main__":
    main()
