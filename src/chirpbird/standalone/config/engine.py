"""Options of the bus and the stores behind it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from chirpbird.standalone.config.values import Duration, Off, Section, Strings

__all__ = ["EngineSection", "RedisOptions"]


class RedisOptions(Section):
    """Where Redis is. One of: an address; several nodes of a cluster; sentinels and the name of the master that they watch."""

    address: Strings = Field(default=["redis://127.0.0.1:6379"])
    cluster_address: Strings = Field(default=[])
    sentinel_address: Strings = Field(default=[])
    sentinel_master_name: str = ""
    sentinel_user: str = ""
    sentinel_password: str = ""
    prefix: Annotated[str, Field(min_length=1)] = "centrifugo"
    user: str = ""
    password: str = ""
    db: Annotated[int, Field(ge=0)] = 0
    client_name: str = ""
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
        if len(self.address) != 1 and not (self.sentinel_address or self.cluster_address):
            raise ValueError(
                f"address has {len(self.address)} entries, expected one: channels are not spread over several by the server"
            )
        return self


class EngineSection(Section):
    """``engine``"""

    type: Literal["memory", "redis"] = "memory"
    redis: RedisOptions = RedisOptions()
