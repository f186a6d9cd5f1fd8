"""What an operator is told."""

from __future__ import annotations

from typing import Any

import pytest

from chirpbird.standalone.config import parse
from chirpbird.standalone.greeting import served, warnings

SAFE = {"client": {"token": {"hmac_secret_key": "x" * 32}}, "http_api": {"key": "k"}}


def test_a_good_configuration_warns_of_nothing() -> None:
    assert list(warnings(parse(SAFE))) == []
    assert served(parse(SAFE)) == "WebSocket /connection/websocket, HTTP API /api"


@pytest.mark.parametrize(
    ("content", "warning"),
    [
        ({"client": {"insecure": True}}, "client.insecure is on"),
        ({"client": {}}, "nobody can connect"),
        ({"http_api": {"key": ""}}, "http_api.key is empty"),
        ({"http_api": {"insecure": True}}, "http_api.insecure is on"),
        ({"client": {"token": {"hmac_secret_key": "short"}}}, "client.token.hmac_secret_key has 5 bytes"),
        (
            {"client": {"token": {"hmac_secret_key": "x" * 32, "jwks_public_endpoint": "https://a"}}},
            "the other keys there do not count",
        ),
    ],
)
def test_what_is_dangerous_is_said(content: dict[str, Any], warning: str) -> None:
    [said] = warnings(parse({**SAFE, **content}))
    assert warning in said
