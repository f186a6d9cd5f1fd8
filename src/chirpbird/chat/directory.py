"""A bounded memory of records by id: entries are rendered without asking the store for names each time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Generic, Protocol, TypeVar

__all__ = ["Directory"]


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)


class Directory(Generic[T]):
    """The records used last, at most ``capacity`` of them, filled by ``load`` (ids in, those that exist out).

    Only for fields that do not change without ``forget`` being called.
    """

    def __init__(self, load: Callable[[list[str]], Awaitable[Mapping[str, T]]], *, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity is {capacity}, at least 1 is expected")
        self._load = load
        self._capacity = capacity
        self._records: dict[str, T] = {}
        self._forgotten = 0
        """Counts ``forget`` calls: what was loaded across one of them may be old and is not kept."""

    def __len__(self) -> int:
        return len(self._records)

    def peek(self, record_id: str) -> T | None:
        """The record if it is at hand. Never waits."""
        records = self._records
        record = records.pop(record_id, None)
        if record is not None:
            records[record_id] = record
        return record

    def known(self, ids: Iterable[str]) -> list[T] | None:
        """The records of ``ids`` in their order if all are at hand, else None. Never waits."""
        found = []
        for record_id in ids:
            record = self.peek(record_id)
            if record is None:
                return None
            found.append(record)
        return found

    async def get(self, record_id: str) -> T | None:
        """The record, or None if there is none. Errors: StoreUnavailable."""
        record = self.peek(record_id)
        if record is not None:
            return record
        return (await self.get_many((record_id,))).get(record_id)

    async def get_many(self, ids: Iterable[str]) -> dict[str, T]:
        """Those of ``ids`` that exist. Errors: StoreUnavailable."""
        found: dict[str, T] = {}
        missing: list[str] = []
        for record_id in dict.fromkeys(ids):
            record = self.peek(record_id)
            if record is None:
                missing.append(record_id)
            else:
                found[record_id] = record
        if missing:
            before = self._forgotten
            loaded = await self._load(missing)
            if before == self._forgotten:
                for record in loaded.values():
                    self.remember(record)
            found.update(loaded)
        return found

    def remember(self, record: T) -> None:
        """Have this record at hand from now on."""
        records = self._records
        records.pop(record.id, None)
        while len(records) >= self._capacity:
            del records[next(iter(records))]
        records[record.id] = record

    def forget(self, record_id: str) -> None:
        """The record changed, or is gone."""
        self._forgotten += 1
        self._records.pop(record_id, None)
