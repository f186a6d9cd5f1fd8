"""Keys are of their kinds, and go with algorithms of their kinds only."""

from __future__ import annotations

import itertools

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chirpbird.standalone.keys import ALGORITHMS, PublicKey, kind_of, load_public_key, signature_is_valid
from tests.support.standalone import pem, private_keys

PRIVATE = private_keys()
KINDS = {"RS256": "rsa", "ES256": "ecdsa", "ES384": "ecdsa", "ES512": "ecdsa", "EdDSA": "ed25519"}
PUBLIC: dict[str, PublicKey] = {
    name: load_public_key(kind, pem(PRIVATE[name])) for name, kind in KINDS.items()
}
SIGNED = b"header.payload"


def test_kinds_are_told_apart() -> None:
    assert {name: kind_of(key) for name, key in PUBLIC.items()} == KINDS
    assert kind_of(b"secret") is None


def test_a_signature_holds_under_its_own_algorithm_and_key_only() -> None:
    for name, algorithm in itertools.product(PUBLIC, ALGORITHMS):
        verifier = jwt.get_algorithm_by_name(name)
        signature = verifier.sign(SIGNED, PRIVATE[name])
        assert signature_is_valid(algorithm, PUBLIC[name], SIGNED, signature) is (algorithm == name)
        assert not signature_is_valid(algorithm, PUBLIC[name], SIGNED + b"x", signature)


@pytest.mark.parametrize("algorithm", ["none", "HS1", ""])
def test_other_algorithms_hold_nothing(algorithm: str) -> None:
    assert not signature_is_valid(algorithm, b"secret", SIGNED, b"")
    assert not signature_is_valid(algorithm, PUBLIC["RS256"], SIGNED, b"")


def test_keys_that_are_not_used() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 the point of the test
    with pytest.raises(ValueError, match="1024 bits, expected 2048"):
        load_public_key("rsa", pem(small))
    other = dsa.generate_private_key(1024).public_key()  # noqa: S505 it only has to be of another kind
    written = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(ValueError, match="another kind"):
        load_public_key("rsa", written)
