"""What an operator can set: by option of ``serve``, by environment variable (``CHIRPBIRD_`` and the name in capitals), or in a
file. The first of these that says something wins.
"""

from __future__ import annotations

import difflib
import json
import os
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import StrEnum
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

__all__ = [
    "LogFormat",
    "LogLevel",
    "Settings",
    "SettingsError",
    "explain",
    "nearest",
    "signing_secret",
    "unknown_variables",
]

PREFIX = "CHIRPBIRD_"
SIGNING_FILE = "secret.key"
MIN_SECRET_BYTES = 32
OTHER_VARIABLES = frozenset({"CHIRPBIRD_CONFIG", "CHIRPBIRD_MONGOD"})
"""Not settings of the server: where its settings are, and where tests and the lab find their programs."""
OTHER_PREFIX = "CHIRPBIRD_REALTIME_"
"""Of the engine's standalone server."""


class SettingsError(Exception):
    """A setting that cannot work. ``str(error)`` says which one, what was found, and what is expected."""


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log lines look."""

    TEXT = "text"
    """For people."""
    JSON = "json"
    """One JSON object a line, for log collectors."""


def _check_host(host: str) -> str:
    if host != "localhost":
        try:
            ip_address(host)
        except ValueError:
            raise ValueError(
                f"found {host!r}, expected an IP address of this machine, or localhost"
            ) from None
    return host


def _check_origin(origin: str) -> str:
    if not origin.startswith(("http://", "https://")) or "/" in origin.split("://", 1)[1]:
        raise ValueError(f"found {origin!r}, expected scheme://host[:port] with nothing behind it")
    return origin.lower()


def _read_list(value: object) -> object:
    """A list in a variable: JSON, or simply with commas between."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError(f"found {value!r}, expected a list as JSON, or with commas between") from None
    return [part.strip() for part in value.split(",") if part.strip()]


def _check_proxies(addresses: str) -> str:
    for address in filter(None, (part.strip() for part in addresses.split(","))):
        if address != "*":
            try:
                ip_network(address, strict=False)
            except ValueError:
                raise ValueError(
                    f"found {address!r}, expected IP addresses or networks with commas between, or *"
                ) from None
    return addresses


class Settings(BaseSettings):
    """All settings of ``chirpbird serve``, each with its default."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, allow_inf_nan=False)

    host: Annotated[str, AfterValidator(_check_host)] = "127.0.0.1"
    """Address to listen on. 0.0.0.0 or :: listens on all of the machine's addresses."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port for HTTP and WebSocket alike. 0: any free one."""
    data: Path = Path("data")
    """Directory of the database and the signing secret. Made if it does not exist."""
    mongodb_uri: SecretStr | None = None
    """The replica set that all nodes of a cluster keep everything in. None: one server alone, with its data directory."""
    secret: SecretStr | None = None
    """Signs access tokens; at least 32 bytes, the same on all nodes. None (without MongoDB only): made once and kept in
    the data directory."""
    redis_url: SecretStr | None = None
    """Redis that joins several nodes; see docs/realtime.md for what it may look like. None: this node is the only one."""
    redis_prefix: str = "chirpbird"
    """What everything in Redis begins with. Two systems on one Redis need two."""
    allowed_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_check_origin)], ...], NoDecode, BeforeValidator(_read_list)
    ] = ()
    """Origins of other sites' pages that may connect and call the API; pages that this server itself gave out always may."""
    forwarded_allow_ips: Annotated[str, AfterValidator(_check_proxies)] = ""
    """Addresses of reverse proxies whose X-Forwarded-For and -Proto are believed, with commas between. Empty: nobody's."""
    access_token_seconds: int = Field(default=600, ge=1, le=86_400)
    """How long an access token lasts. Pages fetch the next one by themselves."""
    refresh_token_days: int = Field(default=30, ge=1, le=3650)
    """How long a device stays signed in that does not come back."""
    sends_burst: int = Field(default=20, ge=1)
    """Messages that a person may send at once."""
    sends_per_second: float = Field(default=5.0, gt=0)
    """Messages a second that a person may send for long."""
    sign_ins_per_name: int = Field(default=10, ge=1)
    """Sign-in attempts per username in five minutes."""
    sign_ins_per_address: int = Field(default=30, ge=1)
    """Sign-in and registration attempts per network address in five minutes."""
    refreshes_per_address: int = Field(default=1000, ge=1)
    """Requests for new access tokens per network address in five minutes."""
    channels_per_client: int = Field(default=1024, ge=1)
    """Channels that one connection may be subscribed to."""
    head_seconds: float = Field(default=10.0, gt=0, le=3600)
    """Within how long the head of an HTTP request has to arrive."""
    body_seconds: float = Field(default=30.0, gt=0, le=3600)
    """Within how long the body of an HTTP request has to arrive."""
    drain_seconds: float = Field(default=2.0, ge=0, le=600)
    """Over how long a stopping server spreads the goodbyes to its clients."""
    stall_seconds: float = Field(default=2.0, gt=0, le=60)
    """How long the event loop may stand still before the server says that it is not ready."""
    log_level: LogLevel = LogLevel.INFO
    """How much is logged."""
    log_format: LogFormat = LogFormat.TEXT
    """How log lines look."""

    def mongodb_address(self) -> str | None:
        """``mongodb_uri`` in clear."""
        return None if self.mongodb_uri is None else self.mongodb_uri.get_secret_value()


