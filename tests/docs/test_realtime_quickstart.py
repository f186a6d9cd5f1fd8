"""The quickstart of docs/realtime.md, run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from chirpbird.realtime import Node
from tests.support.realtime import Peer

PAGE = Path(__file__).parents[2] / "docs" / "realtime.md"


async def test_the_quickstart_serves_clients() -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102
    node = names["node"]
    assert isinstance(node, Node)
    await node.start()
    ann, bob = Peer(node), Peer(node)
    await ann.connect("ann")
    await bob.connect("bob")
    await bob.subscribe("news")
    assert await ann.ask(publish={"channel": "news", "data": {"n": 1}}) == {"publish": {}}
    [publication] = bob.pubs("news")
    assert (publication["data"], publication["info"]["user"]) == ({"n": 1}, "ann")
    assert await ann.ask(rpc={"method": "any", "data": {}}) == {"rpc": {"data": "hello"}}
    await node.shutdown()
