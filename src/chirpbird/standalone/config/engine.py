"""Options of the bus and the stores behind it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from chirpbird.standalone.config.values import Duration, Off, Section

__all__ = ["EngineSection", "RedisOptions"]


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Sets = Annotated[list[str], BeforeValidator(_listed)]


class RedisOptions(Section):
    """Where Redis is: addresses; or of nodes of a cluster; or of sentinels, with the name of the master that they watch. Several
    entries of a list are independent of each other, and channels are spread over them; the nodes of one cluster, and the
    sentinels of one master, are one entry with commas."""

    address: _Sets = Field(default=["redis://127.0.0.1:6379"])
    cluster_address: _Sets = Field(default=[])
    sentinel_address: _Sets = Field(default=[])
    sentinel_master_name: str = ""
    sentinel_user: str = ""
    sentinel_password: str = ""
    prefix: Annotated[str, Field(min_length=1)] = "centrifugo"
    user: str = ""
    password: str = ""
    db: Annotated[int, Field(ge=0)] = 0
    connect_timeout: Duration = 1.0
    io_timeout: Duration = 4.0
    presence_ttl: Duration = 60.0
    history_use_lists: Off = False
    force_resp2: Off = False

    @model_validator(mode="after")
    def _one_way(self) -> RedisOptions:
        if self.sentinel_address and not self.sentinel_master_name:
            raise ValueError("sentinel_address needs sentinel_master_name")
        if self.sentinel_master_name and not self.sentinel_address:
            raise ValueError("sentinel_master_name needs sentinel_address")
        if self.sentinel_address and self.cluster_address:
            raise ValueError("sentinel_address and cluster_address are both given, expected one of them")
        if not (self.address or self.sentinel_address or self.cluster_address):
            raise ValueError("address is empty, expected one or more")
        return self


class EngineSection(Section):
    """``engine``"""

    type: Literal["memory", "redis"] = "memory"
    redis: RedisOptions = RedisOptions()
