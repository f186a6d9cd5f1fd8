"""Deltas, applied by a decoder of other people: the one of the Python SDK."""

from __future__ import annotations

import json

import pytest
from centrifuge.fossil import apply_delta
from hypothesis import given
from hypothesis import strategies as st

from chirpbird.realtime import fossil

SAME = b"0123456789abcdef" * 8


@st.composite
def edited(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Something, and what became of it: parts cut, moved, repeated and written anew."""
    source = draw(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
    target = b""
    for _ in range(draw(st.integers(0, 6))):
        if draw(st.booleans()):
            start = draw(st.integers(0, len(source)))
            target += source[start : draw(st.integers(start, len(source)))]
        else:
            target += draw(st.binary(max_size=20))
    return source, target


def applied(source: bytes, target: bytes) -> bytes:
    delta = fossil.create(source, target)
    if delta is None:
        return target
    assert len(delta) < len(target)
    return patched(source, delta)


def patched(source: bytes, delta: bytes) -> bytes:
    result: bytes = apply_delta(source, delta)  # type: ignore[no-untyped-call]
    return result


@given(edited())
def test_a_delta_makes_the_target_of_the_source(pair: tuple[bytes, bytes]) -> None:
    source, target = pair
    assert applied(source, target) == target


@given(st.text(max_size=400), st.lists(st.tuples(st.integers(0, 400), st.text(max_size=4)), max_size=5))
def test_a_delta_of_texts_is_text(source: str, edits: list[tuple[int, str]]) -> None:
    target = source
    for start, text in edits:
        target = target[:start] + text + target[start + len(text) :]
    delta = fossil.create(source.encode(), target.encode())
    if delta is not None:
        assert json.loads(json.dumps(delta.decode())).encode() == delta
        assert patched(source.encode(), delta) == target.encode()


@pytest.mark.parametrize(
    ("source", "target", "size"),
    [
        (SAME, SAME, 15),
        (SAME, SAME[:60] + b"!" + SAME[60:], 24),
        (SAME + bytes(range(100)), bytes(range(100)) + SAME, 26),
        (b"<" + bytes(range(128)) + b">", b"{[" + bytes(range(128)) + b"]}", 26),
    ],
    ids=["same", "inserted", "moved", "framed"],
)
def test_what_is_alike_is_not_repeated(source: bytes, target: bytes, size: int) -> None:
    delta = fossil.create(source, target)
    assert delta is not None
    assert len(delta) <= size
    assert patched(source, delta) == target


@pytest.mark.parametrize(
    ("source", "target"), [(b"", b""), (b"", b"new"), (b"old", b""), (b"old", b"new"), (SAME, b"0123")]
)
def test_no_delta_when_it_is_no_shorter(source: bytes, target: bytes) -> None:
    assert fossil.create(source, target) is None


def test_large_differences_are_not_searched_through() -> None:
    source = b"".join(b"%08d" % number for number in range(10_000))
    target = source[40_000:] + source[:40_000]
    assert fossil.create(source, target) is None
    target = source[:39_000] + b"!" + source[39_001:]
    assert applied(source, target) == target


def test_known_delta() -> None:
    source = b'{"text":"a long enough beginning","n":1}'
    assert fossil.create(source, source.replace(b"1}", b"2}")) == b"d\nb@0,2:2}1fSyg2;"
