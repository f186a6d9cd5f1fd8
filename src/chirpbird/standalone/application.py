"""What is served over plain HTTP: the API, health and metrics."""

from __future__ import annotations

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chirpbird.realtime import Broker, Node
from chirpbird.standalone.api import ApiEndpoint, ApiMethods
from chirpbird.standalone.config import Config
from chirpbird.standalone.metrics import node_registry
from chirpbird.standalone.rules import Rules

__all__ = ["create_app"]


def create_app(config: Config, node: Node, broker: Broker, rules: Rules) -> Starlette:
    """Paths that are switched off do not exist."""
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
