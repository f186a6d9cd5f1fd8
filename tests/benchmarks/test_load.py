"""The load generator notices what a server does wrong: here is one that drops, repeats, swaps, damages and invents on purpose."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from benchmarks.engine import compile_c
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError

PUBLICATIONS = 40
SUBSCRIBERS = 3
Meddle = Callable[[list[str]], Sequence[str]]
"""What one subscriber gets, of the pushes that it should get, in order."""


class Liar:
    """A server of one channel. The first subscriber's pushes are held until all are there, and meddled with."""

    def __init__(self, meddle: Meddle) -> None:
        self._meddle = meddle
        self._subscribers: list[ServerConnection] = []
        self._held: list[str] = []

    async def serve(self, connection: ServerConnection) -> None:
        with suppress(ConnectionClosedError):  # the load does not say goodbye
            async for frame in connection:
                assert isinstance(frame, str)
                for line in frame.split("\n"):
                    await self._obey(connection, json.loads(line))

    async def _obey(self, connection: ServerConnection, command: dict[str, dict[str, str]]) -> None:
        answer: dict[str, object] = {"id": command["id"]}
        for name in command.keys() - {"id"}:
            answer[name] = {}
        if "subscribe" in command:
            self._subscribers.append(connection)
        if "publish" in command:
            push = json.dumps(
                {"push": {"channel": "c0", "pub": {"data": command["publish"]["data"]}}},
                separators=(",", ":"),
            )
            first, *others = self._subscribers
            for other in others:
                await other.send(push)
            self._held.append(push)
            if len(self._held) == PUBLICATIONS:
                await first.send("\n".join(self._meddle(self._held)))
        await connection.send(json.dumps(answer, separators=(",", ":")))


@asynccontextmanager
async def lying(meddle: Meddle) -> AsyncIterator[int]:
    async with serve(Liar(meddle).serve, "127.0.0.1", 0) as server:
        [socket] = server.sockets
        yield socket.getsockname()[1]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("load")
    compile_c(place)
    return place


async def put_under_load(programs: Path, meddle: Meddle) -> tuple[int, dict[str, float]]:
    options = {"subscribers": SUBSCRIBERS, "window": PUBLICATIONS, "publications": PUBLICATIONS}
    async with lying(meddle) as port:
        load = await asyncio.create_subprocess_exec(
            *(programs / "load", "--port", str(port), "--patience", "0.3"),
            *(part for name, value in options.items() for part in (f"--{name}", str(value))),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await load.communicate(b"go\nend\n")
        assert load.returncode is not None
        ready, report = said.splitlines()
        assert ready == b"ready"
        return load.returncode, json.loads(report)


def edited(edit: Callable[[list[str]], object]) -> Meddle:
    def meddle(pushes: list[str]) -> list[str]:
        pushes = list(pushes)
        edit(pushes)
        return pushes

    return meddle


async def test_an_honest_server_is_believed(programs: Path) -> None:
    code, said = await put_under_load(programs, list)
    assert code == 0
    assert said["delivered"] == said["expected"] == PUBLICATIONS * SUBSCRIBERS
    assert not any(
        said[fault] for fault in ("lost", "doubled", "reordered", "damaged", "invented", "unfinished")
    )


@pytest.mark.parametrize(
    ("meddle", "found"),
    [
        (edited(lambda pushes: pushes.pop(7)), {"lost": 1, "unfinished": 1}),
        (edited(lambda pushes: pushes.pop()), {"lost": 1, "unfinished": 1}),
        (edited(lambda pushes: pushes.clear()), {"lost": PUBLICATIONS, "unfinished": PUBLICATIONS}),
        (edited(lambda pushes: pushes.insert(7, pushes[6])), {"doubled": 1}),
        (edited(lambda pushes: pushes.append(pushes[-1])), {"doubled": 1}),
        (edited(lambda pushes: pushes.append(pushes[0])), {"doubled": 1}),
        (edited(lambda pushes: pushes.insert(3, pushes.pop(4))), {"reordered": 1}),
        (edited(lambda pushes: pushes.append(pushes.pop(0))), {"reordered": 1}),
        (edited(lambda pushes: pushes.append(pushes[15].replace("#0.15.", "#0.99."))), {"invented": 1}),
        (edited(lambda pushes: pushes.append(pushes[5].replace("#0.5.", "#1.5."))), {"invented": 1}),
        (
            edited(lambda pushes: pushes.insert(5, pushes.pop(5).replace("xx", "x"))),
            {"damaged": 1, "lost": 1, "unfinished": 1},
        ),
    ],
    ids=[
        "drops",
        "drops-last",
        "drops-all",
        "repeats",
        "repeats-last",
        "repeats-first",
        "swaps",
        "delays",
        "invents",
        "elsewhere",
        "damages",
    ],
)
async def test_a_lying_server_is_found_out(programs: Path, meddle: Meddle, found: dict[str, int]) -> None:
    code, said = await put_under_load(programs, meddle)
    assert code == 3
    faults = ("lost", "doubled", "reordered", "damaged", "invented", "unfinished")
    assert {fault: said[fault] for fault in faults if said[fault]} == found


async def test_a_server_that_refuses_is_an_error(programs: Path) -> None:
    load = await asyncio.create_subprocess_exec(
        *(programs / "load", "--port", "1"), stderr=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
    )
    _, said = await load.communicate()
    assert load.returncode == 1
    assert b"load: " in said
