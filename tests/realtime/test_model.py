"""Subscribers against a model: whatever the bus, the network and the timing do, each sees the stream, in order and once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec
from centrifuge.fossil import apply_delta
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chirpbird.realtime import Node, NodeConfig, RecoveryMode, SubscribeOptions, SubscribeReply
from tests.support.realtime import Bus, FakeClock, Peer, settle, with_handlers

CHANNEL = "stream:c"
BASICS = SubscribeOptions(recoverable=True, join_leave=True, allow_channel_compaction=True)
KINDS = {
    "stream": BASICS,
    "positioned": msgspec.structs.replace(BASICS, recoverable=False, positioned=True),
    "cache": msgspec.structs.replace(BASICS, recovery_mode=RecoveryMode.CACHE),
    "delta": msgspec.structs.replace(BASICS, allowed_delta_types=("fossil",)),
    "filter": msgspec.structs.replace(BASICS, allow_tags_filter=True),
    "people": msgspec.structs.replace(BASICS, push_join_leave=True),
}
"""Subscribers of one channel, by what they want of it; the subscribe request's data says which it is."""
VERDICTS = st.sampled_from(["deliver", "deliver", "lose", "keep", "repeat"])
TURNS = st.integers(0, 6)
PEOPLE = 4
ACTIONS = ["return", "return", "return", "unsubscribe", "lose", "be_disconnected", "be_unsubscribed"]
WEATHER = ["late", "bus", "release", "release", "time", "time", "broken"]


def payload(number: int) -> dict[str, Any]:
    """Much like the one before, but not like any other."""
    return {"last": [1000 + number - back for back in range(12)], "n": number}


def is_even(number: int) -> bool:
    """What the filter of those who have one lets through."""
    return number % 2 == 0


class Subscriber:
    """What an SDK keeps: its position, whether it is subscribed, what it needs for deltas. It fails on a hole, a repeat, a
    publication that is not for it, or anything out of turn.
    """

    def __init__(self, stream: list[int], kind: str, *, compact: bool) -> None:
        self.stream = stream
        self.kind = kind
        self.compact = compact
        self.peer: Peer | None = None
        self.client = ""
        self.position: int | None = None
        self.epoch = ""
        self.subscribed = False
        self.subscribing = False
        self.present: dict[str, bool] = {}
        """Who came (True) and who went, since it is subscribed itself."""
        self._before: bytes | None = None
        self._number = 0
        self._next_id = 1

    def command(self, **body: Any) -> None:
        assert self.peer is not None
        self._next_id += 1
        self.peer.send({"id": self._next_id, **body})

    def subscribe(self) -> None:
        request: dict[str, Any] = {"channel": CHANNEL, "data": self.kind, "flag": int(self.compact)}
        if self.position is not None and self.kind != "positioned":
            request |= {"recover": True, "offset": self.position, "epoch": self.epoch}
        if self.kind == "delta":
            request["delta"] = "fossil"
        elif self.kind == "filter":
            request["tf"] = {"key": "even", "cmp": "eq", "val": "True"}
        self.subscribing = True
        self.command(subscribe=request)

    def gone(self) -> None:
        """The connection is."""
        self.peer = None
        self.client = ""
        self.subscribed = self.subscribing = False

    def hear(self) -> None:
        if self.peer is None:
            return
        assert self.peer.ended is None
        self.hear_all(self.peer)

    def hear_all(self, peer: Peer) -> None:
        for told in peer.told():
            assert "error" not in told, told
            if "connect" in told:
                self.client = told["connect"]["client"]
            elif "subscribe" in told:
                self._begin(told["subscribe"])
            elif "unsubscribe" in told:
                self.subscribed = False
            elif "disconnect" in told["push"]:
                self.subscribed = self.subscribing = False
            else:
                self._hear_push(told["push"])

    def _hear_push(self, push: dict[str, Any]) -> None:
        assert self.subscribed, push
        if "unsubscribe" in push:
            assert push["channel"] == CHANNEL
            self.subscribed = False
            return
        if self.compact:
            assert push["id"] == self._number
            assert "channel" not in push
        else:
            assert push["channel"] == CHANNEL
        if "pub" in push:
            self._take(push["pub"])
        else:
            assert self.kind == "people", push
            came = "join" in push
            client = push["join" if came else "leave"]["info"]["client"]
            assert self.present.get(client) is not came
            self.present[client] = came

    def _begin(self, result: dict[str, Any]) -> None:
        assert self.subscribing
        assert not self.subscribed
        self.subscribing, self.subscribed = False, True
        self.present = {}
        self._before = None
        self._number = result.get("id", 0)
        assert (self._number > 0) is self.compact
        assert result.get("delta", False) is (self.kind == "delta")
        self.epoch = result["epoch"]
        pubs = result.get("publications", [])
        if self.position is None or self.kind == "positioned":
            assert not pubs
            self.position = result.get("offset", 0)
            return
        assert result["was_recovering"]
        assert result["recovered"]
        if self.kind == "cache":
            assert len(pubs) <= 1
            self.position = pubs[0]["offset"] - 1 if pubs else result.get("offset", 0)
        elif self.kind == "filter" and not pubs:
            self._skip_to(result.get("offset", 0))
        else:
            assert result.get("offset", 0) == self.position
        for pub in pubs:
            self._take(pub)

    def _take(self, pub: dict[str, Any]) -> None:
        assert self.position is not None
        if self.kind == "filter":
            self._skip_to(pub["offset"] - 1)
            assert is_even(pub["offset"])
        self.position += 1
        assert pub["offset"] == self.position
        assert self._read(pub) == payload(self.stream[self.position - 1])

    def _read(self, pub: dict[str, Any]) -> Any:
        if self.kind != "delta":
            assert "delta" not in pub
            return pub["data"]
        data = pub["data"].encode()
        if pub.get("delta"):
            assert self._before is not None
            data = apply_delta(self._before, data)  # type: ignore[no-untyped-call]
        self._before = data
        return json.loads(data)

    def _skip_to(self, offset: int) -> None:
        """Nothing up to there was for it."""
        assert self.position is not None
        assert self.position <= offset
        assert not any(is_even(skipped) for skipped in range(self.position + 1, offset + 1))
        self.position = offset

    def has_everything(self) -> None:
        if self.kind == "filter":
            self._skip_to(len(self.stream))
        assert self.position == len(self.stream)


