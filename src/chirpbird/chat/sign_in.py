"""Staying signed in: rotating refresh tokens, one family per device (RFC 9700, 4.14)."""

from __future__ import annotations

import hashlib
import secrets

import msgspec

from chirpbird.chat.clock import Clock
from chirpbird.chat.entities import RefreshToken, User
from chirpbird.chat.errors import NotSignedIn, StoreFull
from chirpbird.chat.identifiers import new_id
from chirpbird.chat.people import People
from chirpbird.chat.ports import SignIns
from chirpbird.chat.throttle import Throttle
from chirpbird.chat.tokens import AccessTokens

__all__ = ["DeviceSignIns", "SignedIn"]

_MAX_TOKEN = 128


class SignedIn(msgspec.Struct, frozen=True):
    """What a device gets for signing in, and again at each refresh."""

    user: User
    access_token: str
    expires_in: int
    """Seconds that the access token is good for."""
    refresh_token: str
    refresh_expires_in: int
    """Seconds that the refresh token is good for."""


class DeviceSignIns:
    """Starts, continues and ends sign-ins."""

    def __init__(
        self,
        store: SignIns,
        tokens: AccessTokens,
        people: People,
        clock: Clock,
        *,
        lifetime: int,
        grace: int,
        throttle: Throttle,
    ) -> None:
        """``lifetime`` of a refresh token and ``grace`` after its use, both in seconds. ``throttle``: of refreshes, by network
        address; each of them writes to the store, whoever asks.
        """
        self._throttle = throttle
        self._store = store
        self._tokens = tokens
        self._people = people
        self._clock = clock
        self._lifetime = lifetime
        self._grace = grace

    async def start(self, user: User) -> SignedIn:
        """A new device of somebody who just proved who they are. Errors: StoreUnavailable."""
        raw, token = self._new(family=new_id(self._clock.now_ms()), user_id=user.id)
        await self._store.add(token)
        return self._signed_in(user, raw, token)

    async def refresh(self, raw: str, *, address: str = "") -> SignedIn:
        """Swap a refresh token for new tokens. A stolen one (used again later) ends the sign-in for everybody
        who has it. ``address`` is where the request comes from.

        On a full disk the refresh token stays as it is, so that readers need not go when their access tokens run out.

        Errors: NotSignedIn, TooMany, StoreUnavailable.
        """
        self._throttle.check(address)
        if not raw or len(raw) > _MAX_TOKEN:
            raise NotSignedIn("a refresh token is expected")
        replacement_raw, replacement = self._new(family="", user_id="")
        now = self._clock.now_ms()
        try:
            stored = await self._store.rotate(_digest(raw), replacement, now=now, grace_ms=self._grace * 1000)
        except StoreFull:
            stored = await self._store.unused(_digest(raw), now=now)
            if stored is None:
                raise
            replacement_raw = raw
        if stored is None:
            raise NotSignedIn("the refresh token is not valid, sign in again")
        user = await self._people.me(stored.user_id)
        return self._signed_in(user, replacement_raw, stored)

    async def end(self, raw: str) -> None:
        """Sign this device out.

        An unknown token is no error: it is signed out already. Errors: StoreUnavailable.
        """
        if raw and len(raw) <= _MAX_TOKEN:
            await self._store.revoke(_digest(raw))

    def _new(self, *, family: str, user_id: str) -> tuple[str, RefreshToken]:
        raw = secrets.token_urlsafe(32)
        now = self._clock.now_ms()
        return raw, RefreshToken(
            digest=_digest(raw),
            family=family,
            user_id=user_id,
            created_at=now,
            expires_at=now + self._lifetime * 1000,
        )

    def _signed_in(self, user: User, raw: str, token: RefreshToken) -> SignedIn:
        return SignedIn(
            user=user,
            access_token=self._tokens.issue(user.id, token.family),
            expires_in=self._tokens.lifetime,
            refresh_token=raw,
            refresh_expires_in=(token.expires_at - self._clock.now_ms()) // 1000,
        )


def _digest(raw: str) -> bytes:
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).digest()
