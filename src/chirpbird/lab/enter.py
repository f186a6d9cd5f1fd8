"""The lab's own world: network, processes and mounts that nobody outside sees and that vanish with it."""

from __future__ import annotations

from collections.abc import Sequence

from chirpbird.lab.programs import find_program

__all__ = ["in_own_world"]


def in_own_world(command: Sequence[str]) -> tuple[str, ...]:
    """The command that runs ``command`` in namespaces of its own, needing no root where the kernel allows user namespaces.

    It dies with the process that started it, and everything in it dies with it. Errors: LabError when a tool is missing.
    """
    return (
        *(find_program("setpriv"), "--pdeathsig", "KILL", "--"),
        *(find_program("unshare"), "--user", "--map-root-user", "--net", "--mount", "--mount-proc"),
        *("--pid", "--fork", "--kill-child", "--"),
        *command,
    )
