"""The options of the server in a box, and their defaults as an operator would write them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from chirpbird.standalone.config import ChannelNamespace, Config

__all__ = ["options"]

_UNITS = {3600: "h", 1: "s"}
_ALIKE = ("client.subscription_token.", "channel.namespaces[].")
"""Sections with the options of another one; only what they have besides is listed."""


def options() -> Iterator[tuple[str, str]]:
    """Path and default of each."""
    for path, default in _options(Config()):
        if not path.startswith(_ALIKE[0]) or path.endswith(".enabled"):
            yield path, default
        if path == "channel.publication_data_format":
            yield f"{_ALIKE[1]}name", "none"


def _options(section: BaseModel, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _options(value, f"{prefix}{name}.")
        elif field.annotation != list[ChannelNamespace]:
            yield prefix + name, _written(value)


def _written(value: Any) -> str:
    if isinstance(value, float):
        unit = next((size for size in _UNITS if value % size == 0), 1)
        return f"{value / unit:g}{_UNITS[unit]}" if value else "0"
    if value in ("", []):
        return "none"
    return value if isinstance(value, str) else json.dumps(value)
