"""The kinds of values that options have."""

from __future__ import annotations

import re
import warnings
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

__all__ = [
    "Duration",
    "Off",
    "Path",
    "Pattern",
    "Section",
    "Strings",
    "WholeSeconds",
    "compile_pattern",
    "compiled",
]

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_DURATION_LENGTH = 64
_LONGEST = 100 * 365 * 24 * 3600.0


class Section(BaseModel):
    """A group of options. What it does not name is an error."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


def _seconds(value: object) -> float:
    if value in (0, "0") and not isinstance(value, bool):
        return 0.0
    if not isinstance(value, str):
        raise ValueError(f"found {value!r}, expected a duration with its unit, such as 300s or 1h30m")  # noqa: TRY004 pydantic's way
    parts = list(_PART.finditer(value[:_DURATION_LENGTH]))
    if not parts or "".join(part[0] for part in parts) != value:
        raise ValueError(f"found {value[:_DURATION_LENGTH]!r}, expected a duration such as 300s or 1h30m")
    seconds = sum(float(part[1]) * _UNITS[part[2]] for part in parts)
    if seconds > _LONGEST:
        raise ValueError(f"found {value!r}, expected at most a hundred years")
    return seconds


def _whole(seconds: float) -> float:
    if seconds != int(seconds):
        raise ValueError(f"found {seconds:g}s, expected whole seconds")
    return seconds


def _off(value: bool) -> bool:
    if value:
        raise ValueError("found true, but this server has no such thing; leave it out or false")
    return value


def _split(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _path(value: str) -> str:
    if not value.startswith("/") or (value != "/" and value.endswith("/")) or not value.isascii():
        raise ValueError(f"found {value!r}, expected a path that begins with / and does not end with one")
    return value


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Errors: ValueError for what is no pattern, or means another thing in Python than in Go."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(pattern)
    except (re.error, Warning, RecursionError, OverflowError) as error:
        raise ValueError(f"found {pattern!r}, expected a regular expression of Python: {error}") from None


def compiled(pattern: str) -> re.Pattern[str] | None:
    """None for an empty one. Errors: as of ``compile_pattern``."""
    return compile_pattern(pattern) if pattern else None


def _pattern(value: str) -> str:
    if value:
        compile_pattern(value)
    return value


Duration = Annotated[float, BeforeValidator(_seconds), Field(json_schema_extra={"unit": "s"})]
"""Seconds; written as ``300s``, ``1h30m``, ``100ms``."""
WholeSeconds = Annotated[Duration, AfterValidator(_whole)]
Off = Annotated[bool, AfterValidator(_off)]
"""Can only be false: what it would switch on does not exist."""
Strings = Annotated[list[str], BeforeValidator(_split)]
"""A list, or one string with commas."""
Path = Annotated[str, AfterValidator(_path)]
Pattern = Annotated[str, AfterValidator(_pattern)]
"""A regular expression, or nothing."""
