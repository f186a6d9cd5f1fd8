"""The lab's own world: network, processes and mounts that nobody outside sees and that vanish with it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from chirpbird.lab.programs import find_program

__all__ = ["in_own_world"]


def in_own_world(command: Sequence[str]) -> tuple[str, ...]:
    """The command that runs ``command`` in namespaces of its own; root is not needed where the kernel allows user namespaces.

    It dies with the process that started it, and everything in it dies with it. Errors: LabError when a tool is missing.
    """
    own_user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    return (
        *(find_program("setpriv"), "--pdeathsig", "KILL", "--"),
        *(find_program("unshare"), *own_user, "--net", "--mount", "--mount-proc"),
        *("--pid", "--fork", "--kill-child", "--"),
        *command,
    )
