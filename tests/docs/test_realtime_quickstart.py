"""The quickstart of docs/realtime.md, run as it stands there."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import connect

from chirpbird.realtime import Node
from tests.support.ports import free_port
from tests.support.realtime import Peer

PAGE = Path(__file__).parents[2] / "docs" / "realtime.md"
[CODE] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
APP = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("an app"))])
asyncio.run(main(app, %d))
"""


async def test_the_quickstart_serves_clients() -> None:
    names: dict[str, Any] = {}
    exec(CODE, names)  # noqa: S102
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


async def test_its_main_serves_websockets_and_the_app_on_one_port() -> None:
    port = free_port()
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CODE + APP % port), stderr=asyncio.subprocess.PIPE
    )
    assert server.stderr is not None
    while b"running on" not in (line := await server.stderr.readline()):
        assert line, "it ended"
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"http://127.0.0.1:{port}/")).text == "an app"
    async with connect(f"ws://127.0.0.1:{port}/connection/websocket") as socket:
        await socket.send('{"id": 1, "connect": {"token": "ann"}}\n{"id": 2, "rpc": {"method": "any"}}')
        replies = [
            json.loads(line) for line in "\n".join([str(await socket.recv()) for _ in "12"]).split("\n")
        ]
        assert [reply["id"] for reply in replies] == [1, 2]
        assert replies[1]["rpc"] == {"data": "hello"}
        server.send_signal(signal.SIGTERM)
        await socket.wait_closed()
        assert socket.close_code == 3001
    await server.stderr.read()
    assert await server.wait() == 0
