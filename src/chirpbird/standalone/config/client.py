"""Options of connections: who may come in, tokens, limits."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from chirpbird.realtime.transports.origins import Origins
from chirpbird.standalone.config.values import Duration, Pattern, Section, Strings, compiled
from chirpbird.standalone.endpoints import check_template
from chirpbird.standalone.keys import load_public_key

__all__ = ["ClientSection", "PersonalChannel", "SubscriptionTokenOptions", "TokenOptions"]

_CLAIM = re.compile(r"[a-zA-Z_]+")


def _claim(value: str) -> str:
    if value and not _CLAIM.fullmatch(value):
        raise ValueError(f"found {value!r}, expected letters and underscores")
    return value


def _endpoint(value: str) -> str:
    if not value:
        return value
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("found no http:// or https:// address")
    return value


def _origins(values: list[str]) -> list[str]:
    for value in values:
        scheme, _, rest = value.partition("://")
        is_origin = scheme in ("http", "https") and rest and "/" not in rest
        if not is_origin and not set(value) & set("*?{"):
            raise ValueError(f"found {value!r}, expected scheme://host[:port], a pattern of such, or * alone")
    Origins(values)
    return values


def _key_of(kind: str) -> AfterValidator:
    def check(value: str) -> str:
        if value:
            load_public_key(kind, value)
        return value

    return AfterValidator(check)


class TokenOptions(Section):
    """How tokens are verified. With ``jwks_public_endpoint`` the keys of that set count, and none of those given here."""

    hmac_secret_key: str = ""
    hmac_previous_secret_key: str = ""
    hmac_previous_secret_key_valid_until: Annotated[int, Field(ge=0)] = 0
    rsa_public_key: Annotated[str, _key_of("rsa")] = ""
    ecdsa_public_key: Annotated[str, _key_of("ecdsa")] = ""
    ed25519_public_key: Annotated[str, _key_of("ed25519")] = ""
    jwks_public_endpoint: Annotated[str, AfterValidator(_endpoint)] = ""
    audience: str = ""
    audience_regex: Pattern = ""
    issuer: str = ""
    issuer_regex: Pattern = ""
    user_id_claim: Annotated[str, AfterValidator(_claim)] = ""

    @model_validator(mode="after")
    def _go_together(self) -> TokenOptions:
        if self.audience and self.audience_regex:
            raise ValueError("audience and audience_regex are both given, expected one of them")
        if self.issuer and self.issuer_regex:
            raise ValueError("issuer and issuer_regex are both given, expected one of them")
        check_template(self.jwks_public_endpoint, compiled(self.issuer_regex), compiled(self.audience_regex))
        return self

    @property
    def has_keys(self) -> bool:
        """There are tokens that it would accept."""
        return any(
            (
                self.hmac_secret_key,
                self.rsa_public_key,
                self.ecdsa_public_key,
                self.ed25519_public_key,
                self.jwks_public_endpoint,
            )
        )


class SubscriptionTokenOptions(TokenOptions):
    """For subscription tokens, if they are not verified like connection tokens."""

    enabled: bool = False


class PersonalChannel(Section):
    """Everybody who is somebody is subscribed to a channel of their own by the server."""

    enabled: bool = False
    personal_channel_namespace: str = ""
    single_connection: bool = False


class ClientSection(Section):
    """``client``"""

    insecure: bool = False
    token: TokenOptions = TokenOptions()
    subscription_token: SubscriptionTokenOptions = SubscriptionTokenOptions()
    allowed_origins: Annotated[Strings, AfterValidator(_origins)] = Field(default=[])
    allow_anonymous_connect_without_token: bool = False
    disallow_anonymous_connection_tokens: bool = False
    subscribe_to_user_personal_channel: PersonalChannel = PersonalChannel()
    connect_include_server_time: bool = False
    user_connection_limit: Annotated[int, Field(ge=0)] = 0
    channel_limit: Annotated[int, Field(ge=1)] = 128
    queue_max_size: Annotated[int, Field(ge=1)] = 1_048_576
    concurrency: Annotated[int, Field(ge=0)] = 0
    ping_interval: Duration = 25.0
    pong_timeout: Duration = 8.0
    stale_close_delay: Duration = 10.0
    expired_close_delay: Duration = 25.0
    expired_sub_close_delay: Duration = 25.0
    presence_update_interval: Duration = 27.0
    channel_position_check_delay: Duration = 40.0
    history_max_publication_limit: Annotated[int, Field(ge=1)] = 300
    recovery_max_publication_limit: Annotated[int, Field(ge=1)] = 300

    @model_validator(mode="after")
    def _fit(self) -> ClientSection:
        if self.ping_interval and self.pong_timeout >= self.ping_interval:
            raise ValueError(
                f"pong_timeout is {self.pong_timeout:g}s, expected less than ping_interval, {self.ping_interval:g}s"
            )
        if self.expired_sub_close_delay != self.expired_close_delay:
            raise ValueError(
                "expired_sub_close_delay and expired_close_delay differ, expected the same: the server has one delay for both"
            )
        return self
