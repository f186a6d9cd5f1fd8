"""Figures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from chirpbird.realtime import Node

__all__ = ["node_registry"]

_PREFIX = "chirpbird_realtime_"
_COUNTERS = {
    "connections": "Connections accepted, whether or not they got in.",
    "commands": "Commands of clients.",
    "errors": "Error replies.",
    "publications": "Publications that came for channels with subscribers on this node.",
    "recovered": "Subscriptions of returning clients that missed nothing.",
    "unrecovered": "Subscriptions of returning clients that missed something.",
    "fills": "Readings of a stream that filled a hole left by the bus.",
    "positions_lost": "Channels whose place in the stream was lost.",
}


def node_registry(node: Node) -> CollectorRegistry:
    """A registry of its own, with the node's figures in it."""
    registry = CollectorRegistry()
    registry.register(_NodeCollector(node))
    return registry


class _NodeCollector(Collector):
    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterable[Metric]:
        stats = self._node.stats()
        yield _gauge("open_connections", "Connections now, in and on their way in.", stats.num_connections)
        yield _gauge("clients", "Clients now.", stats.num_clients)
        yield _gauge("users", "Different users now.", stats.num_users)
        yield _gauge("channels", "Channels with subscribers now.", stats.num_channels)
        yield _gauge("subscriptions", "Subscriptions now.", stats.num_subscriptions)
        for name, description in _COUNTERS.items():
            yield CounterMetricFamily(_PREFIX + name, description, value=getattr(stats.counters, name))
        ended = CounterMetricFamily(
            _PREFIX + "disconnects", "Connections ended by the server, by code.", labels=["code"]
        )
        for code, count in sorted(stats.counters.disconnects.items()):
            ended.add_metric([str(code)], count)
        yield ended


def _gauge(name: str, description: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, description, value=value)
