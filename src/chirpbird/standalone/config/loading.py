"""From a file to a ``Config``, or to all that is wrong with it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from chirpbird.standalone.config.elsewhere import is_centrifugo_option
from chirpbird.standalone.config.environment import UnknownVariables, overlay
from chirpbird.standalone.config.root import Config

__all__ = ["ConfigError", "load", "parse"]

MAX_FILE = 4 << 20
"""Bytes."""


class ConfigError(Exception):
    """The configuration cannot be used. ``problems`` are sentences, each with the path of its option."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))
        self.problems = tuple(problems)


def load(path: Path, environment: Mapping[str, str] | None = None) -> Config:
    """Read a file: JSON if its name ends with .json, YAML if it ends with .yaml or .yml. ``environment`` counts more: see
    ``environment.overlay``.

    Errors: ConfigError.
    """
    source = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except OSError as error:
        raise ConfigError(source, [f"cannot be read: {error.strerror}"]) from error
    if len(content) > MAX_FILE:
        raise ConfigError(source, [f"is larger than {MAX_FILE} bytes"])
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ConfigError(source, [f"ends with {path.suffix!r}, expected one of {', '.join(_READERS)}"])
    try:
        read = reader(content.decode("utf-8-sig"))
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise ConfigError(source, [f"is not {path.suffix[1:]}: {' '.join(str(error).split())}"]) from error
    try:
        read = overlay(read, environment or {})
    except UnknownVariables as unknown:
        raise ConfigError(
            "environment", [f"{name}: no option of this name" for name in unknown.names]
        ) from None
    return parse(read, source)


def parse(content: object, source: str = "configuration") -> Config:
    """Check what a file contained; nothing at all is the defaults. Errors: ConfigError."""
    try:
        return Config.model_validate({} if content is None else content)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        raise ConfigError(
            source, [_sentence(problem["type"], problem["loc"], problem["msg"]) for problem in problems]
        ) from None


def _sentence(kind: str, location: Sequence[int | str], message: str) -> str:
    path = _path(location)
    if kind == "extra_forbidden":
        if is_centrifugo_option(location):
            return f"{path}: an option of Centrifugo that this server does not have"
        return f"{path}: no option of this name{_guess(location)}"
    message = message.removeprefix("Value error, ")
    return f"{path}: {message[0].lower()}{message[1:]}" if path else message


def _path(location: Sequence[int | str]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(
        "."
    )


def _guess(location: Sequence[int | str]) -> str:
    """What was meant: an option of the same section, or the same name in another one."""
    unknown = str(location[-1])
    names = _names(_section(location[:-1]))
    close = difflib.get_close_matches(unknown, names, n=1, cutoff=0.7)
    if close:
        return f"; did you mean {_path([*location[:-1], close[0]])}?"
    homes = [path for path in _paths(Config) if path.rpartition(".")[2] == unknown]
    return f"; did you mean {homes[0]}?" if homes else ""


def _section(location: Iterable[int | str]) -> type[BaseModel] | None:
    section: type[BaseModel] | None = Config
    for part in location:
        if isinstance(part, int) or section is None:
            continue
        field = section.model_fields.get(part)
        section = None if field is None else _model(field.annotation)
    return section


def _names(section: type[BaseModel] | None) -> list[str]:
    return [] if section is None else list(section.model_fields)


def _model(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds, or a list of it."""
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _paths(section: type[BaseModel], prefix: str = "") -> Iterable[str]:
    for name, field in section.model_fields.items():
        inner = _model(field.annotation)
        if inner is None:
            yield prefix + name
        else:
            yield from _paths(inner, f"{prefix}{name}{'[]' if inner is not field.annotation else ''}.")


def _json(text: str) -> object:
    return json.loads(text, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The last of two equal names would win without a word."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is given more than once in one object")
    return found


class _Loader(yaml.SafeLoader):
    """YAML without anchors' surprises: an alias can make a small file huge, and a key that is there twice is a mistake."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise ValueError("aliases are not supported")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"{key!r} is given more than once{node.start_mark}")
        return super().construct_mapping(node, deep)


def _yaml(text: str) -> object:
    return yaml.load(text, Loader=_Loader)  # noqa: S506 it is a SafeLoader


_READERS = {".json": _json, ".yaml": _yaml, ".yml": _yaml}
