"""What has to happen in Redis as one step: the Lua files beside this, and what they are known by."""

from __future__ import annotations

from hashlib import sha1
from importlib.resources import files

import msgspec

__all__ = ["PRESENCE", "PRESENT", "PUBLISH", "READ", "REMOVE", "SCRIPTS", "STATS", "Script"]


class Script(msgspec.Struct, frozen=True):
    """A script, and the digest that EVALSHA wants."""

    source: bytes
    digest: str


def _load(name: str, *before: str) -> Script:
    folder = files(__package__) / "lua"
    source = b"".join((folder / f"{part}.lua").read_bytes() for part in (*before, name))
    return Script(source, sha1(source, usedforsecurity=False).hexdigest())


PUBLISH = _load("publish", "position")
READ = _load("read", "position")
PRESENT = _load("present", "expire")
REMOVE = _load("remove", "expire")
PRESENCE = _load("presence", "expire")
STATS = _load("stats", "expire")
SCRIPTS = (PUBLISH, READ, PRESENT, REMOVE, PRESENCE, STATS)