class Subscribers(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.bus = Bus(self.clock)
        config = NodeConfig(ping_interval=0, fill_retry_min=0, fill_retry_max=0, channel_linger=5)
        self.node = with_handlers(Node(config, broker=self.bus, clock=self.clock))
        self.node.on_subscribe(lambda client, event: SubscribeReply(KINDS[json.loads(event.data)]))
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

    @initialize(kinds=st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=2), compact=st.booleans())
    def people(self, kinds: list[str], compact: bool) -> None:
        """Few kinds in one run, so that they meet their like."""
        for number in range(PEOPLE):
            kind = kinds[number % len(kinds)]
            self.subscribers.append(Subscriber(self.stream, kind, compact=compact and number == 2))
            self._return(self.subscribers[-1])
            self.turn(5, lambda: self._publish(1, True))

    @rule(who=st.integers(0, PEOPLE - 1), what=st.sampled_from(ACTIONS), turns=TURNS)
    def somebody(self, who: int, what: str, turns: int) -> None:
        somebody = self.subscribers[who]
        if what == "return":
            self._return(somebody)
        elif somebody.peer is not None:
            getattr(self, f"_{what}")(somebody, somebody.peer)
        self.turn(turns)

    def _return(self, somebody: Subscriber) -> None:
        if somebody.peer is None:
            self.turn(1, lambda: self._connect(somebody))
        if not somebody.subscribed and not somebody.subscribing:
            self.turn(0, somebody.subscribe)

    def _connect(self, somebody: Subscriber) -> None:
        somebody.peer = Peer(self.node)
        somebody.command(connect={"token": "u"})

    def _unsubscribe(self, somebody: Subscriber, _peer: Peer) -> None:
        if somebody.subscribed:
            self.turn(0, lambda: somebody.command(unsubscribe={"channel": CHANNEL}))

    def _lose(self, somebody: Subscriber, peer: Peer) -> None:
        somebody.hear()
        somebody.gone()
        self.turn(0, peer.lose)

    def _be_disconnected(self, somebody: Subscriber, peer: Peer) -> None:
        """What was on its way before is still heard."""
        self.loop.run_until_complete(self.node.disconnect("u", client=somebody.client))
        assert peer.ended == (3503, "force disconnect")
        somebody.hear_all(peer)
        somebody.gone()
        peer.lose()

    def _be_unsubscribed(self, somebody: Subscriber, _peer: Peer) -> None:
        """Also from what has not begun yet: that ends as soon as it has."""
        self.loop.run_until_complete(
            self.node.unsubscribe("u", CHANNEL, client=somebody.client, code=2500, reason="again")
        )

    @rule(verdict=VERDICTS, count=st.integers(1, 4), delta=st.booleans(), turns=TURNS)
    def publish(self, verdict: str, count: int, delta: bool, turns: int) -> None:
        self.verdict = verdict
        self.turn(turns, lambda: self._publish(count, delta))
        self.verdict = "deliver"

    def _publish(self, count: int, delta: bool) -> None:
        for _ in range(count):
            self.stream.append(len(self.stream) + 100)
            data = json.dumps(payload(self.stream[-1])).encode()
            tags = {"even": str(is_even(len(self.stream)))}
            self.node.publish(
                CHANNEL, data, tags=tags, delta=delta, history_size=10_000, history_ttl=36_000
            ).result()

    @rule(what=st.sampled_from(WEATHER), number=st.integers(0, 5), turns=TURNS)
    def weather(self, what: str, number: int, turns: int) -> None:
        if what == "late":
            self.bus.delay = number
        elif what == "bus":
            self.node.on_bus(number % 2 == 0)
        elif what == "release" and self.bus.kept:
            self.turn(0, lambda: self.bus.release(number % len(self.bus.kept)))
        elif what == "time":
            self.clock.now += (1, 6, 30)[number % 3]
            self.turn(0, self.node.tick)
        elif what == "broken" and not any(subscriber.subscribing for subscriber in self.subscribers):
            # a failing subscribe ends the connection, which is tested elsewhere
            self.bus.broken = True
            self.turn(turns)
            self.bus.broken = False
        self.turn(turns)

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
                subscriber.has_everything()
        there = {subscriber.client for subscriber in self.subscribers if subscriber.subscribed}
        assert self.node.stats().num_subscriptions == len(there)
        for subscriber in self.subscribers:
            if subscriber.subscribed and subscriber.kind == "people":
                assert subscriber.present[subscriber.client]
                assert {client for client, came in subscriber.present.items() if came} <= there
                assert not there & {client for client, came in subscriber.present.items() if not came}


TestSubscribers = Subscribers.TestCase
TestSubscribers.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
