"""Options from environment variables: for secrets, which should not stand in files, and for containers."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from chirpbird.standalone.config.root import Config

__all__ = ["PREFIX", "UnknownVariables", "overlay"]

PREFIX = "CHIRPBIRD_REALTIME_"
_READ_AS_JSON = (bool, int, list)
"""Options of these types are read as JSON; all others are the text itself."""


class UnknownVariables(Exception):
    """Variables with our prefix that mean no option: their names."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


def overlay(content: object, environment: Mapping[str, str]) -> object:
    """What a file contained, with the options that the environment sets instead.

    A variable's name is ``CHIRPBIRD_REALTIME_`` and the option's path in capitals, with underscores. Namespaces are one variable
    with JSON, ``…_CHANNEL_NAMESPACES``. Errors: UnknownVariables.
    """
    given = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    if not given or not (content is None or isinstance(content, dict)):
        return content
    options = {PREFIX + "_".join(path).upper(): (path, kind) for path, kind in _options(Config)}
    unknown = sorted(given.keys() - options.keys())
    if unknown:
        raise UnknownVariables(unknown)
    changed: dict[str, Any] = dict(content or {})
    for name, value in given.items():
        path, kind = options[name]
        _set(changed, path, _read(value, kind))
    return changed


def _options(section: type[BaseModel], prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _options(field.annotation, (*prefix, name))
        else:
            yield (*prefix, name), field.annotation


def _read(value: str, kind: Any) -> object:
    """Values that are no JSON are left for the option itself to refuse, or to take as a list with commas."""
    if (kind.__origin__ if isinstance(kind, types.GenericAlias) else kind) not in _READ_AS_JSON:
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _set(content: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    """What is above it is copied, and not changed; what is no mapping there is a mistake that will be found."""
    for name in path[:-1]:
        inner = content.get(name)
        if inner is not None and not isinstance(inner, dict):
            return
        copy = dict(inner or {})
        content[name] = copy
        content = copy
    content[path[-1]] = value
