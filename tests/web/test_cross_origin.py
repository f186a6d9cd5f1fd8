"""Pages of other sites: those of the allowed origins may call the API, without cookies; the others may not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from chirpbird.chat.service import Chat
from chirpbird.web.application import create_app
from tests.web.conftest import PASSWORD, Person

FRIEND = {"Origin": "https://intranet.example", "Sec-Fetch-Site": "cross-site"}
STRANGER = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
CREDENTIALS = {"username": "ann", "password": PASSWORD}


@pytest.fixture
async def http(chat: Chat) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(chat, allowed_origins=("https://intranet.example", "http://localhost:3000"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://chat.test") as client:
        yield client


def preflight(method: str, headers: str = "authorization,content-type") -> dict[str, str]:
    return {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_preflight_of_an_allowed_origin(http: httpx.AsyncClient, method: str) -> None:
    response = await http.options("/channels", headers=FRIEND | preflight(method))
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://intranet.example"
    assert method in response.headers["access-control-allow-methods"]
    assert "Authorization" in response.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize(
    "headers",
    [
        STRANGER | preflight("POST"),
        {"Origin": "null"} | preflight("POST"),
        {"Origin": "https://intranet.example.evil.example"} | preflight("POST"),
        {"Origin": "http://intranet.example"} | preflight("POST"),
    ],
)
async def test_a_preflight_of_a_foreign_origin_is_refused(
    http: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    response = await http.options("/channels", headers=headers)
    assert response.status_code == 400
    assert "access-control-allow-origin" not in response.headers


async def test_what_the_api_does_not_need_is_refused(http: httpx.AsyncClient) -> None:
    for asked in (preflight("TRACE"), preflight("GET", "x-anything")):
        assert (await http.options("/channels", headers=FRIEND | asked)).status_code == 400


async def test_answers_can_be_read_by_allowed_origins_only(http: httpx.AsyncClient, ann: Person) -> None:
    for path, status in (("/users/me", 200), ("/nowhere", 404), ("/users/me?", 401)):
        headers = ann.headers if status == 200 else {}
        response = await http.get(path, headers=FRIEND | headers)
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == "https://intranet.example"
        assert response.headers["access-control-expose-headers"] == "Retry-After"
        assert "Origin" in response.headers["vary"]
        response = await http.get(path, headers=STRANGER | headers)
        assert "access-control-allow-origin" not in response.headers


async def test_without_allowed_origins_nobody_is_let_in(chat: Chat, ann: Person) -> None:
    app = create_app(chat)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://chat.test") as http:
        response = await http.options("/channels", headers=FRIEND | preflight("GET"))
        assert response.status_code == 405
        response = await http.get("/users/me", headers=FRIEND | ann.headers)
        assert not [name for name in response.headers if name.startswith("access-control-")]


async def test_an_allowed_page_stays_signed_in_without_cookies(http: httpx.AsyncClient, ann: Person) -> None:
    response = await http.post("/sessions", json=CREDENTIALS | {"wantRefreshToken": True}, headers=FRIEND)
    assert response.status_code == 201
    assert "set-cookie" not in response.headers
    token = response.json()["data"]["refreshToken"]
    response = await http.post("/sessions/refresh", json={"refreshToken": token}, headers=FRIEND)
    assert response.status_code == 200
    token = response.json()["data"]["refreshToken"]
    response = await http.request("DELETE", "/sessions/current", json={"refreshToken": token}, headers=FRIEND)
    assert response.status_code == 204
    new = {"username": "bea", "password": PASSWORD, "wantRefreshToken": True}
    assert (await http.post("/users", json=new, headers=FRIEND)).status_code == 201


async def test_cookies_stay_with_our_own_pages(http: httpx.AsyncClient, ann: Person) -> None:
    assert (await http.post("/sessions", json=CREDENTIALS)).status_code == 201  # leaves the cookie in the jar
    for method, path, body in (
        ("POST", "/sessions", CREDENTIALS),
        ("POST", "/users", {"username": "bea", "password": PASSWORD}),
        ("POST", "/sessions/refresh", None),
        ("DELETE", "/sessions/current", None),
    ):
        response = await http.request(method, path, json=body, headers=FRIEND)
        assert response.status_code == 403, path
        assert "wantRefreshToken" in response.json()["errors"][0]["message"]
        assert "set-cookie" not in response.headers
    assert (await http.post("/sessions/refresh")).status_code == 200
