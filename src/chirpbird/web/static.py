"""The built web client, from memory.

All files are read once at the start: there is nothing to traverse to, and nothing to wait for. They come to a
few megabytes.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from chirpbird.web.envelope import Problem, failure

__all__ = ["ClientFiles"]

_INDEX = "index.html"
_HASHED = "assets/"
"""What the build puts here has its content's hash in its name."""
_ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""In order of preference."""
_IMMUTABLE = "public, max-age=31536000, immutable"
_REVALIDATE = "no-cache"
_TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json", ".svg": "image/svg+xml"}
_NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Chirpbird</title></head>
<body>
<h1>Chirpbird is running</h1>
<p>The web client has not been built. In a checkout of the sources, <code>make run</code> builds it;
by hand it is <code>npm --prefix frontend ci</code> and <code>npm --prefix frontend run build</code>.
Then start the server again.</p>
<p>The API is here: <a href="/docs">/docs</a>.</p>
</body>
</html>
"""


@dataclass(frozen=True)
class _File:
    media_type: str
    cache_control: str
    variants: Mapping[str, bytes]
    """Content by encoding; "" is the plain one."""
    etag: str


class ClientFiles:
    """An ASGI application for every path that is not the API's.

    Files by their path; the client's index page for ``/`` and ``/c/...``, which the client tells apart by
    itself; 404 for the rest.
    """

    def __init__(self, directory: Path | None) -> None:
        self._files = _read(directory) if directory is not None and directory.is_dir() else {}

    def has(self, path: str) -> bool:
        """Whether there is a file of this path (relative, with slashes)."""
        return path in self._files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"scope type is {scope['type']}, http is expected")
        await self._respond(scope)(scope, receive, send)

    def _respond(self, scope: Scope) -> Response:
        path = scope["path"].removeprefix("/")
        is_page = path == "" or path == "c" or path.startswith("c/")
        if scope["method"] not in ("GET", "HEAD"):
            return failure(404, [Problem("not_found", "not found")])
        file = self._files.get(_INDEX if is_page else path)
        if file is not None:
            return _serve(file, Headers(scope=scope))
        if is_page:
            return HTMLResponse(_NOT_BUILT, status_code=503, headers={"Cache-Control": "no-store"})
        return failure(404, [Problem("not_found", "not found")])


def _serve(file: _File, request: Headers) -> Response:
    encoding = _choose(file, request.get("accept-encoding", ""))
    # A weak tag: the variants differ in bytes and not in meaning.
    headers = {"ETag": file.etag, "Cache-Control": file.cache_control, "Vary": "Accept-Encoding"}
    if file.etag in (tag.strip() for tag in request.get("if-none-match", "").split(",")):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(file.variants[encoding], media_type=file.media_type, headers=headers)


def _choose(file: _File, accepted: str) -> str:
    wanted = set()
    for part in accepted.lower().split(","):
        name, _, parameters = part.partition(";")
        if parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            wanted.add(name.strip())
    return next((name for name in _ENCODINGS if name in wanted and name in file.variants), "")


def _read(directory: Path) -> dict[str, _File]:
    files = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        hidden = any(part.startswith(".") for part in name.split("/"))
        if hidden or not path.is_file() or path.suffix in _ENCODINGS.values():
            continue
        content = path.read_bytes()
        variants = {"": content}
        for encoding, suffix in _ENCODINGS.items():
            packed = path.with_name(path.name + suffix)
            if packed.is_file():
                variants[encoding] = packed.read_bytes()
        files[name] = _File(
            media_type=_TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream",
            cache_control=_IMMUTABLE if name.startswith(_HASHED) else _REVALIDATE,
            variants=variants,
            etag=f'W/"{hashlib.sha256(content).hexdigest()[:20]}"',
        )
    return files
