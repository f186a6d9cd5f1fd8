"""Access tokens: short-lived JWTs that any node can check without asking anybody."""

from __future__ import annotations

import jwt
import msgspec

from chirpbird.chat import text
from chirpbird.chat.clock import Clock
from chirpbird.chat.errors import NotSignedIn, TokenExpired

__all__ = ["AccessTokens", "Identity"]

_ALGORITHM = "HS256"
_MIN_SECRET = 32
_MAX_TOKEN = 1024
"""Characters. Ours are about 200; what is longer is not worth an HMAC."""


class Identity(msgspec.Struct, frozen=True):
    """Who is asking, according to a token that was checked."""

    user_id: str
    sign_in: str
    """The sign-in (family of refresh tokens) that the token was issued to."""
    expires_at: int
    """Unix seconds."""


class AccessTokens:
    """Issues and checks access tokens. ``secret`` is at least 32 bytes, and the same on all nodes."""

    def __init__(self, secret: bytes, clock: Clock, *, lifetime: int) -> None:
        if len(secret) < _MIN_SECRET:
            raise ValueError(f"the secret is {len(secret)} bytes long, at least {_MIN_SECRET} are expected")
        self._secret = secret
        self._clock = clock
        self.lifetime = lifetime
        """Seconds."""

    def issue(self, user_id: str, sign_in: str) -> str:
        """A token that says "this is ``user_id``" for ``lifetime`` seconds from now."""
        now = self._clock.now_ms() // 1000
        claims = {"sub": user_id, "sid": sign_in, "iat": now, "exp": now + self.lifetime}
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def verify(self, token: str) -> Identity:
        """Who the token speaks for. Errors: TokenExpired; NotSignedIn when it is not one of ours."""
        if not token:
            raise NotSignedIn("an access token is expected")
        if len(token) > _MAX_TOKEN or not token.isascii():
            raise NotSignedIn("the access token is not valid")
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                # Times are compared below, with the clock that issued them.
                options={
                    "require": ["sub", "sid", "exp"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.InvalidTokenError as error:
            raise NotSignedIn("the access token is not valid") from error
        user_id, sign_in, expires_at = claims["sub"], claims["sid"], claims["exp"]
        if not (isinstance(user_id, str) and isinstance(sign_in, str) and isinstance(expires_at, int)):
            raise NotSignedIn("the access token is not valid")
        if not text.is_identifier(user_id):
            raise NotSignedIn("the access token is not valid")
        if self._clock.now_ms() >= expires_at * 1000:
            raise TokenExpired("the access token has expired")
        return Identity(user_id, sign_in, expires_at)
