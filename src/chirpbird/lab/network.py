"""Hosts as network namespaces on one bridge: a cut cable is a link set down, as it is in life."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chirpbird.lab.errors import LabError
from chirpbird.lab.plan import GATEWAY, Host
from chirpbird.lab.programs import find_program

__all__ = ["Network"]

_BRIDGE = "lab"


class Network:
    """Needs a network namespace of its own, with the right to configure it (see ``enter``)."""

    def __init__(self) -> None:
        self._ip = find_program("ip")
        self._nsenter = find_program("nsenter")
        self._holders: dict[str, asyncio.subprocess.Process] = {}
        self._apart: dict[str, list[Host]] = {}

    async def build(self, hosts: Sequence[Host]) -> None:
        """Errors: LabError."""
        await self._run(self._ip, "link", "set", "lo", "up")
        await self._run(self._ip, "link", "add", _BRIDGE, "type", "bridge")
        await self._run(self._ip, "addr", "add", f"{GATEWAY}/24", "dev", _BRIDGE)
        await self._run(self._ip, "link", "set", _BRIDGE, "up")
        for host in hosts:
            await self._add(host)

    def inside(self, host: Host, command: Sequence[str]) -> tuple[str, ...]:
        """The command that runs ``command`` on ``host``, as the same process."""
        return (self._nsenter, f"--net=/proc/{self._holders[host.name].pid}/ns/net", "--", *command)

    async def addresses(self, host: Host) -> tuple[str, ...]:
        """Those that the host holds at this moment."""
        said = await self._run(*self.inside(host, (self._ip, "-o", "-4", "addr", "show", "dev", "eth0")))
        return tuple(line.split()[3].split("/")[0] for line in said.splitlines())

    async def cut(self, host: Host) -> None:
        """Nothing reaches the host or leaves it, and nobody is told."""
        await self._run(self._ip, "link", "set", f"v{host.name}", "down")

    async def mend(self, host: Host) -> None:
        await self._run(self._ip, "link", "set", f"v{host.name}", "up")
        for other in self._apart.pop(host.name, ()):
            await self._part("del", host, other)

    async def cut_off(self, host: Host, others: Sequence[Host]) -> None:
        """Nothing passes between the host and those others, in either direction; ``mend`` joins them again."""
        known = self._apart.setdefault(host.name, [])
        for other in others:
            if other not in known:
                known.append(other)
                await self._part("add", host, other)

    async def _part(self, how: str, one: Host, other: Host) -> None:
        for here, there in ((one, other), (other, one)):
            await self._run(*self.inside(here, (self._ip, "route", how, "blackhole", there.address)))

    async def close(self) -> None:
        for holder in self._holders.values():
            holder.kill()
            await holder.wait()

    async def _add(self, host: Host) -> None:
        # A namespace lives as long as somebody is in it: this one does nothing but stay.
        holder = await asyncio.create_subprocess_exec(
            find_program("unshare"),
            "--net",
            "sh",
            "-c",
            "echo; exec sleep infinity",
            stdout=asyncio.subprocess.PIPE,
        )
        self._holders[host.name] = holder
        if holder.stdout is None or not await holder.stdout.readline():
            raise LabError(f"cannot make a network namespace for {host.name}")
        link = f"v{host.name}"
        await self._run(
            self._ip, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(holder.pid)
        )
        await self._run(self._ip, "link", "set", link, "master", _BRIDGE, "up")
        for step in (
            ("addr", "add", f"{host.address}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
        ):
            await self._run(*self.inside(host, (self._ip, *step)))

    async def _run(self, *command: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        said, complaint = await process.communicate()
        if process.returncode:
            raise LabError(f"{' '.join(command[-6:])} failed: {complaint.decode(errors='replace').strip()}")
        return said.decode()
