"""Connection and subscription tokens (JWTs): are they ours, do they still hold, what do they say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar

import jwt
import msgspec

from chirpbird.realtime import Clock, errors
from chirpbird.standalone.config import TokenOptions
from chirpbird.standalone.config.values import compiled
from chirpbird.standalone.endpoints import fill_in, is_template
from chirpbird.standalone.grants import NOTHING, Grant, Override, payload
from chirpbird.standalone.jwks import KeySet, KeysUnavailable, http_fetch
from chirpbird.standalone.keys import ALGORITHMS, PublicKey, load_public_key, signature_is_valid

__all__ = ["ConnectionToken", "InvalidToken", "SubscriptionToken", "TokenVerifier"]

MAX_TOKEN = 65_536
"""Characters."""
_Time = Annotated[float, msgspec.Meta(ge=-(2.0**53), le=2.0**53)]
_C = TypeVar("_C", bound="_Claims")
_parser = jwt.PyJWS()


class InvalidToken(Exception):
    """Nothing that the token says can be believed, or it says what it must not. ``str(error)`` is for the log."""


class ConnectionToken(msgspec.Struct, frozen=True):
    """What a connection token says."""

    user: str
    expire_at: float | None
    """Unix seconds."""
    info: bytes
    subscriptions: Mapping[str, Grant]
    """By channel."""
    meta: bytes = b""
    """JSON that the server keeps with the connection, and tells nobody."""


class SubscriptionToken(msgspec.Struct, frozen=True):
    """What a subscription token says."""

    user: str
    channel: str
    client: str
    """The only client that may use it; empty: any of the user's."""
    expire_at: float | None
    """Unix seconds."""
    grant: Grant


class _GrantClaims(msgspec.Struct):
    info: msgspec.Raw = NOTHING
    b64info: str = ""
    data: msgspec.Raw = NOTHING
    b64data: str = ""
    override: Override | None = None

    def grant(self) -> Grant:
        """Errors: ValueError."""
        return Grant(
            payload(self.info, self.b64info), payload(self.data, self.b64data), self.override or Override()
        )


class _Claims(_GrantClaims):
    sub: str | None = None
    exp: _Time | None = None
    nbf: _Time | None = None
    aud: str | list[str] | None = None
    iss: str | None = None
    expire_at: _Time | None = None
    channel: str = ""

    @property
    def ends(self) -> float | None:
        """When what is granted ends; ``expire_at`` counts more than the token's own end, and 0 is never."""
        if self.expire_at is not None:
            return self.expire_at if self.expire_at > 0 else None
        return self.exp


class _ConnectionClaims(_Claims):
    channels: list[str] | None = None
    subs: dict[str, _GrantClaims] | None = None
    meta: msgspec.Raw = NOTHING


class _SubscriptionClaims(_Claims):
    client: str = ""


