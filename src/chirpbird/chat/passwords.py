"""Argon2id, off the event loop."""

from __future__ import annotations

import asyncio
import base64
import secrets

import argon2

__all__ = ["Argon2Hasher"]


class Argon2Hasher:
    """Hashes with OWASP's first choice of costs (19 MiB, 2 passes, 1 lane) unless told otherwise.

    At most ``at_once`` hashes are computed at the same time; the rest wait. That bounds the memory (at_once x
    19 MiB) and leaves cores to the event loop.
    """

    def __init__(self, *, memory_kib: int = 19_456, passes: int = 2, at_once: int = 2) -> None:
        self._hasher = argon2.PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._turns = asyncio.Semaphore(at_once)
        salt, digest = _base64(secrets.token_bytes(16)), _base64(secrets.token_bytes(32))
        self._decoy = f"$argon2id$v=19$m={memory_kib},t={passes},p=1${salt}${digest}"

    @property
    def decoy(self) -> str:
        return self._decoy

    async def hash(self, password: str) -> str:
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str, password: str) -> bool:
        async with self._turns:
            return await asyncio.to_thread(self._verify, password_hash, password)

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).rstrip(b"=").decode()
