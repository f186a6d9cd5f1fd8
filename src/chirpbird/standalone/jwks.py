"""The public keys that an identity provider publishes: fetched when they are needed, and kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from chirpbird.realtime import Clock
from chirpbird.standalone.keys import MIN_RSA_BITS, PublicKey, kind_of

__all__ = ["KeySet", "KeysUnavailable", "PublishedKey", "http_fetch"]

FRESH = 3600.0
"""Seconds until the set is fetched anew."""
USABLE = 86_400.0
"""Seconds that the last set is used while no other can be had."""
PAUSE = 10.0
"""Least seconds between two fetches: whoever makes key ids up cannot make us ask for each."""
MAX_SET = 1 << 20
"""Bytes."""
_TIMEOUT = 5.0

_logger = logging.getLogger("chirpbird.standalone")


class KeysUnavailable(Exception):
    """There is no key set to be had now. It may be there later."""


class PublishedKey(msgspec.Struct, frozen=True):
    """A key of the set, and the only algorithm that it is for, if it says so."""

    key: PublicKey
    algorithm: str = ""


class KeySet:
    """The keys at one endpoint, by their ids. ``fetch`` gives the set's JSON, and raises ``KeysUnavailable``."""

    def __init__(self, fetch: Callable[[], Awaitable[bytes]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, PublishedKey] = {}
        self._fetched = -USABLE
        self._tried = -PAUSE
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> PublishedKey | None:
        """None: there is no such key. Errors: KeysUnavailable."""
        if self._age() >= FRESH or key_id not in self._keys:
            await self._refresh()
        if self._age() >= USABLE:
            raise KeysUnavailable("the key set could not be fetched")
        return self._keys.get(key_id)

    def _age(self) -> float:
        return self._clock.monotonic() - self._fetched

    async def _refresh(self) -> None:
        """Fetch, unless that was tried just now; all who need it wait for the same fetch."""
        if self._fetching is None:
            if self._clock.monotonic() - self._tried < PAUSE:
                return
            self._tried = self._clock.monotonic()
            self._fetching = asyncio.get_running_loop().create_task(self._load())
        await asyncio.shield(self._fetching)

    async def _load(self) -> None:
        try:
            self._keys = _parse(await self._fetch())
            self._fetched = self._clock.monotonic()
        except KeysUnavailable as error:
            _logger.warning("the key set of the tokens: %s", error)
        finally:
            self._fetching = None


def http_fetch(endpoint: str) -> Callable[[], Awaitable[bytes]]:
    """A ``fetch`` for ``KeySet``."""

    async def fetch() -> bytes:
        content = b""
        try:
            async with (
                httpx.AsyncClient(timeout=_TIMEOUT) as client,
                client.stream("GET", endpoint, headers={"accept": "application/json"}) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise KeysUnavailable(f"the endpoint answered {response.status_code}, expected 200")
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_SET:
                        raise KeysUnavailable(f"the endpoint answered more than {MAX_SET} bytes")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise KeysUnavailable(f"the endpoint cannot be reached: {error!r}") from error
        return content

    return fetch


def _parse(content: bytes) -> dict[str, PublishedKey]:
    try:
        listed = msgspec.json.decode(content, type=dict[str, Any]).get("keys")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise KeysUnavailable(f"the endpoint's answer is no key set: {error}") from error
    if not isinstance(listed, list):
        raise KeysUnavailable("the endpoint's answer is no key set: it has no list of keys")
    keys = {}
    for entry in listed:
        key_id = entry.get("kid") if isinstance(entry, dict) else None
        if isinstance(key_id, str) and key_id and (key := _public_key(entry)) is not None:
            keys[key_id] = key
    return keys


def _public_key(entry: dict[str, Any]) -> PublishedKey | None:
    """None for keys of other kinds and uses: a set may hold any."""
    if entry.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(entry).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        _logger.info("the key set of the tokens: a key cannot be used: %s", error)
        return None
    if kind_of(key) is None or (isinstance(key, RSAPublicKey) and key.key_size < MIN_RSA_BITS):
        return None
    algorithm = entry.get("alg", "")
    return PublishedKey(key, algorithm if isinstance(algorithm, str) else "")
