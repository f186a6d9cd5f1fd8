from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from chirpbird.terminal.account import Account, server_address
from chirpbird.terminal.errors import ServerRefused, ServerUnreachable, SignInNeeded, TerminalError
from chirpbird.terminal.keyring import Keyring

SERVER = "https://chat.example.org"


class FakeServer:
    """Answers of docs/API.md, and what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.refusal: httpx.Response | None = None
        self.count = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.path, json.loads(request.content)))
        if self.refusal is not None:
            return self.refusal
        self.count += 1
        data = {
            "accessToken": f"access{self.count}",
            "refreshToken": f"refresh{self.count}",
            "user": {"username": "ann"},
        }
        return httpx.Response(200, json={"data": data, "errors": []})

    def refuse(self, code: str, message: str) -> None:
        self.refusal = httpx.Response(
            401, json={"data": None, "errors": [{"code": code, "message": message}]}
        )


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "terminal.json")


@pytest.fixture
async def account(server: FakeServer, keyring: Keyring) -> AsyncIterator[Account]:
    account = Account(SERVER, keyring, transport=httpx.MockTransport(server.answer))
    yield account
    await account.close()


async def test_signing_in_is_kept_for_the_next_start(
    account: Account, server: FakeServer, keyring: Keyring
) -> None:
    await account.sign_in("ann", "secret")
    assert await account.token() == "access1"
    assert await account.token() == "access2"
    again = Account(SERVER, keyring, transport=httpx.MockTransport(server.answer))
    await again.resume(None)
    assert (again.username, await again.token()) == ("ann", "access3")
    assert [body.get("refreshToken") for _, path, body in server.asked if path == "/sessions/refresh"] == [
        "refresh1",
        "refresh2",
    ]
    await again.close()


async def test_with_nothing_kept_one_has_to_sign_in(account: Account, server: FakeServer) -> None:
    with pytest.raises(SignInNeeded):
        await account.resume(None)
    assert server.asked == []


async def test_a_sign_in_that_is_over_is_forgotten(
    account: Account, server: FakeServer, keyring: Keyring
) -> None:
    keyring.keep(SERVER, "ann", "old")
    server.refuse("not_signed_in", "the session is over")
    with pytest.raises(SignInNeeded, match="signed out"):
        await account.resume("ann")
    assert keyring.find(SERVER, "ann") is None


async def test_a_server_in_trouble_ends_no_sign_in(
    account: Account, server: FakeServer, keyring: Keyring
) -> None:
    keyring.keep(SERVER, "ann", "old")
    server.refuse("store_unavailable", "try again")
    with pytest.raises(ServerRefused, match="try again"):
        await account.resume("ann")
    assert keyring.find(SERVER, "ann") == ("ann", "old")


async def test_signing_out_tells_the_server(account: Account, server: FakeServer, keyring: Keyring) -> None:
    await account.register("ann", "secret")
    await account.sign_out()
    assert server.asked[-1] == ("DELETE", "/sessions/current", {"refreshToken": "refresh1"})
    assert keyring.find(SERVER, None) is None


def _nobody(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda request: httpx.Response(200, text="<html>"), "is not Chirpbird"),
        (lambda request: httpx.Response(200, json=[1]), "is not Chirpbird"),
        (lambda request: httpx.Response(502, text="Bad Gateway"), "answered 502, and not as Chirpbird does"),
        (lambda request: httpx.Response(500, json={"errors": []}), "answered 500"),
        (_nobody, "cannot be reached: refused"),
    ],
)
async def test_what_is_no_chirpbird_is_said(
    keyring: Keyring, answer: Callable[[httpx.Request], httpx.Response], words: str
) -> None:
    account = Account(SERVER, keyring, transport=httpx.MockTransport(answer))
    with pytest.raises(ServerUnreachable, match=words):
        await account.sign_in("ann", "secret")
    await account.close()


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("chat.example.org", "https://chat.example.org"),
        (" https://chat.example.org/ ", "https://chat.example.org"),
        ("http://chat.example.org:8000", "http://chat.example.org:8000"),
        ("localhost:8000", "http://localhost:8000"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_addresses(given: str, address: str) -> None:
    assert server_address(given) == address


@pytest.mark.parametrize(
    "given",
    ["", "ftp://x", "https://", "https://x/chat", "x:port", "x:0", "x:70000", "https://u:p@x", "[::1"],
)
def test_addresses_that_are_none(given: str) -> None:
    with pytest.raises(TerminalError, match=r"server is "):
        server_address(given)
