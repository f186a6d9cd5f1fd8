"""What people install: a wheel that has the web client in it, and serves it where no Node is."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Server

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    [built] = out.glob("*.whl")
    return built


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    """The directory of the commands of an environment that has the wheel, and this one's other packages."""
    home = tmp_path / "venv"
    venv.create(home, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    # A line of a .pth file: no .pth files of that directory are read in turn, so no editable chirpbird is found there.
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = str(home / "bin" / "python")
    install = ("install", "--no-deps", "--no-index", "--quiet", "--disable-pip-version-check", str(wheel))
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, *install], check=True, capture_output=True
    )
    return home / "bin"


def test_the_wheel_has_the_client_and_nothing_of_its_making(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    client = [
        name.removeprefix("chirpbird/web/client/")
        for name in names
        if name.startswith("chirpbird/web/client/")
    ]
    assert "index.html" in client
    assert [name for name in client if re.fullmatch(r"assets/index-.*\.js", name)]
    assert [name for name in client if re.fullmatch(r"assets/index-.*\.js\.(br|gz|zst)", name)]
    assert [name for name in client if re.fullmatch(r"assets/index-.*\.css", name)]
    assert not [name for name in names if "node_modules" in name or name.endswith((".svelte", ".ts", ".map"))]
    assert {name.split("/")[0] for name in names} <= {"chirpbird"} | {
        name.split("/")[0] for name in names if ".dist-info/" in name
    }
    assert [name for name in names if name.endswith("/licenses/LICENSE")]


def _place_of_chirpbird(installed: Path) -> Path:
    where = [str(installed / "python"), "-P", "-c", "import chirpbird; print(chirpbird.__file__)"]
    found = subprocess.run(where, check=True, capture_output=True, text=True, env={})
    return Path(found.stdout.strip())


async def test_it_serves_the_page_without_node(installed: Path, tmp_path: Path) -> None:
    assert _place_of_chirpbird(installed).is_relative_to(installed.parent)
    environment = {"PATH": str(installed), "PYTHONPATH": ""}
    server = Server(tmp_path / "data", environment, command=[str(installed / "chirpbird")])
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=server.url) as http:
            page = await http.get("/")
            assert page.status_code == 200
            scripts = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)
            assert scripts
            for script in scripts:
                assert (await http.get(script)).status_code == 200
            assert (await http.get("/health/ready")).status_code == 200
    finally:
        await server.close()
