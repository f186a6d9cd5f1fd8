from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from chirpbird.web.security import MAX_BODY

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", ["/", "/ping", "/users/me", "/nowhere", "/c/x", "/docs", "/openapi.json"])
async def test_every_answer_has_the_headers(http: httpx.AsyncClient, path: str) -> None:
    headers = (await http.get(path)).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["style-src"] == ("'self' 'unsafe-inline'" if path == "/docs" else "'self'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["cache-control"] == "no-store"


async def chunks(total: int, size: int = 4096) -> AsyncIterator[bytes]:
    for start in range(0, total, size):
        yield b" " * min(size, total - start)


async def test_bodies_declared_too_large(http: httpx.AsyncClient) -> None:
    response = await http.post("/users", content=b" " * (MAX_BODY + 1), headers=JSON)
    assert response.status_code == 413
    assert response.headers["connection"] == "close"
    assert response.json()["errors"] == [
        {
            "code": "too_large",
            "message": "the body is larger than 65536 bytes, at most 65536 are expected",
        }
    ]


async def test_chunked_bodies_that_grow_too_large(http: httpx.AsyncClient) -> None:
    response = await http.post("/users", content=chunks(MAX_BODY + 1), headers=JSON)
    assert "content-length" not in response.request.headers
    assert response.status_code == 413


async def test_bodies_of_just_the_size(http: httpx.AsyncClient) -> None:
    assert (await http.post("/users", content=chunks(MAX_BODY), headers=JSON)).status_code == 400
    assert (await http.post("/users", content=b" " * MAX_BODY, headers=JSON)).status_code == 400


async def test_a_length_that_is_a_lie_is_found_out(http: httpx.AsyncClient) -> None:
    lie = {"Content-Length": "10"}
    assert (await http.post("/users", content=chunks(MAX_BODY + 1), headers=JSON | lie)).status_code == 413


async def test_lengths_that_make_no_sense(http: httpx.AsyncClient) -> None:
    for length in ("-1", "x", "1" * 10_000):
        response = await http.post("/users", content=chunks(0), headers=JSON | {"Content-Length": length})
        assert response.status_code in (413, 422)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None]
)
async def test_bodies_that_forms_could_post_are_refused(
    http: httpx.AsyncClient, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type is not None else {}
    response = await http.post("/sessions", content=b'{"username":"ann","password":"x"}', headers=headers)
    assert response.status_code == 422
    assert response.json()["errors"][0]["message"].endswith("application/json is expected")


async def test_the_content_type_may_have_parameters(http: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    response = await http.post("/sessions", content=b'{"username":"ann","password":"x"}', headers=headers)
    assert response.status_code == 401
