"""One thread owns the writing connection and commits whatever is waiting in one transaction: group commit.

While one commit is being synced to disk the next group gathers, so the more there is to write, the larger the groups and the
fewer the syncs.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from chirpbird.chat.entities import Entry
from chirpbird.chat.errors import ChatError, StoreUnavailable
from chirpbird.chat.ports import CommitListener
from chirpbird.storage.sqlite.connections import store_error

__all__ = ["Operation", "Transaction", "Writer"]

MAX_GROUP = 2_000
"""Operations of one transaction: bounds how long the first one waits for the last."""
QUIET_SECONDS = 60.0
"""After a line in the log about a write that failed, until the next."""
MAX_WAITING = 20_000
"""Operations accepted and not yet durable; beyond it the store says that it is too busy."""

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Transaction:
    """What an operation works with: the connection, and the list of entries that listeners shall hear of."""

    __slots__ = ("connection", "entries", "execute")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.execute = connection.execute
        self.entries: list[Entry] = []


Operation = Callable[[Transaction], T]
"""Runs in the writer's thread. It either raises ChatError before it has written anything, or returns its result."""

_Waiting = tuple["asyncio.Future[Any]", Operation[Any]]
_Outcome = tuple["asyncio.Future[Any]", Any, BaseException | None]


class Writer:
    """Accepts operations on the event loop, runs them in order in its thread, and answers on the loop again."""

    def __init__(self, connection: sqlite3.Connection, *, on_rollback: Callable[[], None]) -> None:
        self._connection = connection
        self._on_rollback = on_rollback
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._waiting = 0
        self._closed = False
        self._failed = 0
        self._quiet_until = 0.0
        self._listeners: list[CommitListener] = []
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def add_listener(self, listener: CommitListener) -> None:
        """See ``Log.add_commit_listener``."""
        self._listeners.append(listener)

    def submit(self, operation: Operation[T]) -> asyncio.Future[T]:
        """Have ``operation`` run and committed. The future fails with ChatError: the operation's own, or StoreUnavailable."""
        future: asyncio.Future[T] = self._loop.create_future()
        if self._closed:
            future.set_exception(StoreUnavailable("the server is shutting down"))
        elif self._waiting >= MAX_WAITING:
            future.set_exception(
                StoreUnavailable(f"{self._waiting} writes are waiting already; try again later")
            )
        else:
            self._waiting += 1
            self._queue.put((future, operation))
        return future

    async def close(self) -> None:
        """Commit what was accepted, then end the thread and close the connection."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    # In the writer's thread

    def _run(self) -> None:
        ended = False
        while not ended:
            group: list[_Waiting] = []
            item = self._queue.get()
            while True:
                if item is None:
                    ended = True
                    break
                group.append(item)
                if len(group) == MAX_GROUP:
                    break
                try:
                    item = self._queue.get_nowait()
                except Empty:
                    break
            if group:
                entries, outcomes = self._commit(group)
                self._loop.call_soon_threadsafe(self._deliver, entries, outcomes)

    def _commit(self, group: Sequence[_Waiting]) -> tuple[list[Entry], list[_Outcome]]:
        """One transaction for all; if that fails, one for each, so that one bad operation harms no other."""
        try:
            return self._transaction(group)
        except Exception as error:
            self._roll_back()
            if len(group) == 1:
                return [], [(group[0][0], None, self._explain(error))]
        entries: list[Entry] = []
        outcomes: list[_Outcome] = []
        for one in group:
            more_entries, more_outcomes = self._commit([one])
            entries += more_entries
            outcomes += more_outcomes
        return entries, outcomes

    def _transaction(self, group: Sequence[_Waiting]) -> tuple[list[Entry], list[_Outcome]]:
        transaction = Transaction(self._connection)
        outcomes: list[_Outcome] = []
        self._connection.execute("BEGIN IMMEDIATE")
        for future, operation in group:
            try:
                outcomes.append((future, operation(transaction), None))
            except ChatError as error:
                outcomes.append((future, None, error))
        self._connection.execute("COMMIT")
        return transaction.entries, outcomes

    def _roll_back(self) -> None:
        self._on_rollback()
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error:
                # SQLite rolls back by itself after some failures; what matters is that no transaction stays open.
                logger.warning("rolling back failed", exc_info=True)

    def _explain(self, error: Exception) -> Exception:
        if not isinstance(error, sqlite3.Error):
            return error
        self._complain(error)
        explained = store_error(error)
        explained.__cause__ = error
        return explained

    def _complain(self, error: sqlite3.Error) -> None:
        """Not for each write: on a full disk there are many, and the log may be on it, too."""
        self._failed += 1
        now = time.monotonic()
        if now >= self._quiet_until:
            logger.error("a write failed: %s (%d since the last such line)", error, self._failed)
            self._failed, self._quiet_until = 0, now + QUIET_SECONDS

    # On the event loop

    def _deliver(self, entries: list[Entry], outcomes: list[_Outcome]) -> None:
        self._waiting -= len(outcomes)
        if entries:
            for listener in self._listeners:
                listener(entries)
        for future, result, error in outcomes:
            if future.cancelled():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
