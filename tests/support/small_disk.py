"""A file system that a test can fill to the last byte: a small tmpfs in a mount namespace of its own."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

__all__ = ["SmallDisk"]

_BLOCK = bytes(4096)
"""A page: tmpfs gives no less."""


class SmallDisk:
    """Only processes inside the namespace see it mounted; from outside it is reached through ``/proc``.

    Root is not needed where the kernel allows user namespaces.
    """

    def __init__(self, holder: asyncio.subprocess.Process, mount_point: Path) -> None:
        self.path = mount_point
        """Where those inside see it."""
        self._holder = holder
        self._outside = Path(f"/proc/{holder.pid}/root{mount_point}")

    @classmethod
    async def mount(cls, mount_point: Path, megabytes: int) -> SmallDisk:
        """On a directory that is there. AssertionError with what went wrong if it cannot be mounted."""
        own_user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
        mount = f'mount -t tmpfs -o size={megabytes}m tmpfs "$0" && echo mounted && exec sleep infinity'
        holder = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", "--", "unshare", *own_user, "--mount", "--"),
            *("sh", "-c", mount, str(mount_point)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert holder.stdout is not None
        said = await holder.stdout.readline()
        assert said == b"mounted\n", f"no file system of its own for the test: {said.decode()}"
        return cls(holder, mount_point)

    @property
    def inside(self) -> tuple[str, ...]:
        """The command that runs what follows it inside, as the same process."""
        own_user = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
        return ("nsenter", "--target", str(self._holder.pid), "--mount", *own_user, "--")

    def fill(self) -> None:
        """Not a byte is left afterwards."""
        with (self._outside / "ballast").open("ab", buffering=0) as ballast:
            while True:
                try:
                    ballast.write(_BLOCK)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    return

    def make_room(self) -> None:
        """What filled it is gone."""
        (self._outside / "ballast").unlink()

    async def close(self) -> None:
        """It vanishes with the last process inside."""
        self._holder.kill()
        await self._holder.wait()
