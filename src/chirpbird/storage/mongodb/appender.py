"""Appending to the logs: what waits is inserted together, at the tops, in a few inserts at a time.

There is no lock. An entry's place is its key: who inserts at a place that another node took meanwhile fails, reads the top
again and tries behind it. An ordered insert stops at its first failure, so what it left out comes after what it wrote and no
log gets a hole. A channel is in one insert at a time, which keeps a node's own order; meanwhile its next batch gathers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from asyncio import Future
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from chirpbird.chat.entities import Draft, Entry
from chirpbird.chat.errors import ChatError, StoreUnavailable
from chirpbird.chat.ports import CommitListener
from chirpbird.storage.mongodb.connection import Mongo
from chirpbird.storage.mongodb.flight import Flight, Waiting
from chirpbird.storage.mongodb.membership import is_move, move
from chirpbird.storage.mongodb.tops import Tops

__all__ = ["Appender"]

MAX_FLIGHTS = 4
"""Inserts on their way at once."""
MAX_BATCH = 500
"""Entries of one insert: bounds how long the first one waits for the last."""
MAX_WAITING = 20_000
"""Drafts accepted and not yet durable; beyond it the store says that it is too busy."""

logger = logging.getLogger(__name__)


class Appender:
    """Accepts drafts, and answers each when a majority has its entry."""

    def __init__(self, mongo: Mongo, now_ms: Callable[[], int] | None = None) -> None:
        self._mongo = mongo
        self.now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)
        self._tops = Tops()
        self._listeners: list[CommitListener] = []
        self._queues: dict[str, deque[Waiting]] = {}
        """Drafts of channels, in the order of their arrival; no queue is empty."""
        self._busy: set[str] = set()
        """Channels in a flight."""
        self._contended: set[str] = set()
        """Channels that other nodes append to as well right now: they fly alone, so as not to hold others up."""
        self._keys: dict[tuple[str, str, str], Waiting] = {}
        """Drafts with a key that are on their way."""
        self._flights: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._pump_scheduled = False
        self._closed = False

    def add_listener(self, listener: CommitListener) -> None:
        """See ``Log.add_commit_listener``."""
        self._listeners.append(listener)

    def submit(self, draft: Draft) -> Future[Entry]:
        """See ``Log.append``."""
        future: Future[Entry] = asyncio.get_running_loop().create_future()
        if self._closed:
            future.set_exception(StoreUnavailable("the server is shutting down"))
            return future
        if self._waiting >= MAX_WAITING:
            busy = f"{self._waiting} messages are waiting already; try again later"
            future.set_exception(StoreUnavailable(busy))
            return future
        key = (draft.channel_id, draft.sender_id, draft.key)
        if draft.key:
            same = self._keys.get(key)
            if same is not None:
                same.futures.append(future)
                return future
        waiting = Waiting(draft, future)
        if draft.key:
            self._keys[key] = waiting
        self._waiting += 1
        self._queues.setdefault(draft.channel_id, deque()).append(waiting)
        self._schedule_pump()
        return future

    def committed(self, entries: Sequence[Entry]) -> None:
        """These are durable: remember the tops, and tell the listeners."""
        for entry in entries:
            self._tops.remember_entry(entry)
        for listener in self._listeners:
            listener(entries)

    async def close(self) -> None:
        """Finish what was accepted; takes no longer than an append may."""
        self._closed = True
        self._pump()
        while self._flights:
            await asyncio.wait(tuple(self._flights))

    # Flights

    def _schedule_pump(self) -> None:
        # Not at once: what is submitted in the same turn of the loop goes together.
        if not self._pump_scheduled:
            self._pump_scheduled = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        """Start flights while there is something to take along and room."""
        self._pump_scheduled = False
        while len(self._flights) < MAX_FLIGHTS:
            load = self._load()
            if not load:
                return
            self._busy.update(load)
            flight = asyncio.get_running_loop().create_task(self._fly(load))
            self._flights.add(flight)
            flight.add_done_callback(self._landed)

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flights.discard(flight)
        self._pump()

    def _load(self) -> dict[str, deque[Waiting]]:
        """Drafts for one flight, out of the queues: messages of many channels, or of one that is contended, or one
        change of members.
        """
        load: dict[str, deque[Waiting]] = {}
        room = MAX_BATCH
        for channel_id in [channel_id for channel_id in self._queues if channel_id not in self._busy]:
            queue = self._queues[channel_id]
            alone = channel_id in self._contended or is_move(queue[0].draft)
            if alone and load:
                continue
            taken = deque([queue.popleft()])
            room -= 1
            while queue and room and not (is_move(taken[0].draft) or is_move(queue[0].draft)):
                taken.append(queue.popleft())
                room -= 1
            del self._queues[channel_id]
            if queue:
                # Behind the others: what is left of a busy channel must not keep them waiting.
                self._queues[channel_id] = queue
            load[channel_id] = taken
            if alone or not room:
                break
        return load

    async def _fly(self, load: dict[str, deque[Waiting]]) -> None:
        channels = list(load)
        try:
            if is_move(load[channels[0]][0].draft):
                await self._move(load)
            else:
                flight = Flight(self._mongo, self._tops, self.now_ms, self)
                collided = await flight.run(load)
                self._contended.difference_update(channels)
                self._contended |= collided
        except Exception as error:
            self._fail(load, error)
        finally:
            self._busy.difference_update(channels)
            for channel_id, left in load.items():
                if left:
                    self._put_back(channel_id, left)

    async def _move(self, load: dict[str, deque[Waiting]]) -> None:
        [queue] = load.values()
        entry, is_new = await move(self._mongo, queue[0].draft, self.now_ms)
        outcome = [(queue.popleft(), entry)]
        if is_new:
            self.settle(outcome)
        else:
            self.settle([], outcome)

    def _put_back(self, channel_id: str, left: deque[Waiting]) -> None:
        left.extend(self._queues.pop(channel_id, ()))
        self._queues[channel_id] = left

    # Outcomes

    def settle(
        self, written: Sequence[tuple[Waiting, Entry]], known: Sequence[tuple[Waiting, Entry]] = ()
    ) -> None:
        """These drafts have their entries: those that are new, and those that were sent before."""
        if written:
            self.committed([entry for _, entry in written])
        for waiting, entry in (*written, *known):
            self._forget(waiting)
            for future in waiting.futures:
                if not future.cancelled():
                    future.set_result(entry)

    def found(self, entries: Sequence[Entry]) -> None:
        """These are in a log behind what was known of it: written by inserts whose answer was lost, or by other nodes."""
        self.committed(entries)

    def refuse(self, refused: Iterable[Waiting], error: ChatError) -> None:
        """These never will."""
        for waiting in refused:
            self._forget(waiting)
            for future in waiting.futures:
                if not future.cancelled():
                    future.set_exception(error)

    def _fail(self, load: dict[str, deque[Waiting]], error: Exception) -> None:
        """What is left of the load fails. If the database is away, so does all that waits: it has waited long enough, and
        what is sent from now on tries anew.
        """
        if not isinstance(error, ChatError):
            logger.error("appending failed", exc_info=error)
            error = StoreUnavailable("the message could not be stored; try again later")
        for channel_id in load:
            # What of it was written, nobody knows.
            self._tops.doubt(channel_id)
        failed = [waiting for queue in load.values() for waiting in queue]
        load.clear()
        if isinstance(error, StoreUnavailable):
            failed += [waiting for queue in self._queues.values() for waiting in queue]
            self._queues.clear()
        self.refuse(failed, error)

    def _forget(self, waiting: Waiting) -> None:
        self._waiting -= 1
        draft = waiting.draft
        if draft.key:
            del self._keys[draft.channel_id, draft.sender_id, draft.key]
