"""The official JavaScript SDK, unmodified, against a real server: the suite in ``tests/sdk_js``, once per way to connect."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

SUITE = Path(__file__).parents[1] / "sdk_js"
KINDS = [
    ("websocket", "json"),
    ("websocket", "protobuf"),
    ("http_stream", "json"),
    ("http_stream", "protobuf"),
    ("sse", "json"),
]
"""Transports, by the SDK's names for them, and wire formats."""


@pytest.fixture
async def server() -> AsyncIterator[str]:
    """``tests.support.sdk_app`` in a process of its own, as ``host:port``. In the end it has logged nothing and ends in order."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.sdk_app"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    address = (await process.stdout.readline()).decode().strip()
    if address:
        yield address
        process.send_signal(signal.SIGTERM)
    _, logged = await process.communicate()
    assert (process.returncode, logged.decode()) == (0, "")


@pytest.mark.parametrize(("transport", "wire"), KINDS)
async def test_the_sdk_finds_what_it_expects(server: str, transport: str, wire: str) -> None:
    settings = {"SDK_SERVER": server, "SDK_TRANSPORT": transport, "SDK_WIRE": wire}
    code, printed = await run_suite(settings)
    assert code == 0, printed


async def run_suite(settings: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and what it printed."""
    node, vitest = shutil.which("node"), SUITE / "node_modules" / "vitest" / "vitest.mjs"
    assert node, "node is not installed; version 20 or newer is needed"
    assert vitest.exists(), "the suite's packages are not installed; `make test` installs them"
    process = await asyncio.create_subprocess_exec(
        *(node, str(vitest), "run"),
        cwd=SUITE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "NO_COLOR": "1", **settings},
    )
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode()
