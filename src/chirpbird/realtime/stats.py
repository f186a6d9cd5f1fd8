"""What a node has to tell about itself."""

from __future__ import annotations

import msgspec

__all__ = ["Counters", "NodeInfo", "NodeStats", "NodesInfo"]


class Counters(msgspec.Struct, gc=False):
    """Running totals since the node was made."""

    connections: int = 0
    """Accepted, whether or not they got in."""
    commands: int = 0
    errors: int = 0
    """Error replies."""
    publications: int = 0
    """Announcements that came over the bus for channels with subscribers here."""
    deliveries: int = 0
    """Publications handed to subscribers as they came, once for each of them."""
    recovered: int = 0
    """Subscriptions of returning clients that missed nothing in the end."""
    unrecovered: int = 0
    fills: int = 0
    """Readings of a stream that filled a hole left by the bus."""
    positions_lost: int = 0
    disconnects: dict[int, int] = {}
    """By code."""

    def totals(self) -> dict[str, float]:
        """By name; disconnects of all codes together."""
        totals: dict[str, float] = {
            name: getattr(self, name) for name in self.__struct_fields__ if name != "disconnects"
        }
        totals["disconnects"] = sum(self.disconnects.values())
        return totals


class NodeInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the nodes of a cluster know of each other, as of the last announcement."""

    uid: str
    name: str
    version: str
    uptime: int
    """Seconds since its start."""
    num_clients: int
    num_users: int
    num_channels: int
    num_subs: int
    metrics: dict[str, float] = {}
    """Running totals by name."""


class NodeStats(msgspec.Struct, frozen=True):
    """A node at one moment."""

    node_id: str
    name: str
    num_connections: int
    """Including those that have not got in yet."""
    num_clients: int
    num_users: int
    num_channels: int
    num_subscriptions: int
    counters: Counters

    def info(self, version: str, uptime: float) -> NodeInfo:
        """For the others. ``uptime`` in seconds."""
        return NodeInfo(
            uid=self.node_id,
            name=self.name,
            version=version,
            uptime=int(uptime),
            num_clients=self.num_clients,
            num_users=self.num_users,
            num_channels=self.num_channels,
            num_subs=self.num_subscriptions,
            metrics=self.counters.totals(),
        )


class NodesInfo(msgspec.Struct, frozen=True):
    """All nodes that are known to be alive, this one first."""

    nodes: list[NodeInfo]
