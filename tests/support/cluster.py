"""Several nodes in one process that hear each other's control messages."""

from __future__ import annotations

import asyncio

from chirpbird.realtime import Node, NodeConfig
from tests.support.realtime import Bus, FakeClock, settle, with_handlers

__all__ = ["Town", "Wire"]


class Wire(Bus):
    """A bus whose control messages reach all nodes of a town, the one that said it too, as on a real one."""

    def __init__(self, clock: FakeClock, town: Town) -> None:
        super().__init__(clock)
        self._town = town
        self.cut = False
        """Nothing comes in or goes out."""
        self.failing = False

    def publish_control(self, data: bytes) -> None:
        if self.failing:
            raise ConnectionError("the bus is down")
        if not self.cut:
            asyncio.get_running_loop().call_soon(self._town.pass_on, data)

    def hear(self, data: bytes) -> None:
        if not self.cut and self.events is not None:
            self.events.on_control(data)


class Town:
    """Nodes, and the clock that they share."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.nodes: list[Node] = []
        self.wires: list[Wire] = []
        self.said = 0
        """Control messages so far."""

    async def found(self, config: NodeConfig | None = None) -> Node:
        """One more node, started, and known to the others."""
        wire = Wire(self.clock, self)
        node = with_handlers(Node(config, broker=wire, clock=self.clock))
        self.wires.append(wire)
        self.nodes.append(node)
        await node.start()
        await settle()
        return node

    def pass_on(self, data: bytes) -> None:
        self.said += 1
        for wire in self.wires:
            wire.hear(data)

    async def later(self, seconds: float) -> None:
        """Let time go by."""
        self.clock.now += seconds
        for node in self.nodes:
            node.tick()
        await settle()
