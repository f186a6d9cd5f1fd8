"""Deltas in the format of Fossil: how to make the new bytes from the old ones.

A delta is the size of the target, a line break, commands, and a checksum of the target: ``10\\n4@0,2:abIHGFE;``. A command
copies from the source (``count@offset,``) or inserts what follows it (``count:bytes``). Numbers are in Fossil's own base 64.

Whatever is text stays text: no command cuts a UTF-8 character in two, so that deltas of texts can travel in JSON strings.
"""

from __future__ import annotations

import struct

__all__ = ["create"]

_DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
_BLOCK = 16
"""Bytes that have to be alike before a copy is thought of."""
_SEARCH_LIMIT = 16_384
"""Bytes of source and of target, after what they have in common at both ends, up to which moved parts are searched for: the
search looks at every byte, and the event loop waits for it."""


def create(source: bytes, target: bytes) -> bytes | None:
    """The delta from ``source`` to ``target``, or None when it would not be shorter than the target itself."""
    parts = [_number(len(target)), b"\n"]
    done = 0
    for start, size, origin in _copies(source, target):
        if start > done:
            parts += (_number(start - done), b":", target[done:start])
        parts += (_number(size), b"@", _number(origin), b",")
        done = start + size
    if done < len(target):
        parts += (_number(len(target) - done), b":", target[done:])
    parts += (_number(_checksum(target)), b";")
    delta = b"".join(parts)
    return delta if len(delta) < len(target) else None


def _copies(source: bytes, target: bytes) -> list[tuple[int, int, int]]:
    """What can be copied: start in the target, size, start in the source; in order."""
    most = min(len(source), len(target))
    head = _common_prefix(source, target, 0, 0, most)
    tail = _common_suffix(source, target, most - head)
    end = len(target) - tail
    found = [(0, head, 0)]
    if max(len(source) - tail - head, end - head) <= _SEARCH_LIMIT:
        found += _moved(source, target, head, end)
    found.append((end, tail, len(source) - tail))
    return [copy for copy in (_whole_characters(target, *copy) for copy in found) if copy is not None]


def _moved(source: bytes, target: bytes, start: int, end: int) -> list[tuple[int, int, int]]:
    """Copies within ``target[start:end]``, each the first one that is found to be long enough."""
    if end - start < _BLOCK:
        return []
    blocks: dict[bytes, int] = {}
    for offset in range(0, len(source) - _BLOCK + 1, _BLOCK):
        blocks.setdefault(source[offset : offset + _BLOCK], offset)
    copies = []
    at = start
    while at <= end - _BLOCK:
        origin = blocks.get(target[at : at + _BLOCK])
        if origin is None:
            at += 1
            continue
        size = _common_prefix(source, target, origin, at, min(len(source) - origin, end - at))
        while at > start and origin > 0 and target[at - 1] == source[origin - 1]:
            at -= 1
            origin -= 1
            size += 1
        copies.append((at, size, origin))
        start = at = at + size
    return copies


def _common_prefix(source: bytes, target: bytes, origin: int, start: int, most: int) -> int:
    """How many bytes from there on are alike, at most ``most``. Doubles and halves, because comparing slices is quick."""
    size, step = 0, 32
    while size < most:
        step = min(step, most - size)
        if source[origin + size : origin + size + step] == target[start + size : start + size + step]:
            size += step
            step *= 2
        elif step == 1:
            break
        else:
            step //= 2
            most = min(most, size + 2 * step)
    return size


def _common_suffix(source: bytes, target: bytes, most: int) -> int:
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if source[len(source) - middle :] == target[len(target) - middle :]:
            low = middle
        else:
            high = middle - 1
    return low


def _whole_characters(target: bytes, start: int, size: int, origin: int) -> tuple[int, int, int] | None:
    """The copy without the characters that it has only a part of; None when it is not worth its command any more."""
    end = start + size
    if end < len(target):
        for _ in range(3):
            if end > start and target[end] & 0xC0 == 0x80:
                end -= 1
    for _ in range(3):
        if start < end and target[start] & 0xC0 == 0x80:
            start += 1
            origin += 1
    size = end - start
    cost = len(_number(size)) + len(_number(origin)) + 2
    return (start, size, origin) if size > cost else None


def _number(value: int) -> bytes:
    digits = bytearray()
    while True:
        digits.append(_DIGITS[value & 63])
        value >>= 6
        if not value:
            break
    digits.reverse()
    return bytes(digits)


def _checksum(data: bytes) -> int:
    """The sum of the bytes as big-endian words of 32 bits, padded with zeros."""
    padded = data + bytes(-len(data) % 4)
    words: tuple[int, ...] = struct.unpack(f">{len(padded) // 4}I", padded)
    return sum(words) & 0xFFFFFFFF
