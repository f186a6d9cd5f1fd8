"""What the bus over Redis costs: announcements from one node to another, each in its own process, through a real redis-server.

    python benchmarks/bus_redis.py [--announcements 100000] [--channels 100] [--burst 50] [--size 200]

First as fast as it goes, then at half that rate with the time from ``announce`` to the other node measured. CPU is in
microseconds an announcement, of the sending node, the receiving node, and Redis.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop

from chirpbird.realtime import ClientInfo, Publication
from chirpbird.realtime.core import settled
from chirpbird.realtime.redis import RedisBroker, RedisOptions, redis_engine

_CLOCK = struct.Struct("d")
_WINDOW = 5000
"""Announcements ahead of the other node's receipts, so that full speed is what the whole way can do."""


class Ear:
    """Counts what it hears, and how late."""

    def __init__(self) -> None:
        self.count = 0
        self.late: list[float] = []
        self.step = asyncio.Event()

    def on_publication(self, channel: str, publication: Publication, epoch: str) -> None:
        self.count += 1
        self.late.append(time.perf_counter() - _CLOCK.unpack_from(publication.data)[0])
        if self.count % 500 == 0:
            self.step.set()

    def on_join(self, channel: str, info: ClientInfo) -> None: ...

    def on_leave(self, channel: str, info: ClientInfo) -> None: ...

    def on_control(self, data: bytes) -> None: ...

    def on_bus(self, up: bool) -> None: ...


class Deaf(Ear):
    """The sender's own node: it has no subscribers."""

    def on_publication(self, channel: str, publication: Publication, epoch: str) -> None: ...


async def receive(url: str, channels: int, expected: int, pipe: Connection) -> None:
    broker, _ = redis_engine(RedisOptions(url=url))
    ear = Ear()
    await broker.start(ear, "receiver")
    for number in range(channels):
        await settled(broker.subscribe(f"channel{number}"))
    cpu = time.process_time()
    pipe.send("ready")
    while ear.count < expected:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ear.step.wait(), 0.05)
        ear.step.clear()
        pipe.send(ear.count)
    pipe.send(("done", time.process_time() - cpu, sorted(ear.late)))
    await broker.close()


def receiver(url: str, channels: int, expected: int, pipe: Connection) -> None:
    uvloop.run(receive(url, channels, expected, pipe))


async def send(
    broker: RedisBroker, options: argparse.Namespace, rate: float, pipe: Connection
) -> tuple[float, ...]:
    """Announce, in bursts of one turn of the loop each; seconds, CPU seconds here and there, and how late."""
    padding = b"x" * max(options.size - _CLOCK.size, 0)
    heard, sent = 0, 0
    result: tuple[float, list[float]] | None = None
    cpu, began = time.process_time(), time.perf_counter()
    while result is None:
        due = options.announcements if not rate else int((time.perf_counter() - began) * rate) + 1
        if sent < min(due, options.announcements) and sent - heard < _WINDOW:
            for _ in range(options.burst):
                data = _CLOCK.pack(time.perf_counter()) + padding
                broker.announce(
                    f"channel{sent % options.channels}", Publication(data=data, offset=sent + 1), "epoch"
                )
                sent += 1
            await asyncio.sleep(0)
        else:
            await asyncio.sleep(0.0005)
        while pipe.poll():
            said = pipe.recv()
            if isinstance(said, tuple):
                result = said[1:]
            else:
                heard = said
    there, late = result
    seconds = time.perf_counter() - began
    return seconds, time.process_time() - cpu, there, late[len(late) // 2], late[len(late) * 99 // 100]


async def measure(url: str, options: argparse.Namespace, redis: int) -> None:
    broker, _ = redis_engine(RedisOptions(url=url))
    await broker.start(Deaf(), "sender")
    context = multiprocessing.get_context("spawn")
    rate = 0.0
    for what in ("full speed", "half speed"):
        here, there = context.Pipe()
        other = context.Process(target=receiver, args=(url, options.channels, options.announcements, there))
        other.start()
        await asyncio.to_thread(here.recv)
        before = cpu_of(redis)
        seconds, sender, received, p50, p99 = await send(broker, options, rate, here)
        server = cpu_of(redis) - before
        other.join()
        each = 1e6 / options.announcements
        rate = options.announcements / seconds
        print(
            f"{what}: {rate:,.0f} announcements/s, CPU {sender * each:.1f} us sending, {received * each:.1f} us "
            f"receiving, {server * each:.1f} us Redis; from node to node p50 {p50 * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms"
        )
        rate /= 2
    await broker.close()


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--announcements", type=int, default=100_000)
    parser.add_argument("--channels", type=int, default=100)
    parser.add_argument("--burst", type=int, default=50)
    parser.add_argument("--size", type=int, default=200)
    options = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    redis = shutil.which("redis-server")
    if redis is None:
        raise SystemExit("not measured: redis-server is not installed (Debian: apt install redis-server)")
    with tempfile.TemporaryDirectory() as folder:
        command = [redis, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            try:
                time.sleep(0.3)
                print(f"{options.announcements:,} of {options.size} bytes over {options.channels} channels")
                uvloop.run(measure(f"redis://127.0.0.1:{port}", options, server.pid))
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
