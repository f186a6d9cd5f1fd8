"""What is served over plain HTTP: streams for clients, the API, health and metrics."""

from __future__ import annotations

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from chirpbird.realtime import Broker, Node
from chirpbird.realtime.transports.asgi import PATHS, realtime_app
from chirpbird.realtime.transports.exchange import HttpLimits
from chirpbird.standalone.api import ApiEndpoint, ApiMethods
from chirpbird.standalone.config import Config
from chirpbird.standalone.metrics import node_registry
from chirpbird.standalone.rules import Rules

__all__ = ["create_app"]


_MIN_EMULATION = 1 << 20
"""Bytes of a request to the emulation endpoint that are allowed at least: SDKs send all their subscriptions in one."""


def create_app(config: Config, node: Node, broker: Broker, rules: Rules) -> ASGIApp:
    """Everything but the WebSockets, which are taken before they get here. What is switched off is not found."""
    paths = config.paths()
    return realtime_app(
        node,
        paths={
            name: path for name, path in paths.items() if name in PATHS and not name.endswith("websocket")
        },
        allowed_origins=config.client.allowed_origins,
        limits=HttpLimits(
            max_connect_size=max(
                config.http_stream.max_request_body_size,
                config.sse.max_request_body_size,
                config.uni_http_stream.max_request_body_size,
                config.uni_sse.max_request_body_size,
            ),
            max_emulation_size=max(config.emulation.max_request_body_size, _MIN_EMULATION),
        ),
        otherwise=_backend_app(config, node, broker, rules),
    )


def _backend_app(config: Config, node: Node, broker: Broker, rules: Rules) -> Starlette:
    """For the application's backend and its operators."""
    registry = node_registry(node)
    paths = config.paths()
    routes = []
    if "http_api" in paths:
        endpoint = ApiEndpoint(ApiMethods(node, broker, rules), config.http_api, registry)

        async def call_api(request: Request) -> Response:
            return await endpoint(request)

        routes.append(Route(f"{paths['http_api'].rstrip('/')}/{{method}}", call_api, methods=["POST"]))
    if "health" in paths:
        routes.append(Route(paths["health"], _health))
    if "prometheus" in paths:

        async def metrics(_request: Request) -> Response:
            return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

        routes.append(Route(paths["prometheus"], metrics))
    return Starlette(routes=routes)


async def _health(_request: Request) -> Response:
    """The process answers."""
    return Response(b"{}", media_type="application/json")