class TokenVerifier:
    """Verifies tokens by one set of options.

    Errors of its methods: InvalidToken; TOKEN_EXPIRED when it held once, or does not hold yet; INTERNAL when the keys
    cannot be had now.
    """

    def __init__(
        self,
        options: TokenOptions,
        clock: Clock,
        fetch_from: Callable[[str], Callable[[], Awaitable[bytes]]] = http_fetch,
    ) -> None:
        self._options = options
        self._clock = clock
        self._fetch_from = fetch_from
        self._key_sets: dict[str, KeySet] = {}
        """By address. There is one, or as many as the configuration lists values of the address's variables."""
        self._secret = options.hmac_secret_key.encode()
        self._previous_secret = options.hmac_previous_secret_key.encode()
        self._public_keys: dict[str, PublicKey] = {
            kind: load_public_key(kind, pem)
            for kind, pem in (
                ("rsa", options.rsa_public_key),
                ("ecdsa", options.ecdsa_public_key),
                ("ed25519", options.ed25519_public_key),
            )
            if pem
        }
        self._audience = compiled(options.audience_regex)
        self._issuer = compiled(options.issuer_regex)

    async def connection(self, token: str) -> ConnectionToken:
        """What a connection token says."""
        claims, user = await self._verified(token, _ConnectionClaims)
        if claims.channel:
            raise InvalidToken("a connection token has a channel, only subscription tokens have one")
        try:
            if claims.subs:
                subscriptions = {channel: sub.grant() for channel, sub in claims.subs.items()}
            else:
                subscriptions = {channel: Grant() for channel in claims.channels or ()}
            info = payload(claims.info, claims.b64info)
        except ValueError as error:
            raise InvalidToken(str(error)) from error
        return ConnectionToken(user, claims.ends, info, subscriptions, payload(claims.meta, ""))

    async def subscription(self, token: str) -> SubscriptionToken:
        """What a subscription token says."""
        claims, user = await self._verified(token, _SubscriptionClaims)
        if not claims.channel:
            raise InvalidToken("a subscription token has no channel")
        try:
            grant = claims.grant()
        except ValueError as error:
            raise InvalidToken(str(error)) from error
        return SubscriptionToken(user, claims.channel, claims.client, claims.ends, grant)

    async def _verified(self, token: str, claims_type: type[_C]) -> tuple[_C, str]:
        """The claims of a token that is ours and holds, and whose it is."""
        if len(token) > MAX_TOKEN or not token.isascii():
            raise InvalidToken(f"a token of {len(token)} characters, or of others than ASCII")
        try:
            parsed = _parser.decode_complete(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise InvalidToken(f"no token: {error}") from error
        signed = token.rpartition(".")[0].encode()
        content: bytes = parsed["payload"]
        await self._check_signature(parsed["header"], signed, parsed["signature"], content)
        try:
            content.decode()
            claims = msgspec.json.decode(content, type=claims_type)
            user = self._user(claims, content)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidToken(f"claims that cannot be read: {error}") from error
        self._check_claims(claims)
        return claims, user

    async def _check_signature(
        self, header: dict[str, Any], signed: bytes, signature: bytes, content: bytes
    ) -> None:
        algorithm = header.get("alg")
        kind = ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None
        if not isinstance(algorithm, str) or kind is None:
            raise InvalidToken(f"algorithm is {algorithm!r:.40}, expected one of {', '.join(ALGORITHMS)}")
        if "crit" in header or header.get("b64", True) is not True:
            raise InvalidToken("the header has extensions")
        for key in await self._keys(algorithm, kind, header.get("kid"), content):
            if signature_is_valid(algorithm, key, signed, signature):
                return
        raise InvalidToken(f"the signature ({algorithm}) is not valid")

    async def _keys(
        self, algorithm: str, kind: str, key_id: object, content: bytes
    ) -> list[bytes | PublicKey]:
        if self._options.jwks_public_endpoint:
            if kind == "hmac" or not isinstance(key_id, str) or not key_id:
                return []
            try:
                published = await self._key_set(content).find(key_id)
            except KeysUnavailable:
                raise errors.INTERNAL from None
            if published is None or published.algorithm not in ("", algorithm):
                return []
            return [published.key]
        if kind != "hmac":
            return [self._public_keys[kind]] if kind in self._public_keys else []
        until = self._options.hmac_previous_secret_key_valid_until
        secrets = [self._secret]
        if not until or self._clock.time() <= until:
            secrets.append(self._previous_secret)
        return [secret for secret in secrets if secret]

    def _key_set(self, content: bytes) -> KeySet:
        """Where the token with these claims, which nobody has verified yet, would have its key."""
        endpoint: str | None = self._options.jwks_public_endpoint
        if is_template(self._options.jwks_public_endpoint):
            try:
                endpoint = fill_in(self._options.jwks_public_endpoint, content, self._issuer, self._audience)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise InvalidToken(f"claims that cannot be read: {error}") from error
        if endpoint is None:
            raise InvalidToken("its issuer or audience is none that has keys")
        if endpoint not in self._key_sets:
            self._key_sets[endpoint] = KeySet(self._fetch_from(endpoint), self._clock)
        return self._key_sets[endpoint]

    def _user(self, claims: _Claims, content: bytes) -> str:
        name = self._options.user_id_claim
        if not name:
            return claims.sub or ""
        value = msgspec.json.decode(content, type=dict[str, Any]).get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if value is not None and not isinstance(value, str):
            raise InvalidToken(f"{name} is a {type(value).__name__}, expected a string")
        return value or ""

    def _check_claims(self, claims: _Claims) -> None:
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud or []
        wanted = self._options
        if wanted.audience and wanted.audience not in audiences:
            raise InvalidToken("it is for another audience")
        if self._audience is not None and not any(map(self._audience.search, audiences)):
            raise InvalidToken("it is for another audience")
        if wanted.issuer and wanted.issuer != claims.iss:
            raise InvalidToken("it is of another issuer")
        if self._issuer is not None and not self._issuer.search(claims.iss or ""):
            raise InvalidToken("it is of another issuer")
        now = self._clock.time()
        if (claims.exp is not None and claims.exp <= now) or (claims.nbf is not None and claims.nbf > now):
            raise errors.TOKEN_EXPIRED
