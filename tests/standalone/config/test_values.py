"""Durations, paths, patterns and lists."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from chirpbird.standalone.config.values import Duration, Path, Pattern, Strings, WholeSeconds

duration = TypeAdapter(Duration).validate_python


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("300s", 300),
        ("1h30m", 5400),
        ("100ms", 0.1),
        ("1.5s", 1.5),
        (".5m", 30),
        ("0", 0),
        (0, 0),
        ("720h", 2_592_000),
    ],
)
def test_durations_are_those_of_go(written: object, seconds: float) -> None:
    assert duration(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "written", [300, True, False, None, "", "300", "s", "-1s", "1 s", "1d", "1s ", "9" * 60 + "h", []]
)
def test_what_is_no_duration_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        duration(written)


@given(st.text(max_size=100))
def test_any_text_is_a_duration_or_refused(written: str) -> None:
    with suppress(ValidationError):
        assert duration(written) >= 0


def test_whole_seconds() -> None:
    assert TypeAdapter(WholeSeconds).validate_python("2s") == 2
    with pytest.raises(ValidationError, match="expected whole seconds"):
        TypeAdapter(WholeSeconds).validate_python("1500ms")


def test_lists_may_be_written_with_commas() -> None:
    assert TypeAdapter(Strings).validate_python("a, b,,c") == ["a", "b", "c"]
    assert TypeAdapter(Strings).validate_python(["a"]) == ["a"]


@pytest.mark.parametrize("path", ["", "a", "/a/", "/ä"])
def test_paths_are_absolute(path: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Path).validate_python(path)


@pytest.mark.parametrize("pattern", ["(", "[[:alpha:]]", "a{99999999999999999999}", "\\p{L}"])
def test_patterns_that_mean_something_else_here_are_refused(pattern: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Pattern).validate_python(pattern)
