"""docs/API.md says what is: its examples run, and its tables are the application's."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from pathlib import Path

import httpx
import uvicorn

from chirpbird.chat import errors
from chirpbird.chat.service import Chat
from chirpbird.web.application import create_app
from tests.support.memory_store import MemoryStore

PAGE = (Path(__file__).parents[2] / "docs" / "API.md").read_text()
SECRET = b"s" * 32


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


async def test_the_python_session_runs_against_a_real_server() -> None:
    [session] = blocks("python")
    app = create_app(Chat(store=MemoryStore(), secret=SECRET))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        here = session.replace("127.0.0.1:8000", f"127.0.0.1:{listener.getsockname()[1]}")
        assert here != session
        try:
            await asyncio.to_thread(exec, compile(here, "docs/API.md", "exec"), {})
        finally:
            server.should_exit = True
            await serving


async def test_the_failure_is_what_the_server_answers() -> None:
    [example] = blocks("json")
    app = create_app(Chat(store=MemoryStore(), secret=SECRET))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://chat.test") as http:
        response = await http.post("/users", json={"username": "a", "password": "correct horse"})
    assert response.json() == json.loads(example)


def test_the_routes_are_the_applications() -> None:
    described = {
        (method, path.partition("?")[0].replace("{id}", "{channel_id}"))
        for method, path in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/\S*?)`", PAGE)
    }
    paths = create_app(Chat(store=MemoryStore(), secret=SECRET)).openapi()["paths"]
    routed = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert described == routed


def test_the_errors_are_the_chats() -> None:
    table = PAGE.partition("## Errors")[2]
    for name in errors.__all__:
        error = getattr(errors, name)
        if error is errors.ChatError:
            continue
        [row] = [line for line in table.splitlines() if f"`{error.name}`" in line]
        _, _, statuses, codes, *_ = row.split("|")
        assert str(error.status) in statuses, name
        # Sign-in is not among the operations that the WebSocket offers.
        assert str(error.code) in codes or error is errors.WrongCredentials, name
