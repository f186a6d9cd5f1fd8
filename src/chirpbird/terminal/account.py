"""Signing in, staying so, and the few things that are asked over REST."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx

from chirpbird.terminal.errors import ServerRefused, ServerUnreachable, SignInNeeded, TerminalError
from chirpbird.terminal.keyring import Keyring

__all__ = ["Account", "server_address"]

_PATIENCE = 15.0
"""Seconds for an answer; hashing a password takes a part of one."""


def server_address(given: str) -> str:
    """``chat.example.org`` and the like as ``https://chat.example.org``; this machine's own without TLS.

    Errors: TerminalError.
    """
    text = given.strip()
    try:
        if "://" not in text:
            host = urlsplit(f"//{text}").hostname or ""
            scheme = "http" if host in ("localhost", "::1") or host.startswith("127.") else "https"
            text = f"{scheme}://{text}"
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise TerminalError(f"server is {given!r}: {error}") from error
    is_bare = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username)
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_bare:
        raise TerminalError(f"server is {given!r}, expected something like https://chat.example.org")
    if port == 0:
        raise TerminalError(f"server is {given!r}, expected a port from 1 to 65535")
    return f"{parts.scheme}://{parts.netloc}"


class Account:
    """One person at one server. Closed once."""

    def __init__(
        self, server: str, keyring: Keyring, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.server = server
        self.username = ""
        self._keyring = keyring
        self._refresh_token = ""
        self._first_token = ""
        self._http = httpx.AsyncClient(base_url=server, timeout=_PATIENCE, transport=transport)

    @property
    def websocket_url(self) -> str:
        return self.server.replace("http", "ws", 1) + "/connection/websocket"

    async def close(self) -> None:
        await self._http.aclose()

    async def resume(self, username: str | None) -> None:
        """Sign in with what is kept. Errors: SignInNeeded, ServerUnreachable, ServerRefused."""
        found = self._keyring.find(self.server, username)
        if found is None:
            raise SignInNeeded("please sign in")
        self.username, self._refresh_token = found
        self._first_token = await self.token()

    async def sign_in(self, username: str, password: str) -> None:
        """Errors: ServerUnreachable, ServerRefused."""
        body = {"username": username, "password": password, "wantRefreshToken": True}
        self._begin(await self._post("/sessions", body))

    async def register(self, username: str, password: str) -> None:
        """Errors: ServerUnreachable, ServerRefused."""
        body = {"username": username, "password": password, "wantRefreshToken": True}
        self._begin(await self._post("/users", body))

    def _begin(self, answer: dict[str, Any]) -> None:
        self.username = answer["user"]["username"]
        self._first_token = answer["accessToken"]
        self._keep(answer["refreshToken"])

    async def token(self) -> str:
        """A fresh access token, for the SDK. Errors: SignInNeeded, ServerUnreachable, ServerRefused."""
        if self._first_token:
            token, self._first_token = self._first_token, ""
            return token
        try:
            answer = await self._post("/sessions/refresh", {"refreshToken": self._refresh_token})
        except ServerRefused as error:
            if error.code != "not_signed_in":
                raise
            self._keyring.forget(self.server, self.username)
            raise SignInNeeded("you were signed out; please sign in again") from error
        self._keep(answer["refreshToken"])
        return str(answer["accessToken"])

    async def sign_out(self) -> None:
        """Here and at the server. Errors: ServerUnreachable, ServerRefused; then it is forgotten here all the same."""
        self._keyring.forget(self.server, self.username)
        await self._ask("DELETE", "/sessions/current", {"refreshToken": self._refresh_token})

    def _keep(self, refresh_token: str) -> None:
        self._refresh_token = refresh_token
        self._keyring.keep(self.server, self.username, refresh_token)

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self._ask("POST", path, body)
        try:
            data = answer.json()["data"]
        except (ValueError, KeyError, TypeError):
            data = None
        if not isinstance(data, dict):
            raise ServerUnreachable(f"what answers at {self.server} is not Chirpbird")
        return data

    async def _ask(self, method: str, path: str, body: dict[str, Any]) -> httpx.Response:
        try:
            answer = await self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise ServerUnreachable(
                f"{self.server} cannot be reached: {str(error) or type(error).__name__}"
            ) from error
        if answer.is_error:
            raise _refusal(self.server, answer)
        return answer


def _refusal(server: str, answer: httpx.Response) -> TerminalError:
    try:
        [error, *_] = answer.json()["errors"]
        return ServerRefused(str(error["code"]), str(error["message"]))
    except (ValueError, KeyError, TypeError):
        return ServerUnreachable(f"{server} answered {answer.status_code}, and not as Chirpbird does")
