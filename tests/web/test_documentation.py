from __future__ import annotations

import re
from pathlib import Path

import httpx

from chirpbird.chat.service import Chat
from chirpbird.web.application import create_app


async def test_the_page_loads_only_what_is_ours(chat: Chat, tmp_path: Path) -> None:
    (tmp_path / "swagger").mkdir()
    for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
        (tmp_path / "swagger" / name).write_text("/* Swagger UI */")
    transport = httpx.ASGITransport(create_app(chat, client_dir=tmp_path))
    async with httpx.AsyncClient(transport=transport, base_url="http://chat.test") as http:
        page = (await http.get("/docs")).text
        assert "<script>" not in page
        links = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert len(links) == 3
        for link in links:
            assert link.startswith("/")
            assert (await http.get(link)).status_code == 200
        script = await http.get("/docs/start.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "/openapi.json" in script.text


async def test_without_swagger_ui_the_page_says_so(http: httpx.AsyncClient) -> None:
    response = await http.get("/docs")
    assert response.status_code == 200
    assert 'href="/openapi.json"' in response.text
    assert "<script" not in response.text


async def test_the_description_is_complete(http: httpx.AsyncClient) -> None:
    description = (await http.get("/openapi.json")).json()
    assert description["components"]["securitySchemes"]["accessToken"]["scheme"] == "bearer"
    assert "HTTPValidationError" not in description["components"]["schemas"]
    tags = {tag["name"] for tag in description["tags"]}
    operations = [
        (path, method, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) == 36
    for path, method, operation in operations:
        assert operation["summary"], (method, path)
        assert operation["description"], (method, path)
        assert set(operation["tags"]) <= tags, (method, path)
        success = [status for status in operation["responses"] if status.startswith("2")]
        assert len(success) == 1, (method, path)
        if "security" in operation:
            assert "401" in operation["responses"]
