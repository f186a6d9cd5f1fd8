"""What a configuration puts on the port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn.server import ServerState
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chirpbird.standalone.server import uvicorn_config
from tests.support.standalone import Box

INSECURE = {"insecure": True, "subscribe_to_user_personal_channel": {"enabled": True}}


@asynccontextmanager
async def port(**sections: Any) -> AsyncIterator[str]:
    """A configuration on a port; its address."""
    async with Box(client=INSECURE, **sections) as box:
        config = uvicorn_config(box.config, box.node, box.broker, box.rules)
        config.load()
        protocol: Any = config.http_protocol_class
        server = await asyncio.get_running_loop().create_server(
            lambda: protocol(config, ServerState(), {}), "127.0.0.1", 0
        )
        async with server:
            yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            await box.node.shutdown()


async def told(url: str, first: str = "") -> dict[str, Any]:
    async with connect(url, proxy=None, close_timeout=0.1) as socket:
        if first:
            await socket.send(first)
        answer: dict[str, Any] = json.loads(await socket.recv())
        return answer


async def status(url: str) -> int:
    with pytest.raises(InvalidStatus) as caught:
        await told(url)
    return caught.value.response.status_code


async def test_websockets_and_nothing_else_is_the_default() -> None:
    async with port() as url:
        assert (await told(f"{url}/connection/websocket", '{"id":1,"connect":{}}'))["id"] == 1
        assert await status(f"{url}/connection/uni_websocket") == 404


async def test_a_socket_that_only_listens_begins_with_a_message_or_in_its_query() -> None:
    async with port(uni_websocket={"enabled": True, "handler_prefix": "/listen"}) as url:
        assert (await told(f"{url}/listen", "{}"))["connect"]["client"]
        assert (await told(f"{url}/listen?cf_connect=%7B%7D"))["connect"]["client"]
        assert (await told(f"{url}/connection/websocket", '{"id":1,"connect":{}}'))["id"] == 1


async def test_those_that_only_listen_may_be_the_only_ones() -> None:
    async with port(uni_websocket={"enabled": True}, websocket={"disabled": True}) as url:
        assert (await told(f"{url}/connection/uni_websocket", "{}"))["connect"]["client"]
        assert await status(f"{url}/connection/websocket") == 404


async def test_without_any_a_websocket_is_not_found() -> None:
    async with port(websocket={"disabled": True}) as url:
        assert await status(f"{url}/connection/websocket") in (400, 404)


@pytest.mark.parametrize(("size", "code"), [(1000, 1000), (1025, 1009)])
async def test_who_only_listens_has_little_to_say(size: int, code: int) -> None:
    async with port(uni_websocket={"enabled": True, "message_size_limit": 1024}) as url:
        request = '{"data":"%s"}' % ("x" * (size - 11))
        async with connect(f"{url}/connection/uni_websocket", proxy=None, close_timeout=0.1) as socket:
            await socket.send(request)
            if code == 1000:
                assert json.loads(await socket.recv())["connect"]
                return
            with pytest.raises(ConnectionClosed) as caught:
                await socket.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == code
