"""What an operator reads when the server starts, and when a configuration is checked."""

from __future__ import annotations

from collections.abc import Iterator

from chirpbird.standalone.config import Config, TokenOptions

__all__ = ["served", "warnings"]

_NAMES = {
    "websocket": "WebSocket",
    "http_api": "HTTP API",
    "http_stream": "HTTP streaming",
    "sse": "SSE",
    "emulation": "emulation",
    "uni_websocket": "unidirectional WebSocket",
    "uni_http_stream": "unidirectional HTTP stream",
    "uni_sse": "unidirectional SSE",
    "health": "health",
    "prometheus": "metrics",
}
_MIN_SECRET_BYTES = 32


def served(config: Config) -> str:
    """What is on, and where."""
    return ", ".join(f"{_NAMES[name]} {path}" for name, path in config.paths().items())


def warnings(config: Config) -> Iterator[str]:
    """What works, but hardly as it is meant to."""
    client = config.client
    if client.insecure:
        yield "client.insecure is on: anybody may connect, subscribe, publish and read without a token"
    elif not client.token.has_keys and not client.allow_anonymous_connect_without_token:
        yield "nobody can connect: client.token has no key, and client.allow_anonymous_connect_without_token is off"
    api = config.http_api
    if not api.disabled and api.insecure:
        yield "http_api.insecure is on: anybody may use the API"
    elif not api.disabled and not api.key:
        yield "http_api.key is empty: every API request is refused"
    yield from _weak("client.token", client.token)
    yield from _weak("client.subscription_token", client.subscription_token)


def _weak(where: str, token: TokenOptions) -> Iterator[str]:
    size = len(token.hmac_secret_key.encode())
    if 0 < size < _MIN_SECRET_BYTES and not token.jwks_public_endpoint:
        yield f"{where}.hmac_secret_key has {size} bytes, expected {_MIN_SECRET_BYTES} or more: it can be guessed"
    if token.jwks_public_endpoint and (
        token.hmac_secret_key or token.rsa_public_key or token.ecdsa_public_key or token.ed25519_public_key
    ):
        yield f"{where}.jwks_public_endpoint is set: the other keys there do not count"
