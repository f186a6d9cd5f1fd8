"""Subscribers against a model: whatever the bus, the network and the timing do, each sees the stream, in order and once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from chirpbird.realtime import Node, NodeConfig
from tests.support.realtime import Bus, FakeClock, Peer, settle, with_handlers

CHANNEL = "stream:c"
VERDICTS = st.sampled_from(["deliver", "deliver", "lose", "keep", "repeat"])
TURNS = st.integers(0, 6)


class Subscriber:
    """What an SDK keeps: its position, and whether it is subscribed. It fails on a hole, a repeat, or anything out of turn."""

    def __init__(self, stream: list[int]) -> None:
        self.stream = stream
        self.peer: Peer | None = None
        self.position: int | None = None
        self.epoch = ""
        self.subscribed = False
        self.subscribing = False
        self._next_id = 1

    def command(self, **body: Any) -> None:
        assert self.peer is not None
        self._next_id += 1
        self.peer.send({"id": self._next_id, **body})

    def hear(self) -> None:
        if self.peer is None:
            return
        assert self.peer.ended is None
        for told in self.peer.told():
            assert "error" not in told, told
            if "subscribe" in told:
                self._begin(told["subscribe"])
            elif "unsubscribe" in told:
                self.subscribed = False
            elif "push" in told:
                assert "pub" in told["push"], told
                assert self.subscribed, told
                self._take(told["push"]["pub"])

    def _begin(self, result: dict[str, Any]) -> None:
        assert self.subscribing
        assert not self.subscribed
        self.subscribing, self.subscribed = False, True
        if self.position is not None:
            assert result["was_recovering"]
            assert result["recovered"]
            assert result.get("offset", 0) == self.position
        else:
            assert "publications" not in result
            self.position = result.get("offset", 0)
        self.epoch = result["epoch"]
        for pub in result.get("publications", []):
            self._take(pub)

    def _take(self, pub: dict[str, Any]) -> None:
        assert self.position is not None
        self.position += 1
        assert pub["offset"] == self.position
        assert pub["data"] == self.stream[self.position - 1]


class Subscribers(RuleBasedStateMachine):
    people: Bundle[Subscriber] = Bundle("people")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.bus = Bus(self.clock)
        config = NodeConfig(ping_interval=0, fill_retry_min=0, fill_retry_max=0, channel_linger=5)
        self.node = with_handlers(Node(config, broker=self.bus, clock=self.clock))
        self.loop.run_until_complete(self.node.start())
        self.stream: list[int] = []
        self.subscribers: list[Subscriber] = []
        self.verdict = "deliver"
        self.bus.judge = lambda channel, publication: self.verdict

    def turn(self, turns: int, action: Callable[[], object] = lambda: None) -> None:
        """Do something on the event loop, and let it go on for a few turns."""

        async def run() -> None:
            action()
            await settle(turns)

        self.loop.run_until_complete(run())
        for subscriber in self.subscribers:
            subscriber.hear()

    @initialize(target=people)
    def somebody(self) -> Subscriber:
        return self._arrive()

    @rule(target=people)
    def arrive(self) -> Subscriber:
        return self._arrive()

    def _arrive(self) -> Subscriber:
        subscriber = Subscriber(self.stream)
        self.subscribers.append(subscriber)
        self.turn(0, lambda: self._connect(subscriber))
        return subscriber

    @rule(somebody=people)
    def connect(self, somebody: Subscriber) -> None:
        self.turn(0, lambda: self._connect(somebody))

    def _connect(self, somebody: Subscriber) -> None:
        if somebody.peer is None:
            somebody.peer = Peer(self.node)
            somebody.command(connect={"token": "u"})

    @rule(somebody=people, turns=TURNS)
    def subscribe(self, somebody: Subscriber, turns: int) -> None:
        if somebody.peer is None or somebody.subscribed or somebody.subscribing:
            return
        somebody.subscribing = True
        request: dict[str, Any] = {"channel": CHANNEL}
        if somebody.position is not None:
            request |= {"recover": True, "offset": somebody.position, "epoch": somebody.epoch}
        self.turn(turns, lambda: somebody.command(subscribe=request))

    @rule(somebody=people, turns=TURNS)
    def unsubscribe(self, somebody: Subscriber, turns: int) -> None:
        if somebody.peer is not None and somebody.subscribed:
            self.turn(turns, lambda: somebody.command(unsubscribe={"channel": CHANNEL}))

    @rule(somebody=people)
    def lose_connection(self, somebody: Subscriber) -> None:
        if somebody.peer is not None:
            somebody.hear()
            lost, somebody.peer = somebody.peer, None
            somebody.subscribed = somebody.subscribing = False
            self.turn(0, lost.lose)

    @rule(verdict=VERDICTS, count=st.integers(1, 4), turns=TURNS)
    def publish(self, verdict: str, count: int, turns: int) -> None:
        self.verdict = verdict
        self.turn(turns, lambda: self._publish(count))
        self.verdict = "deliver"

    def _publish(self, count: int) -> None:
        for _ in range(count):
            self.stream.append(len(self.stream) + 100)
            data = b"%d" % self.stream[-1]
            self.node.publish(CHANNEL, data, history_size=10_000, history_ttl=36_000).result()

    @rule(data=st.data(), turns=TURNS)
    def release(self, data: st.DataObject, turns: int) -> None:
        if self.bus.kept:
            self.verdict = "deliver"
            index = data.draw(st.integers(0, len(self.bus.kept) - 1))
            self.turn(turns, lambda: self.bus.release(index))

    @rule(seconds=st.sampled_from([1, 6, 30]), turns=TURNS)
    def time_goes_by(self, seconds: int, turns: int) -> None:
        self.clock.now += seconds
        self.turn(turns, self.node.tick)

    @rule(turns=st.integers(0, 5))
    def reading_takes(self, turns: int) -> None:
        self.bus.delay = turns

    @rule(up=st.booleans())
    def bus_changes(self, up: bool) -> None:
        self.node.on_bus(up)

    @rule(broken=st.booleans(), turns=TURNS)
    def history_fails_to_fill(self, broken: bool, turns: int) -> None:
        """Only while nobody is on the way in: a failing subscribe ends the connection, which is tested elsewhere."""
        if not any(subscriber.subscribing for subscriber in self.subscribers):
            self.bus.broken = broken
            self.turn(turns)
            self.bus.broken = False

    @invariant()
    def nothing_is_wrong(self) -> None:
        for subscriber in self.subscribers:
            subscriber.hear()

    def teardown(self) -> None:
        """In the end everybody who is subscribed has everything."""
        try:
            self._finish()
        finally:
            self.loop.run_until_complete(self.node.shutdown())
            self.loop.close()
        assert self.node.stats().num_subscriptions == 0

    def _finish(self) -> None:
        self.turn(60)
        self.node.on_bus(False)
        for _ in range(3):
            self.clock.now += 60
            self.turn(60, self.node.tick)
        for subscriber in self.subscribers:
            assert not subscriber.subscribing
            if subscriber.subscribed:
                assert subscriber.position == len(self.stream)
        subscribed = sum(subscriber.subscribed for subscriber in self.subscribers)
        assert self.node.stats().num_subscriptions == subscribed


TestSubscribers = Subscribers.TestCase
TestSubscribers.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
