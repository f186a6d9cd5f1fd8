"""Keys that tokens are verified with, and which algorithm goes with which kind of key.

A token names its algorithm, and a forger names what suits him. So the algorithm chooses among keys of its own kind only: a
public key is never taken for an HMAC secret, and there is no algorithm for tokens without a signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import Algorithm, get_default_algorithms

__all__ = ["ALGORITHMS", "MIN_RSA_BITS", "PublicKey", "kind_of", "load_public_key", "signature_is_valid"]

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

_KINDS: dict[str, type[PublicKey]] = {
    "rsa": RSAPublicKey,
    "ecdsa": EllipticCurvePublicKey,
    "ed25519": Ed25519PublicKey,
}
_CURVES = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}
MIN_RSA_BITS = 2048

ALGORITHMS: Mapping[str, str] = {
    **dict.fromkeys(("HS256", "HS384", "HS512"), "hmac"),
    **dict.fromkeys(("RS256", "RS384", "RS512"), "rsa"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "ecdsa"),
    "EdDSA": "ed25519",
}
"""The kind of key by the algorithm's name in a token. What is not here is not accepted."""

_verifiers: dict[str, Algorithm] = {
    name: verifier for name, verifier in get_default_algorithms().items() if name in ALGORITHMS
}


class _Verifier(Protocol):
    def verify(self, msg: bytes, key: Any, sig: bytes) -> bool: ...


def load_public_key(kind: str, pem: str) -> PublicKey:
    """``kind`` is rsa, ecdsa or ed25519. Errors: ValueError, which does not repeat the key."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("found no public key in PEM (-----BEGIN PUBLIC KEY-----)") from None
    if not isinstance(key, _KINDS[kind]):
        raise ValueError(f"found a public key of another kind, expected {kind}")  # noqa: TRY004 pydantic's way
    if isinstance(key, RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        raise ValueError(f"found an RSA key of {key.key_size} bits, expected {MIN_RSA_BITS} or more")
    return key


def kind_of(key: object) -> str | None:
    """The name of a public key's kind; None for what is none that we use."""
    return next((kind for kind, cls in _KINDS.items() if isinstance(key, cls)), None)


def signature_is_valid(algorithm: str, key: bytes | PublicKey, signed: bytes, signature: bytes) -> bool:
    """Whether ``key``, an HMAC secret or a public key, made ``signature``; False for one that does not go with the algorithm."""
    kind = ALGORITHMS.get(algorithm)
    if isinstance(key, bytes):
        if kind != "hmac" or not key:
            return False
    elif kind is None or kind_of(key) != kind or not _curve_fits(algorithm, key):
        return False
    verifier: _Verifier = _verifiers[algorithm]
    return verifier.verify(signed, key, signature)


def _curve_fits(algorithm: str, key: PublicKey) -> bool:
    return not isinstance(key, EllipticCurvePublicKey) or key.curve.name == _CURVES[algorithm]
