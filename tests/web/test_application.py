from __future__ import annotations

import logging
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from chirpbird.chat.service import Chat
from chirpbird.web.application import create_app
from tests.support.memory_store import MemoryStore


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """All that anything logs, at any level."""

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(record)

    kept: list[logging.LogRecord] = []
    root = logging.getLogger()
    handler, level = Keep(), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield kept
    root.setLevel(level)
    root.removeHandler(handler)


async def test_secrets_are_never_logged(app: FastAPI, records: list[logging.LogRecord]) -> None:
    password = "a very secret password"

    @app.post("/broken")
    async def broken() -> None:
        raise ZeroDivisionError

    secrets = [password]
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://chat.test") as http:
        body = {"username": "ann", "password": password, "wantRefreshToken": True}
        answer = (await http.post("/users", json=body)).json()["data"]
        secrets += [answer["accessToken"], answer["refreshToken"]]
        await http.post("/sessions", json={"username": "ann", "password": password + "!"})
        await http.post("/sessions", json={"username": "ann", "password": [password]})
        await http.post("/sessions", content=f'{{"password": "{password}'.encode())
        signed_in = await http.post("/sessions", json={"username": "ann", "password": password})
        secrets += [signed_in.json()["data"]["accessToken"], http.cookies["chirpbird_refresh"]]
        await http.post("/sessions/refresh")
        secrets.append(http.cookies["chirpbird_refresh"])
        headers = {"Authorization": f"Bearer {answer['accessToken']}"}
        await http.get("/users/me", headers=headers)
        await http.get("/users/me", headers={"Authorization": f"Bearer {answer['accessToken']}x"})
        assert (await http.post("/broken", json=body, headers=headers)).status_code == 500
        await http.delete("/sessions/current")
    assert any("unexpected error" in record.getMessage() for record in records)
    formatter = logging.Formatter()
    for record in records:
        written = f"{formatter.format(record)} {record.__dict__}"
        for secret in secrets:
            assert secret not in written, record.getMessage()


async def test_applications_do_not_share_anything() -> None:
    one, two = (create_app(Chat(store=MemoryStore(), secret=b"s" * 32)) for _ in range(2))
    assert one.state.metrics is not two.state.metrics
    assert one.state.readiness is not two.state.readiness
