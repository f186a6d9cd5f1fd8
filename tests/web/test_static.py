from __future__ import annotations

import gzip
from pathlib import Path

import httpx
import pytest

from chirpbird.chat.service import Chat
from chirpbird.web.application import create_app
from chirpbird.web.static import ClientFiles

SCRIPT = b"console.log('hello');" * 100
PACKED = gzip.compress(SCRIPT, mtime=0)


@pytest.fixture
def client_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "client"
    (directory / "assets").mkdir(parents=True)
    (directory / ".vite").mkdir()
    (directory / "index.html").write_text("<!doctype html><title>Chirpbird</title>")
    (directory / "assets" / "main-3f2a.js").write_bytes(SCRIPT)
    (directory / "assets" / "main-3f2a.js.gz").write_bytes(PACKED)
    (directory / "assets" / "main-3f2a.js.br").write_bytes(b"brotli")
    (directory / "manifest.webmanifest").write_text("{}")
    (directory / ".vite" / "manifest.json").write_text("{}")
    (tmp_path / "secret.txt").write_text("secret")
    return directory


@pytest.fixture
def files(client_dir: Path, chat: Chat) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(chat, client_dir=client_dir))
    return httpx.AsyncClient(transport=transport, base_url="http://chat.test")


@pytest.mark.parametrize("path", ["/", "/index.html", "/c", "/c/", "/c/01HZX3K6V0000000000000000A"])
async def test_pages_are_the_clients(files: httpx.AsyncClient, path: str) -> None:
    response = await files.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    assert "Chirpbird" in response.text


async def test_hashed_files_never_change(files: httpx.AsyncClient) -> None:
    response = await files.get("/assets/main-3f2a.js", headers={"Accept-Encoding": "identity"})
    assert response.content == SCRIPT
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "content-security-policy" in response.headers


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0", None),
        ("deflate", None),
        ("", None),
    ],
)
async def test_the_packed_file_that_the_browser_takes(
    files: httpx.AsyncClient, accepted: str, encoding: str | None
) -> None:
    async with files.stream("GET", "/assets/main-3f2a.js", headers={"Accept-Encoding": accepted}) as response:
        content = b"".join([chunk async for chunk in response.aiter_raw()])
    assert response.headers.get("content-encoding") == encoding
    assert response.headers["vary"] == "Accept-Encoding"
    assert content == {"br": b"brotli", "gzip": PACKED, None: SCRIPT}[encoding]


async def test_what_the_browser_has_is_not_sent_again(files: httpx.AsyncClient) -> None:
    tag = (await files.get("/")).headers["etag"]
    response = await files.get("/", headers={"If-None-Match": f'"other", {tag}'})
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == tag


async def test_head_has_no_body(files: httpx.AsyncClient) -> None:
    response = await files.head("/manifest.webmanifest")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == "application/manifest+json"
    assert response.headers["content-length"] == "2"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "//etc/passwd",
        "/assets",
        "/assets/",
        "/.vite/manifest.json",
        "/assets/main-3f2a.js.gz",
        "/nowhere.js",
        "/channel",
        "/%00",
        "/%ff",
    ],
)
async def test_nothing_else_is_there(files: httpx.AsyncClient, path: str) -> None:
    response = await files.get(path)
    assert response.status_code == 404
    assert response.json()["errors"][0]["code"] == "not_found"


async def test_files_are_only_read(files: httpx.AsyncClient) -> None:
    assert (await files.post("/")).status_code == 404


async def test_a_client_that_was_not_built_says_so(http: httpx.AsyncClient) -> None:
    response = await http.get("/")
    assert response.status_code == 503
    assert "make run" in response.text
    assert (await http.get("/assets/main.js")).status_code == 404


def test_a_directory_that_is_not_there_is_an_empty_one(tmp_path: Path) -> None:
    assert not ClientFiles(tmp_path / "nowhere").has("index.html")


async def test_nothing_but_http_is_served() -> None:
    async def unused() -> dict[str, str]:
        return {}

    async def unwanted(_message: object) -> None: ...

    with pytest.raises(RuntimeError, match="scope type is websocket, http is expected"):
        await ClientFiles(None)({"type": "websocket"}, unused, unwanted)
