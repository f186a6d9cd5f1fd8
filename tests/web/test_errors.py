from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse

from tests.support.chat_fakes import FakeClock
from tests.web.conftest import Person

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b"nonsense",
        b"1" * 5000,
        b"[" * 30_000,
        b'{"username": NaN_}',
    ],
)
async def test_what_is_not_json(http: httpx.AsyncClient, body: bytes) -> None:
    response = await http.post("/users", content=body, headers=JSON)
    assert response.status_code == 400
    assert response.json() == {
        "data": None,
        "errors": [{"code": "invalid_input", "message": "the body is not JSON, JSON is expected"}],
    }


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (
            b"[]",
            "body",
            "body does not fit: input should be a valid dictionary or object to extract fields from",
        ),
        (b"null", "body", "body does not fit: input should be a valid dictionary"),
        (b"{}", "username", "username is missing"),
        (b'{"username": 5}', "username", "username does not fit: input should be a valid string"),
        (b'{"username": "\\ud800", "password": "x"}', "username", "username contains U+D800"),
        (b'{"\\ud800": 5}', "body", "body does not fit"),
    ],
)
async def test_shapes_that_do_not_fit(http: httpx.AsyncClient, body: bytes, field: str, message: str) -> None:
    response = await http.post("/users", content=body, headers=JSON)
    assert response.status_code == 422
    first = response.json()["errors"][0]
    assert (first["code"], first["field"]) == ("invalid_input", field)
    assert first["message"].startswith(message)


async def test_what_was_sent_is_not_repeated(http: httpx.AsyncClient) -> None:
    response = await http.post("/users", json={"username": ["hunter2"], "password": {"x": "hunter2"}})
    assert response.status_code == 422
    assert "hunter2" not in response.text


async def test_long_and_many_names_are_cut_short(http: httpx.AsyncClient) -> None:
    response = await http.post("/users", json={f"{number}{'x' * 500}": 1 for number in range(100)})
    errors = response.json()["errors"]
    assert len(errors) == 10
    assert all(len(error["field"]) <= 64 for error in errors)


async def test_paths_and_methods_that_are_not_there(http: httpx.AsyncClient) -> None:
    missing = await http.get("/nowhere")
    assert (missing.status_code, missing.json()["errors"][0]["code"]) == (404, "not_found")
    wrong = await http.put("/users")
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (405, "method_not_allowed")
    assert "POST" in wrong.headers["allow"]


async def test_expired_tokens(http: httpx.AsyncClient, ann: Person, clock: FakeClock) -> None:
    clock.forward(600)
    response = await http.get("/users/me", headers=ann.headers)
    assert response.status_code == 401
    assert response.json()["errors"] == [{"code": "not_signed_in", "message": "the access token has expired"}]


async def test_the_unexpected_is_logged_and_not_told(
    app: FastAPI, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError("the secret of the universe")

    with caplog.at_level(logging.ERROR):
        response = await http.get("/broken")
    assert response.status_code == 500
    assert "secret" not in response.text
    [error] = response.json()["errors"]
    assert error["code"] == "internal"
    found = re.search(r"as ([0-9a-f]{12})$", error["message"])
    assert found is not None
    [record] = caplog.records
    assert found[1] in record.getMessage()
    assert record.exc_info is not None
    assert "content-security-policy" in response.headers


async def test_an_answer_that_breaks_half_way_is_broken_off(
    app: FastAPI, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b"half"
        raise ZeroDivisionError

    @app.get("/half")
    async def broken() -> StreamingResponse:
        return StreamingResponse(half())

    with caplog.at_level(logging.ERROR), pytest.raises(ZeroDivisionError):
        await http.get("/half")
    assert len(caplog.records) == 1
