"""The server in a box without a port: its node, its HTTP application, and people who sign tokens."""

from __future__ import annotations

from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chirpbird.realtime import MemoryBroker, MemoryPresence
from chirpbird.standalone.application import create_app
from chirpbird.standalone.config import parse
from chirpbird.standalone.node import create_node
from chirpbird.standalone.rules import Rules
from tests.support.realtime import FakeClock, Peer, settle

__all__ = ["API_KEY", "SECRET", "Box", "pem", "private_keys", "sign"]

SECRET = "a secret of as many bytes as the longest of the digests asks for, 64"
assert len(SECRET) >= 64
API_KEY = "api-key"
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def sign(
    key: Any = SECRET, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **claims: Any
) -> str:
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def private_keys() -> dict[str, Private]:
    """One for each algorithm with public keys."""
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return {
        **dict.fromkeys(("RS256", "RS384", "RS512"), rsa_key),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "ES384": ec.generate_private_key(ec.SECP384R1()),
        "ES512": ec.generate_private_key(ec.SECP521R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }


def pem(key: Private) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class Box:
    """A configuration, running."""

    def __init__(self, **sections: Any) -> None:
        client: dict[str, Any] = {"token": {"hmac_secret_key": SECRET}, **sections.pop("client", {})}
        api = {"key": API_KEY, **sections.pop("http_api", {})}
        self.config = parse({"client": client, "http_api": api, **sections})
        self.clock = FakeClock()
        self.broker = MemoryBroker(self.clock)
        self.rules = Rules(self.config)
        self.node = create_node(self.config, self.broker, MemoryPresence(self.clock), self.rules, self.clock)
        self.app = create_app(self.config, self.node, self.broker, self.rules)

    async def __aenter__(self) -> Box:
        await self.node.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.node.shutdown()

    def http(self, **headers: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://box", headers=headers
        )

    async def call(self, method: str, /, **body: Any) -> dict[str, Any]:
        """The API's answer, with the key; what it led to has happened."""
        async with self.http(**{"X-API-Key": API_KEY}) as http:
            response = await http.post(f"/api/{method}", json=body)
        assert response.status_code == 200, response.text
        await settle()
        answer: dict[str, Any] = response.json()
        return answer

    def peer(self, wire: str = "json") -> Peer:
        return Peer(self.node, wire=wire)

    async def user(self, name: str, **claims: Any) -> Peer:
        """A client that is in."""
        peer = self.peer()
        await peer.connect(sign(sub=name, **claims) if name else "")
        return peer
