"""What Prometheus is told of the engine and the log. All of it is looked up when Prometheus asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from chirpbird.chat.entities import Entry, EntryKind
from chirpbird.realtime import Node
from chirpbird.realtime.protocol import disconnects

__all__ = ["Figures"]

_COUNTERS = {
    "connections": ("connections_accepted", "Realtime connections accepted, whether or not they got in."),
    "commands": ("commands", "Commands of clients."),
    "errors": ("error_replies", "Commands that were answered with an error."),
    "publications": (
        "publications_received",
        "Announcements that came over the bus for channels with subscribers here.",
    ),
    "deliveries": (
        "publications_delivered",
        "Publications handed to subscribers live, once for each of them; not what recovery gave.",
    ),
    "recovered": ("recoveries", "Subscriptions of returning clients that missed nothing in the end."),
    "unrecovered": ("recoveries_failed", "Subscriptions of returning clients that had to start anew."),
    "fills": ("gap_fills", "Readings of the log that filled a hole left by the bus."),
    "positions_lost": (
        "positions_lost",
        "Channels whose place in the log was lost, and whose subscribers start anew.",
    ),
}
"""The engine's running totals: name and description."""


class Figures(Collector):
    """Reads a node's state, and counts what its log made durable."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._appended = 0

    def committed(self, entries: Sequence[Entry]) -> None:
        """A commit listener of the log."""
        self._appended += sum(entry.kind is EntryKind.MESSAGE for entry in entries)

    def collect(self) -> Iterator[Metric]:
        """All figures at this moment."""
        stats = self._node.stats()
        yield _gauge(
            "connections", "Realtime connections, with those that have not got in yet.", stats.num_connections
        )
        yield _gauge("clients", "Clients that are connected.", stats.num_clients)
        yield _gauge("users", "People who are connected here, with however many clients.", stats.num_users)
        yield _gauge("channels", "Channels with subscribers here.", stats.num_channels)
        yield _gauge("subscriptions", "Subscriptions of the clients here.", stats.num_subscriptions)
        yield _gauge("nodes", "Nodes known to be alive, with this one.", len(self._node.info().nodes))
        yield _gauge(
            "bus_up",
            "1 while announcements reach the other nodes and theirs come; 0: the logs are followed.",
            self._node.bus_up,
        )
        yield _counter(
            "messages_appended", "Messages that this node put into the log, durably.", self._appended
        )
        totals = stats.counters.totals()
        for field, (name, description) in _COUNTERS.items():
            yield _counter(name, description, totals[field])
        codes = stats.counters.disconnects
        yield _counter(
            "slow_disconnects",
            "Clients that did not read fast enough and were disconnected (3008).",
            codes.get(disconnects.SLOW.code, 0),
        )
        by_code = CounterMetricFamily(
            "chirpbird_disconnects", "Connections that ended, by the protocol's code.", labels=["code"]
        )
        for code, count in sorted(codes.items()):
            by_code.add_metric([str(code)], count)
        yield by_code


def _gauge(name: str, description: str, value: float) -> Metric:
    return GaugeMetricFamily(f"chirpbird_{name}", description, value=value)


def _counter(name: str, description: str, value: float) -> Metric:
    return CounterMetricFamily(f"chirpbird_{name}", description, value=value)
