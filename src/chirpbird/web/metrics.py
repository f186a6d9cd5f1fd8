"""Counts and times of HTTP requests, and the registry that the engine's gauges are added to."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Metrics", "RequestMetrics"]

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
UNROUTED = "other"
"""The route label of client files and of paths that do not exist: labels must stay few."""


class Metrics:
    """One registry per application, so that several can live in a process."""

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "chirpbird_http_requests",
            "HTTP requests by route, method and status.",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "chirpbird_http_request_seconds",
            "Time from a request's head to the end of its answer.",
            ["route", "method"],
            buckets=_BUCKETS,
            registry=self.registry,
        )

    def gauge(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Add a figure that is asked for whenever Prometheus asks.

        ``name`` gets the prefix ``chirpbird_``.
        """
        Gauge(f"chirpbird_{name}", description, registry=self.registry).set_function(value)

    def register(self, collector: Collector) -> None:
        """Add a collector of many figures at once."""
        self.registry.register(collector)

    def exposition(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self.registry)


class RequestMetrics:
    """Middleware that counts and times requests by their route's template."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", UNROUTED)
            method = scope["method"] if scope["method"] in _METHODS else UNROUTED
            self._metrics.requests.labels(route, method, status).inc()
            self._metrics.seconds.labels(route, method).observe(time.perf_counter() - began)
