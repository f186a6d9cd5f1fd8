"""What it costs to bring one publication to many subscribers, without sockets: encoding, framing, and the way to each connection.

    python benchmarks/fan_out.py [--subscribers 10000] [--publications 100] [--channels 1]

Connections only count what is written to them. Several publications of one turn leave in one write (``--burst``).
"""

from __future__ import annotations

import argparse
import asyncio
import time

import uvloop

from chirpbird.realtime import (
    Client,
    ConnectingEvent,
    ConnectReply,
    Node,
    NodeConfig,
    SubscribeEvent,
    SubscribeOptions,
    SubscribeReply,
)
from chirpbird.realtime.transports.base import TransportInfo

_DATA = b'{"event":"message.created","text":"' + b"x" * 160 + b'"}'


class Frames:
    def frame(self, payload: bytes) -> bytes:
        return b"\x82\x7e" + len(payload).to_bytes(2, "big") + payload


FRAMES = Frames()
INFO = TransportInfo(name="counter", wire="json")


class Counter:
    """A ``Connection`` that is always ready."""

    info = INFO
    framing = FRAMES
    writes = 0

    def write(self, framed: bytes) -> None:
        Counter.writes += 1

    def buffered(self) -> int:
        return 0

    def close(self, code: int, reason: str) -> None:
        raise AssertionError(f"closed with {code}: {reason}")


def make_node(options: SubscribeOptions) -> Node:
    node = Node(NodeConfig(ping_interval=0, client_channel_limit=1000))

    @node.on_connecting
    def connecting(client: Client, event: ConnectingEvent) -> ConnectReply:
        return ConnectReply(user="u")

    @node.on_subscribe
    def subscribe(client: Client, event: SubscribeEvent) -> SubscribeReply:
        return SubscribeReply(options)

    return node


async def measure(
    subscribers: int, publications: int, channels: int, burst: int, positioned: bool
) -> tuple[float, int]:
    """Seconds, and writes."""
    node = make_node(SubscribeOptions(positioned=positioned))
    await node.start()
    for _ in range(subscribers):
        receiver = node.accept(Counter())
        receiver.received(b'{"id":1,"connect":{}}')
        for number in range(channels):
            receiver.received(b'{"id":%d,"subscribe":{"channel":"c%d"}}' % (number + 2, number))
    await asyncio.sleep(1)
    assert node.stats().num_subscriptions == subscribers * channels
    Counter.writes = 0
    history = 100 if positioned else 0
    started = time.perf_counter()
    for _ in range(publications):
        for _ in range(burst):
            for number in range(channels):
                node.publish(f"c{number}", _DATA, history_size=history, history_ttl=60.0).result()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    took = time.perf_counter() - started
    writes = Counter.writes
    return took, writes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=10_000)
    parser.add_argument("--publications", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    print("channels  burst  positioned  ms per turn  ns per delivery  writes per turn")
    for channels, burst, positioned in ((1, 1, False), (1, 1, True), (1, 10, False), (2, 1, False)):
        best = min(
            uvloop.run(measure(arguments.subscribers, arguments.publications, channels, burst, positioned))
            for _ in range(arguments.repeat)
        )
        took, writes = best
        turn = took / arguments.publications
        deliveries = arguments.subscribers * channels * burst
        print(
            f"{channels:8}  {burst:5}  {positioned!s:>10}  {turn * 1e3:11.2f}"
            f"  {turn / deliveries * 1e9:15.0f}  {writes / arguments.publications:15.0f}"
        )


if __name__ == "__main__":
    main()
