from __future__ import annotations

from collections.abc import Sequence

import httpx

from chirpbird.chat.errors import StoreUnavailable
from chirpbird.chat.service import Chat
from chirpbird.web.application import create_app
from tests.support.chat_fakes import FakeClock
from tests.support.memory_store import MemoryStore


async def test_ping(http: httpx.AsyncClient) -> None:
    response = await http.get("/ping")
    assert response.text == "pong"
    assert response.headers["content-type"].startswith("text/plain")
    assert (await http.head("/ping")).status_code == 200


async def test_ready(http: httpx.AsyncClient) -> None:
    response = await http.get("/health/ready")
    assert response.status_code == 200
    assert response.json() == {"data": {"ready": True}, "errors": []}


async def test_not_ready_says_why(chat: Chat, store: MemoryStore) -> None:
    async def node_health() -> Sequence[str]:
        return ["the node is shutting down"]

    store.fail(StoreUnavailable("the disk is gone"))
    app = create_app(chat, node_health=node_health)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://chat.test") as http:
        response = await http.get("/health/ready")
        for_haproxy = await http.get("/health/ready?otherwise=404")
        assert (await http.get("/health/ready?otherwise=200")).status_code == 422
    assert response.status_code == 503
    assert for_haproxy.status_code == 404
    assert for_haproxy.json() == response.json()
    assert response.json()["errors"] == [
        {"code": "not_ready", "message": "the node is shutting down"},
        {"code": "not_ready", "message": "the disk is gone"},
    ]


async def test_recovery_shows_within_a_second(
    http: httpx.AsyncClient, store: MemoryStore, clock: FakeClock
) -> None:
    store.fail(StoreUnavailable("the disk is gone"))
    assert (await http.get("/health/ready")).status_code == 503
    store.fail(None)
    assert (await http.get("/health/ready")).status_code == 503
    clock.forward(1)
    assert (await http.get("/health/ready")).status_code == 200


async def test_metrics(http: httpx.AsyncClient) -> None:
    await http.get("/ping")
    response = await http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'chirpbird_http_requests_total{method="GET",route="/ping",status="200"} 1.0' in response.text
