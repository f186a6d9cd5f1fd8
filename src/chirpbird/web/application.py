"""The HTTP side put together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from chirpbird import __version__
from chirpbird.chat.service import Chat
from chirpbird.web import documentation
from chirpbird.web.errors import UnexpectedErrors, install_error_handlers
from chirpbird.web.metrics import Metrics, RequestMetrics
from chirpbird.web.readiness import NodeHealth, Readiness
from chirpbird.web.routes import ROUTERS
from chirpbird.web.security import JsonBodies, SecurityHeaders
from chirpbird.web.static import ClientFiles

__all__ = ["create_app"]


async def _always_healthy() -> Sequence[str]:
    return ()


def create_app(
    chat: Chat,
    *,
    node_health: NodeHealth = _always_healthy,
    client_dir: Path | None = None,
    metrics: Metrics | None = None,
    allowed_origins: Collection[str] = (),
) -> FastAPI:
    """The ASGI application.

    ``node_health`` gives the reasons, besides the store's, why this node should get no traffic.
    ``client_dir`` holds the built web client (None, or not there: pages say how to build it). ``metrics`` is
    shared with whoever adds figures of its own. ``allowed_origins``: those of other sites whose pages may call the API.
    """
    metrics = metrics or Metrics()
    client_files = ClientFiles(client_dir)
    app = FastAPI(
        title="Chirpbird",
        version=__version__,
        description=documentation.DESCRIPTION,
        openapi_tags=documentation.TAGS,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Off: it would record the messages of validation errors, and requests are counted here already.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.allowed_origins = frozenset(allowed_origins)
    app.state.chat = chat
    app.state.client_files = client_files
    app.state.metrics = metrics
    app.state.readiness = Readiness(chat.store.check_writable, node_health, chat.clock)
    for router in (*ROUTERS, documentation.router):
        app.include_router(router)
    app.router.default = client_files
    install_error_handlers(app)
    _add_middleware(app, metrics, allowed_origins)
    return app


def _add_middleware(app: FastAPI, metrics: Metrics, allowed_origins: Collection[str]) -> None:
    # The last one added is the outermost.
    app.add_middleware(UnexpectedErrors)
    app.add_middleware(JsonBodies)
    if allowed_origins:
        # Without credentials: another site's page has no use of our cookie, and sends its access token itself.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=allowed_origins,
            allow_methods=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=("Authorization", "Content-Type"),
            expose_headers=("Retry-After",),
        )
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestMetrics, metrics=metrics)
