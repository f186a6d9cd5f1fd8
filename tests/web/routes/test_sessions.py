from __future__ import annotations

from http.cookies import SimpleCookie

import httpx
import pytest

from chirpbird.chat.limits import ChatLimits
from chirpbird.chat.service import Chat
from chirpbird.web.application import create_app
from tests.support.chat_fakes import FakeClock, PlainHasher
from tests.support.memory_store import MemoryStore
from tests.web.conftest import PASSWORD, Person

CREDENTIALS = {"username": "ann", "password": PASSWORD}


def cookie_of(response: httpx.Response) -> SimpleCookie:
    return SimpleCookie(response.headers["set-cookie"])


async def test_signing_in_sets_a_guarded_cookie(http: httpx.AsyncClient, ann: Person) -> None:
    response = await http.post("/sessions", json=CREDENTIALS)
    assert response.status_code == 201
    assert response.json()["data"]["user"]["id"] == ann.id
    cookie = cookie_of(response)["chirpbird_refresh"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/sessions")
    assert cookie["max-age"] == str(30 * 24 * 3600)
    assert not cookie["secure"]


async def test_over_https_the_cookie_is_secure(http: httpx.AsyncClient, ann: Person) -> None:
    response = await http.post("https://chat.test/sessions", json=CREDENTIALS)
    assert cookie_of(response)["chirpbird_refresh"]["secure"]


async def test_wrong_credentials(http: httpx.AsyncClient, ann: Person) -> None:
    response = await http.post("/sessions", json=CREDENTIALS | {"password": "wrong horse"})
    assert response.status_code == 401
    assert response.json()["errors"] == [
        {"code": "wrong_credentials", "message": "username and password do not belong together"}
    ]
    assert "set-cookie" not in response.headers


async def test_attempts_are_counted(http: httpx.AsyncClient) -> None:
    for _ in range(10):
        assert (await http.post("/sessions", json=CREDENTIALS)).status_code == 401
    response = await http.post("/sessions", json=CREDENTIALS)
    assert (response.status_code, response.headers["retry-after"]) == (429, "30")


async def test_the_cookie_is_replaced_at_each_use(
    http: httpx.AsyncClient, ann: Person, clock: FakeClock
) -> None:
    first = await http.post("/sessions", json=CREDENTIALS)
    second = await http.post("/sessions/refresh")
    assert second.status_code == 200
    assert second.json()["data"].keys() == {"user", "accessToken", "expiresIn"}
    assert cookie_of(second)["chirpbird_refresh"].value != cookie_of(first)["chirpbird_refresh"].value
    clock.forward(31)
    stolen = {"Cookie": f"chirpbird_refresh={cookie_of(first)['chirpbird_refresh'].value}"}
    http.cookies.clear()
    assert (await http.post("/sessions/refresh", headers=stolen)).status_code == 401


async def test_refreshing_needs_a_token(http: httpx.AsyncClient) -> None:
    response = await http.post("/sessions/refresh")
    assert response.status_code == 401
    assert response.json()["errors"][0]["code"] == "not_signed_in"


async def test_programs_get_the_token_in_the_body_and_no_cookie(http: httpx.AsyncClient, ann: Person) -> None:
    response = await http.post("/sessions", json=CREDENTIALS | {"wantRefreshToken": True})
    assert "set-cookie" not in response.headers
    first = response.json()["data"]["refreshToken"]
    response = await http.post("/sessions/refresh", json={"refreshToken": first})
    assert "set-cookie" not in response.headers
    second = response.json()["data"]["refreshToken"]
    assert second != first
    response = await http.request("DELETE", "/sessions/current", json={"refreshToken": second})
    assert response.status_code == 204
    assert (await http.post("/sessions/refresh", json={"refreshToken": second})).status_code == 401


async def test_a_page_cannot_have_the_cookies_token_in_a_body(http: httpx.AsyncClient, ann: Person) -> None:
    await http.post("/sessions", json=CREDENTIALS)
    response = await http.post("/sessions/refresh", json={"wantRefreshToken": True})
    assert response.status_code == 422


async def test_signing_out_ends_the_sign_in_and_the_cookie(http: httpx.AsyncClient, ann: Person) -> None:
    signed_in = await http.post("/sessions", json=CREDENTIALS)
    response = await http.delete("/sessions/current")
    assert (response.status_code, response.content) == (204, b"")
    assert cookie_of(response)["chirpbird_refresh"]["max-age"] == "0"
    again = {"Cookie": f"chirpbird_refresh={cookie_of(signed_in)['chirpbird_refresh'].value}"}
    assert (await http.post("/sessions/refresh", headers=again)).status_code == 401


async def test_signing_out_twice_is_no_error(http: httpx.AsyncClient) -> None:
    assert (await http.delete("/sessions/current")).status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://chat.test.evil.test"},
        {"Origin": "http://[bad"},
    ],
)
async def test_other_sites_pages_are_refused(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    for method, path in (
        ("POST", "/users"),
        ("POST", "/sessions"),
        ("POST", "/sessions/refresh"),
        ("DELETE", "/sessions/current"),
    ):
        response = await http.request(
            method, path, json=CREDENTIALS if path in ("/users", "/sessions") else None, headers=headers
        )
        assert response.status_code == 403, path
        assert response.json()["errors"][0]["code"] == "not_permitted"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://chat.test"},
        {"Origin": "https://chat.test"},
    ],
)
async def test_our_own_pages_and_programs_are_not(
    http: httpx.AsyncClient, ann: Person, headers: dict[str, str]
) -> None:
    assert (await http.post("/sessions", json=CREDENTIALS, headers=headers)).status_code == 201


async def test_refreshing_too_often_is_refused_for_a_while(store: MemoryStore, clock: FakeClock) -> None:
    limits = ChatLimits(refreshes_per_address=3)
    chat = Chat(store=store, secret=b"s" * 32, clock=clock, hasher=PlainHasher(), limits=limits)
    app = create_app(chat)

    def client(address: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(address, 50000)), base_url="http://chat.test"
        )

    async with client("192.0.2.1") as one, client("192.0.2.2") as other:
        await one.post("/users", json=CREDENTIALS)
        assert [(await one.post("/sessions/refresh")).status_code for _ in range(3)] == [200] * 3
        refused = await one.post("/sessions/refresh")
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "100"
        assert refused.json()["errors"][0]["code"] == "too_many"
        assert "set-cookie" not in refused.headers
        assert (await other.post("/sessions/refresh")).status_code == 401
        clock.forward(100)
        assert (await one.post("/sessions/refresh")).status_code == 200  # the cookie was not used up
