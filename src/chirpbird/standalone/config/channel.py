"""Options of channels and their namespaces."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from chirpbird.standalone.config.values import Pattern, Section, WholeSeconds

__all__ = ["ChannelNamespace", "ChannelOptions", "ChannelSection"]

_NAME = re.compile(r"[-a-zA-Z0-9_.]{2,}")
_DAY = 24 * 3600.0


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"found {value!r}, expected two or more letters, digits, dashes, underscores or points"
        )
    return value


class ChannelOptions(Section):
    """What a channel does, and what clients may do in it."""

    presence: bool = False
    join_leave: bool = False
    force_push_join_leave: bool = False
    history_size: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    history_ttl: WholeSeconds = 0.0
    history_meta_ttl: WholeSeconds = 0.0
    force_positioning: bool = False
    allow_positioning: bool = False
    force_recovery: bool = False
    allow_recovery: bool = False
    force_recovery_mode: Literal["", "stream", "cache"] = ""
    auto_cache_recover: bool = False
    allowed_delta_types: list[Literal["fossil"]] = Field(default=[])
    delta_publish: bool = False
    allow_tags_filter: bool = False
    allow_subscribe_for_client: bool = False
    allow_subscribe_for_anonymous: bool = False
    allow_publish_for_client: bool = False
    allow_publish_for_subscriber: bool = False
    allow_publish_for_anonymous: bool = False
    allow_presence_for_client: bool = False
    allow_presence_for_subscriber: bool = False
    allow_presence_for_anonymous: bool = False
    allow_history_for_client: bool = False
    allow_history_for_subscriber: bool = False
    allow_history_for_anonymous: bool = False
    allow_user_limited_channels: bool = False
    channel_regex: Pattern = ""
    publication_data_format: Literal["", "json", "json_object", "binary"] = ""
    subscription_type: Literal["", "stream"] = ""

    @property
    def keeps_history(self) -> bool:
        return self.history_size > 0 and self.history_ttl > 0

    @model_validator(mode="after")
    def _go_together(self) -> ChannelOptions:
        if (self.history_size > 0) is not (self.history_ttl > 0):
            raise ValueError(
                f"history_size is {self.history_size} and history_ttl {self.history_ttl:g}s, expected both or none"
            )
        if self.force_recovery and not self.keeps_history:
            raise ValueError("force_recovery needs history_size and history_ttl")
        if self.auto_cache_recover and not (self.force_recovery and self.force_recovery_mode == "cache"):
            raise ValueError('auto_cache_recover needs force_recovery, and force_recovery_mode "cache"')
        return self


class ChannelNamespace(ChannelOptions):
    """Options of all channels whose names begin with its name and the boundary."""

    name: Annotated[str, AfterValidator(_name)]


class ChannelSection(Section):
    """``channel``"""

    without_namespace: ChannelOptions = ChannelOptions()
    namespaces: list[ChannelNamespace] = Field(default=[])
    history_meta_ttl: WholeSeconds = 30 * _DAY
    publication_data_format: Literal["", "json", "json_object", "binary"] = ""
    max_length: Annotated[int, Field(ge=1, le=65_536)] = 255
    private_prefix: str = "$"
    namespace_boundary: str = ":"
    user_boundary: str = "#"
    user_separator: str = ","

    @model_validator(mode="after")
    def _fit(self) -> ChannelSection:
        names = [namespace.name for namespace in self.namespaces]
        problems = [
            f"there are {names.count(name)} namespaces with the name {name!r}, expected one"
            for name in sorted({name for name in names if names.count(name) > 1})
        ]
        problems += (
            f"{where}: history_ttl is {options.history_ttl:g}s, expected no more than history_meta_ttl"
            for where, options in self._all()
            if options.history_ttl > (options.history_meta_ttl or self.history_meta_ttl)
        )
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _all(self) -> Iterable[tuple[str, ChannelOptions]]:
        yield "without_namespace", self.without_namespace
        for namespace in self.namespaces:
            yield f"namespace {namespace.name}", namespace
