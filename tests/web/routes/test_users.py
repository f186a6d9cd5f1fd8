from __future__ import annotations

import httpx
import pytest

from chirpbird.chat.service import Chat
from tests.web.conftest import PASSWORD, Person, SignUp


async def test_registering(http: httpx.AsyncClient) -> None:
    response = await http.post("/users", json={"username": "Ann", "password": PASSWORD, "name": "Ann Lee"})
    assert response.status_code == 201
    answer = response.json()
    assert answer["errors"] == []
    assert answer["data"].keys() == {"user", "accessToken", "expiresIn"}
    assert answer["data"]["expiresIn"] == 600
    assert answer["data"]["user"] == {
        "id": answer["data"]["user"]["id"],
        "username": "Ann",
        "name": "Ann Lee",
        "createdAt": "2023-11-14T22:13:20.000Z",
        "updatedAt": "2023-11-14T22:13:20.000Z",
    }
    assert "chirpbird_refresh" in response.cookies
    token = answer["data"]["accessToken"]
    me = await http.get("/users/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["data"]["user"] == answer["data"]["user"]


async def test_a_taken_username(http: httpx.AsyncClient, ann: Person) -> None:
    response = await http.post("/users", json={"username": "ANN", "password": PASSWORD})
    assert response.status_code == 409
    assert response.json()["errors"][0]["code"] == "already_exists"


async def test_what_does_not_fit_is_named(http: httpx.AsyncClient) -> None:
    response = await http.post("/users", json={"username": "a", "password": PASSWORD})
    assert response.status_code == 422
    assert response.json() == {
        "data": None,
        "errors": [
            {
                "code": "invalid_input",
                "message": "username is 1 character long, at least 2 are expected",
                "field": "username",
            }
        ],
    }


async def test_registrations_are_counted_by_address(http: httpx.AsyncClient) -> None:
    for number in range(30):
        response = await http.post("/users", json={"username": f"user{number}", "password": PASSWORD})
        assert response.status_code == 201
    response = await http.post("/users", json={"username": "ann", "password": PASSWORD})
    assert response.status_code == 429
    assert response.headers["retry-after"] == "10"
    assert response.json()["errors"][0]["code"] == "too_many"


async def test_searching(http: httpx.AsyncClient, ann: Person, sign_up: SignUp) -> None:
    for username in ("anna", "annette", "bob"):
        await sign_up(username)
    response = await http.get("/users", params={"query": "ann", "limit": 1}, headers=ann.headers)
    assert [user["username"] for user in response.json()["data"]["users"]] == ["anna"]


@pytest.mark.parametrize("limit", ["0", "51", "many", "1e3", "", "9" * 5000])
async def test_limits_out_of_bounds(http: httpx.AsyncClient, ann: Person, limit: str) -> None:
    response = await http.get("/users", params={"limit": limit}, headers=ann.headers)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "limit"


async def test_a_token_of_an_account_that_is_gone(http: httpx.AsyncClient, chat: Chat) -> None:
    token = chat.tokens.issue("01HZX3K6V0000000000000000A", "sign-in")
    response = await http.get("/users/me", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401
