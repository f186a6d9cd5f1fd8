"""The wheel is all that a server needs: built, installed where no Node is, and served from."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
HERE = "Chirpbird is at "


def _build(into: Path) -> Path:
    command = (sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(into), str(ROOT))
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = into.glob("*.whl")
    return wheel


def _install(wheel: Path, environment: Path) -> Path:
    """Into an empty environment, and give back its program.

    What the wheel depends on is borrowed from the environment of the tests, which has the locked versions: that they can be
    downloaded is what `make run` shows. The package itself is found in the wheel's own copy first.
    """
    venv.create(environment, with_pip=True, symlinks=True)
    program = environment / "bin" / "chirpbird"
    pip = (str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install")
    subprocess.run((*pip, "--quiet", "--no-deps", "--no-index", str(wheel)), check=True, capture_output=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    # A bare path: unlike a site directory's, its own .pth files, of which one names our sources, are not read.
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return program


def test_a_built_wheel_serves_without_node(tmp_path: Path) -> None:
    wheel = _build(tmp_path / "dist")
    names = zipfile.ZipFile(wheel).namelist()
    client = [name for name in names if name.startswith("chirpbird/web/client/")]
    assert "chirpbird/web/client/index.html" in client
    for ending in (".js", ".css", ".js.br", ".js.gz", ".svg", ".webmanifest"):
        assert any(name.endswith(ending) for name in client), (ending, client)
    assert "chirpbird/storage/sqlite/schema/0001.sql" in names
    assert not [name for name in names if "node_modules" in name or name.startswith("tests")]

    program = _install(wheel, tmp_path / "environment")
    asyncio.run(_serve_and_ask(program, tmp_path / "data"))


async def _serve_and_ask(program: Path, data: Path) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL"))}
    server = await asyncio.create_subprocess_exec(
        *(str(program), "serve", "--port", "0", "--data", str(data)),
        stdout=asyncio.subprocess.PIPE,
        env={**bare, "PATH": str(program.parent)},
        cwd=data.parent,
    )
    try:
        assert server.stdout is not None
        said = (await server.stdout.readline()).decode()
        assert said.startswith(HERE), said
        url = said.removeprefix(HERE).split()[0]
        async with httpx.AsyncClient(base_url=url) as http:
            assert (await http.get("/health/ready")).json()["data"] == {"ready": True}
            page = await http.get("/")
            assert page.status_code == 200
            script = page.text.split('src="/assets/', 1)[1].split('"', 1)[0]
            answer = await http.get(f"/assets/{script}", headers={"Accept-Encoding": "gzip"})
            assert answer.status_code == 200
            assert answer.headers["Content-Encoding"] == "gzip"
            assert answer.headers["Content-Type"].startswith("text/javascript")
    finally:
        server.terminate()
        await server.wait()
    assert server.returncode == 0
