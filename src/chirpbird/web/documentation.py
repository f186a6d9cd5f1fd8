"""OpenAPI, and Swagger UI to read it with: offline, and without a line of inline script."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from chirpbird.chat.permissions import Operation
from chirpbird.web.authentication import Anyone
from chirpbird.web.static import ClientFiles

__all__ = ["DESCRIPTION", "TAGS", "router"]

DESCRIPTION = """\
The chat over HTTP. Live messages go over WebSocket, by the Centrifuge protocol; both follow the same rules.

All answers have one shape: `{"data": ..., "errors": [...]}`. On success `errors` is empty; on failure `data`
is null and each entry of `errors` has a `code` for programs, a `message` for people, and a `field` where a
single input is at fault.
"""
TAGS = [
    {"name": "users", "description": "Registering, oneself, and finding others."},
    {"name": "sessions", "description": "Signing in, staying signed in, signing out."},
    {"name": "channels", "description": "Groups and direct channels, and who is in them."},
    {"name": "messages", "description": "A channel's log: reading and sending."},
    {"name": "reading", "description": "Read positions, typing, muting, last seen."},
    {"name": "health", "description": "For load balancers, operators and Prometheus."},
]

_BUNDLE, _STYLE = "swagger/swagger-ui-bundle.js", "swagger/swagger-ui.css"
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Chirpbird API</title>
<link rel="stylesheet" href="/{_STYLE}">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/{_BUNDLE}"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = """\
window.addEventListener("load", function () {
  SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    persistAuthorization: false,
    validatorUrl: null,
  });
});
"""
_NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Chirpbird API</title></head>
<body>
<h1>Chirpbird API</h1>
<p>The API's description is at <a href="/openapi.json">/openapi.json</a>. This page shows it once the web
client has been built, which brings Swagger UI along: <code>make run</code> in a checkout of the sources.</p>
</body>
</html>
"""

router = APIRouter(include_in_schema=False, dependencies=[Depends(Anyone(Operation.READ_CLIENT))])


@router.get("/openapi.json")
async def description(request: Request) -> Response:
    """The API's description for programs."""
    return JSONResponse(request.app.openapi())


@router.get("/docs")
async def page(request: Request) -> Response:
    """The API's description for people."""
    files: ClientFiles = request.app.state.client_files
    return HTMLResponse(_PAGE if files.has(_BUNDLE) and files.has(_STYLE) else _NOT_BUILT)


@router.get("/docs/start.js")
async def start_script() -> Response:
    """Starts Swagger UI; a file because the content security policy allows no inline scripts."""
    return Response(_START, media_type="text/javascript")
