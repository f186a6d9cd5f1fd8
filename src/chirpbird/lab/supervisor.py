"""Runs the lab: builds its network, starts its parts in order, and does to them what it is told.

Started by ``chirpbird lab up`` inside namespaces of its own (see ``enter``), so that when it ends, by whatever cause, the
kernel ends everything in it.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from chirpbird.lab.configs.mongod import replica_set
from chirpbird.lab.control import (
    SOCKET,
    Act,
    Action,
    Down,
    DrillOrder,
    PartStatus,
    Reply,
    Request,
    Status,
    StatusRequest,
)
from chirpbird.lab.errors import LabError
from chirpbird.lab.launch import Options, Progress
from chirpbird.lab.network import Network
from chirpbird.lab.observe import Observer, fetch
from chirpbird.lab.plan import CHAT_PORT, MONGO_PORT, SHARED, Host, Kind, Plan
from chirpbird.lab.process import PartState, Process

__all__ = ["Supervisor", "main"]

_START_SECONDS = 60.0
_LOOK_AGAIN = 0.1
_ALREADY_INITIALIZED = 23


class Supervisor:
    """One lab."""

    def __init__(self, plan: Plan, report: Callable[[Progress], None]) -> None:
        self._plan = plan
        self._report = report
        self._network = Network()
        self._processes = {
            part.name: Process(part, plan.directory, self._network.inside) for part in plan.parts
        }
        self._cut: set[str] = set()
        self._observer = Observer(self._network)
        self._down = asyncio.Event()

    async def run(self) -> None:
        """Until somebody says down. Errors: LabError."""
        for process in self._processes.values():
            process.prepare()
        path = self._plan.directory / SOCKET
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, path)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._down.set)
        try:
            await self._bring_up()
            self._report(Progress(ready=True))
            await self._down.wait()
        finally:
            server.close()
            path.unlink(missing_ok=True)
            await self._bring_down()

    async def act(self, action: Action, name: str, off: str = "") -> None:
        """Errors: LabError when there is no such part (or host to cut it off from), or it is not in a state for that."""
        if name == "all" and action is Action.HEAL:
            for one in self._processes:
                await self.act(Action.HEAL, one)
            return
        process = self._processes.get(name)
        if process is None:
            raise LabError(f"there is no part {name!r}; there are {', '.join(self._processes)}")
        match action:
            case Action.KILL:
                await process.kill()
            case Action.STOP:
                await process.stop()
            case Action.PAUSE:
                process.pause()
            case Action.CUT:
                await self._sever(process.part.host, off)
            case Action.HEAL:
                await self._heal(process)

    async def status(self) -> Status:
        async def look(process: Process) -> PartStatus:
            return await self._observer.look(process, cut=process.part.host.name in self._cut)

        return Status(tuple(await asyncio.gather(*(look(one) for one in self._processes.values()))))

    async def _sever(self, host: Host, off: str) -> None:
        if not off:
            await self._network.cut(host)
        else:
            others = [one for one in self._plan.hosts if one.name.startswith(off) and one is not host]
            if not others:
                raise LabError(f"there is no host whose name begins with {off!r}")
            await self._network.cut_off(host, others)
        self._cut.add(host.name)

    async def _heal(self, process: Process) -> None:
        host = process.part.host
        if host.name in self._cut:
            await self._network.mend(host)
            self._cut.discard(host.name)
        if process.state is PartState.PAUSED:
            process.resume()
        elif process.state is PartState.DEAD:
            await process.start()

    async def _bring_up(self) -> None:
        self._report(Progress("network"))
        await self._network.build(self._plan.hosts)
        await self._start("MongoDB replica set", (Kind.MONGOD,))
        await self._until(self._initiate, "the replica set has no primary")
        await self._start("Redis and Sentinels", (Kind.REDIS, Kind.SENTINEL))
        await self._until(self._sentinels_agree, "the Sentinels do not see a master with two replicas")
        await self._start("chat nodes", (Kind.CHAT,))
        for part in self._plan.of_kind(Kind.CHAT):
            await self._answers(f"http://{part.host.address}:{CHAT_PORT}/health/ready", part.name)
        await self._start("balancers", (Kind.BALANCER, Kind.ADDRESS))
        await self._answers(f"http://{SHARED}:{CHAT_PORT}/health/ready", "the shared address")

    async def _bring_down(self) -> None:
        async def stop(process: Process) -> None:
            with suppress(LabError):  # dead already, or had to be killed: down is down
                await process.stop()

        for kinds in ((Kind.ADDRESS, Kind.BALANCER), (Kind.CHAT,), (Kind.REDIS, Kind.SENTINEL, Kind.MONGOD)):
            parts = [process for process in self._processes.values() if process.part.kind in kinds]
            await asyncio.gather(*(stop(process) for process in parts))
        await self._network.close()

    async def _start(self, what: str, kinds: Sequence[Kind]) -> None:
        self._report(Progress(what))
        for process in self._processes.values():
            if process.part.kind in kinds:
                await process.start()

    async def _answers(self, url: str, who: str) -> None:
        async def ready() -> bool:
            status, _ = await fetch(url)
            return status == 200

        await self._until(ready, f"{who} is not ready")

    async def _initiate(self) -> bool:
        members = [f"{part.host.address}:{MONGO_PORT}" for part in self._plan.of_kind(Kind.MONGOD)]
        client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(
            members[0], directConnection=True, serverSelectionTimeoutMS=1000
        )
        async with client:
            try:
                await client.admin.command("replSetInitiate", replica_set(members))
            except OperationFailure as error:
                if error.code != _ALREADY_INITIALIZED:
                    raise
            hello = await client.admin.command("hello")
        return bool(hello.get("primary"))

    async def _sentinels_agree(self) -> bool:
        found = await asyncio.gather(
            *(
                self._observer.look(process, cut=False)
                for process in self._processes.values()
                if process.part.kind in (Kind.REDIS, Kind.SENTINEL)
            )
        )
        return all(one.health == "ok" and one.role for one in found)

    async def _until(self, done: Callable[[], Awaitable[bool]], otherwise: str) -> None:
        last = ""
        try:
            async with asyncio.timeout(_START_SECONDS):
                while True:
                    dead = [
                        name
                        for name, one in self._processes.items()
                        if one.pid and one.state is PartState.DEAD
                    ]
                    if dead:
                        raise LabError(f"{dead[0]} ended; see {self._plan.directory}/logs/{dead[0]}.log")
                    try:
                        if await done():
                            return
                    except (OSError, PyMongoError) as error:
                        last = f": {error}"
                    await asyncio.sleep(_LOOK_AGAIN)
        except TimeoutError:
            raise LabError(
                f"{otherwise} after {_START_SECONDS:g} s{last}; logs are in {self._plan.directory}/logs"
            ) from None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def send(reply: Reply) -> None:
            writer.write(msgspec.json.encode(reply) + b"\n")

        try:
            request = msgspec.json.decode(await reader.readline(), type=Request)
            match request:
                case Act():
                    await self.act(request.action, request.part, request.off)
                    send(Reply())
                case StatusRequest():
                    send(Reply(status=await self.status()))
                case DrillOrder():
                    await self._drill(request, send, reader)
                case Down():
                    send(Reply())
                    self._down.set()
        except (LabError, msgspec.MsgspecError) as error:
            send(Reply(error=str(error)))
        finally:
            writer.close()
            with suppress(OSError):  # whoever asked has left
                await writer.wait_closed()

    async def _drill(
        self, order: DrillOrder, send: Callable[[Reply], None], reader: asyncio.StreamReader
    ) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chirpbird.lab.drills", msgspec.json.encode(order).decode()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        if process.stdout is None:
            raise LabError("the drill has no output")

        def leave(_: object) -> None:
            if process.returncode is None:
                process.terminate()

        hung_up = asyncio.ensure_future(reader.read())
        hung_up.add_done_callback(leave)
        while piece := await process.stdout.read(65_536):
            send(Reply(text=piece.decode(errors="replace")))
        code = await process.wait()
        hung_up.remove_done_callback(leave)
        hung_up.cancel()
        send(Reply(code=code))


def main() -> None:
    """``python -m chirpbird.lab.supervisor OPTIONS``, the options as JSON; progress as JSON lines on standard output."""

    def report(progress: Progress) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(progress) + b"\n")
        sys.stdout.buffer.flush()

    options = msgspec.json.decode(sys.argv[1], type=Options)
    try:
        plan = Plan.make(
            Path(options.directory), chats=options.chats, settings=options.settings, program=options.program
        )
        asyncio.run(Supervisor(plan, report).run())
    except LabError as error:
        report(Progress(error=str(error)))
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
