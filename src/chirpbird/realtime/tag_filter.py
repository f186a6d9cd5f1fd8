"""Filters that clients put before a channel: only publications whose tags match are sent to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from weakref import WeakValueDictionary

import msgspec

from chirpbird.realtime.protocol.messages import FilterNode

__all__ = ["FilterError", "TagFilter", "TagFilters", "check_filter"]

_NODES_LIMIT = 64
_DEPTH_LIMIT = 8
_VALUES_LIMIT = 256
"""In all ``vals`` of a filter together: every publication is held against each of them."""
_NUMBER_LENGTH = 64
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_NO_TAGS: Mapping[str, str] = {}

Tags = Mapping[str, str]
Matcher = Callable[[Tags], bool]

_TEXTS: Mapping[str, Callable[[str, str], bool]] = {
    "eq": str.__eq__,
    "sw": str.startswith,
    "ew": str.endswith,
    "ct": str.__contains__,
}
_NUMBERS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "gt": Decimal.__gt__,
    "gte": Decimal.__ge__,
    "lt": Decimal.__lt__,
    "lte": Decimal.__le__,
}


class FilterError(ValueError):
    """The filter makes no sense, or is too large."""


class TagFilter:
    """Lets through what all ``nodes`` match, for all subscribers with the same. Compared by identity; see ``TagFilters``."""

    __slots__ = ("__weakref__", "_matches")

    def __init__(self, *nodes: FilterNode) -> None:
        """Each node may be as large as the limits allow. Errors: FilterError."""
        parts = [_Compiler().compile(node, 1) for node in nodes]
        self._matches = parts[0] if len(parts) == 1 else _all(parts)

    def matches(self, tags: Tags | None) -> bool:
        return self._matches(_NO_TAGS if tags is None else tags)


class TagFilters:
    """The filters in use on a node: equal ones are one and the same."""

    def __init__(self) -> None:
        self._filters: WeakValueDictionary[bytes, TagFilter] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._filters)

    def get(self, *nodes: FilterNode) -> TagFilter:
        """Errors: FilterError."""
        key = msgspec.json.encode(nodes)
        found = self._filters.get(key)
        if found is None:
            found = self._filters[key] = TagFilter(*nodes)
        return found


def check_filter(node: FilterNode) -> None:
    """Errors: FilterError."""
    _Compiler().compile(node, 1)


class _Compiler:
    """From a tree to one function, within limits."""

    def __init__(self) -> None:
        self._nodes = 0
        self._values = 0

    def compile(self, node: FilterNode, depth: int) -> Matcher:
        self._nodes += 1
        if depth > _DEPTH_LIMIT:
            raise FilterError(f"filter is more than {_DEPTH_LIMIT} deep")
        if self._nodes > _NODES_LIMIT:
            raise FilterError(f"filter has more than {_NODES_LIMIT} nodes")
        if not node.op:
            return self._leaf(node)
        parts = [self.compile(child, depth + 1) for child in node.nodes[: _NODES_LIMIT + 1]]
        if node.op in ("and", "or"):
            if not parts:
                raise FilterError(f"{node.op!r} has no nodes, expected at least one")
            return _all(parts) if node.op == "and" else _any(parts)
        if node.op == "not":
            if len(parts) != 1:
                raise FilterError(f"'not' has {len(parts)} nodes, expected one")
            return _not(parts[0])
        raise FilterError(f"op is {node.op!r}, expected '', 'and', 'or' or 'not'")

    def _leaf(self, node: FilterNode) -> Matcher:
        key, comparison = node.key, node.cmp
        if comparison in ("ex", "nex"):
            _expect(node, val=False, vals=False)
            return _exists(key) if comparison == "ex" else _not(_exists(key))
        if not key:
            raise FilterError("a comparison has no key")
        if comparison in ("in", "nin"):
            _expect(node, val=False, vals=True)
            self._values += len(node.vals)
            if self._values > _VALUES_LIMIT:
                raise FilterError(f"filter has more than {_VALUES_LIMIT} values")
            among = _among(key, frozenset(node.vals))
            return among if comparison == "in" else _not(among)
        if comparison == "neq":
            _expect(node, val=True, vals=False)
            return _not(_text(key, node.val, str.__eq__))
        if comparison in _TEXTS:
            _expect(node, val=True, vals=False)
            return _text(key, node.val, _TEXTS[comparison])
        if comparison in _NUMBERS:
            _expect(node, val=True, vals=False)
            return _number(key, node.val, _NUMBERS[comparison])
        raise FilterError(f"cmp is {comparison!r}, which is no comparison")


def _expect(node: FilterNode, *, val: bool, vals: bool) -> None:
    for name, given, wanted in (("val", node.val, val), ("vals", node.vals, vals)):
        if bool(given) is not wanted:
            raise FilterError(f"{node.cmp!r} {'needs' if wanted else 'takes no'} {name}")


def _all(parts: list[Matcher]) -> Matcher:
    return lambda tags: all(part(tags) for part in parts)


def _any(parts: list[Matcher]) -> Matcher:
    return lambda tags: any(part(tags) for part in parts)


def _not(part: Matcher) -> Matcher:
    return lambda tags: not part(tags)


def _exists(key: str) -> Matcher:
    return lambda tags: key in tags


def _among(key: str, values: frozenset[str]) -> Matcher:
    """A tag that is not there counts as empty."""
    return lambda tags: tags.get(key, "") in values


def _text(key: str, value: str, compare: Callable[[str, str], bool]) -> Matcher:
    def matches(tags: Tags) -> bool:
        tag = tags.get(key)
        return tag is not None and compare(tag, value)

    return matches


def _number(key: str, value: str, compare: Callable[[Decimal, Decimal], bool]) -> Matcher:
    """What is no decimal number, on either side, does not match."""
    limit = _decimal(value)

    def matches(tags: Tags) -> bool:
        tag = tags.get(key)
        number = None if tag is None or limit is None else _decimal(tag)
        return number is not None and limit is not None and compare(number, limit)

    return matches


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if len(text) <= _NUMBER_LENGTH and _NUMBER.fullmatch(text) else None