def explain(error: ValidationError) -> Sequence[str]:
    """What is wrong with the settings, a sentence each: which one, what was found, what is expected. Secrets are not shown."""
    sentences = []
    for problem in error.errors(include_url=False, include_context=False):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        words = problem["msg"].removeprefix("Value error, ")
        if problem["type"] != "value_error":
            field = Settings.model_fields.get(name)
            shown = field is not None and "SecretStr" not in repr(field.annotation)
            words = words[:1].lower() + words[1:]
            words = f"found {str(problem['input'])!r}, {words}" if shown else words
        sentences.append(f"setting {name} ({PREFIX}{name.upper()}): {words}")
    return sentences


def unknown_variables(names: Iterable[str]) -> Sequence[str]:
    """Of environment variables with our prefix, those that set nothing, a sentence each: a misspelt one would go unnoticed."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    sentences = []
    for name in sorted(names):
        if not name.startswith(PREFIX) or name.startswith(OTHER_PREFIX) or name in known | OTHER_VARIABLES:
            continue
        meant = nearest(name.removeprefix(PREFIX))
        hint = f"; did you mean {PREFIX}{meant.upper()}?" if meant else ""
        sentences.append(f"{name} is no setting and changes nothing{hint}")
    return sentences


def nearest(name: str) -> str | None:
    """The setting that somebody may have meant who wrote this name."""
    near = difflib.get_close_matches(name.lower(), Settings.model_fields, n=1, cutoff=0.7)
    return near[0] if near else None


def signing_secret(settings: Settings) -> bytes:
    """The secret that signs access tokens: the setting, or the one kept in the data directory (made at the first start).

    With MongoDB it must be set: a secret of each node's own would sign people in on one node only, and one kept in the
    database would let whoever reads a backup sign in as anybody.
    The data directory must exist. Errors: SettingsError when the setting or the file is missing, too short or unreadable.
    """
    if settings.secret is not None:
        secret = settings.secret.get_secret_value().encode()
        if len(secret) < MIN_SECRET_BYTES:
            raise SettingsError(
                f"{PREFIX}SECRET is {len(secret)} bytes long, at least {MIN_SECRET_BYTES} are expected; "
                "make one with: openssl rand -hex 32"
            )
        return secret
    if settings.mongodb_uri is not None:
        raise SettingsError(
            "CHIRPBIRD_SECRET is not set; with CHIRPBIRD_MONGODB_URI it must be, to the same 32 bytes or more on every node: "
            "make one with: openssl rand -hex 32"
        )
    path = settings.data / SIGNING_FILE
    try:
        _create_secret(path)
        secret = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"cannot read or write {path}: {error.strerror}") from error
    if len(secret) < MIN_SECRET_BYTES:
        raise SettingsError(
            f"{path} holds {len(secret)} bytes, at least {MIN_SECRET_BYTES} are expected; "
            "delete it to have a new one made (everybody stays signed in)"
        )
    return secret


def _create_secret(path: Path) -> None:
    if path.exists():
        return
    # Written aside and linked, so that a crash or a second process never leaves half a secret under the name.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        try:
            os.write(descriptor, secrets.token_bytes(MIN_SECRET_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
