"""The realtime engine beside a floor: `chirpbird realtime`, and a C server that does one send() a delivery and nothing else.

    python benchmarks/engine.py [--runs 3] [--quick] [--json FILE] [--only NAME]

The server has one core, the load the other; both servers take turns. The figure is processor time of the server, which holds on
a machine that is shared; what is lost, doubled or out of order ends it. Needs cc and taskset. 20,000 files have to be allowed.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

__all__ = ["SERVERS", "WORKLOADS", "compile_c", "main", "measure"]

SOURCES = Path(__file__).parent / "load"
FLOOR = "floor"
CONFIG = {
    "log": {"level": "error"},
    "client": {"insecure": True},
    "channel": {
        "namespaces": [{"name": "kept", "history_size": 100, "history_ttl": "10m", "force_recovery": True}]
    },
}
"""Of `chirpbird realtime`: in channels of the namespace there is history and recovery."""


@dataclass(frozen=True)
class Server:
    """How it is started, with {place} for a directory with what was compiled and config.json, and {port}."""

    name: str
    command: tuple[str, ...]
    path: str = "/connection/websocket"


@dataclass(frozen=True)
class Workload:
    """What the load does: options of load.c; ``count`` are publications or connections."""

    name: str
    unit: str
    options: Mapping[str, int | str]
    count: int
    units_each: int = 1
    """Units for each publication."""
    of_floor: float | None = None
    """Budget, as a multiple of the floor's figure."""
    budget: float | None = None
    """Budget, in the unit."""
    floor: bool = True
    """The floor can do it, too."""


@dataclass
class Figures:
    """One server at one workload: the figure of each run, and what the load saw."""

    values: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)
    p50_us: list[float] = field(default_factory=list)
    p99_us: list[float] = field(default_factory=list)
    p999_us: list[float] = field(default_factory=list)


SERVERS = (
    Server(FLOOR, ("{place}/floor", "{port}")),
    Server(
        "chirpbird",
        (
            *(sys.executable, "-m", "chirpbird", "realtime"),
            *("--config", "{place}/config.json", "--port", "{port}"),
        ),
    ),
)
_ROOM: Mapping[str, int | str] = {"subscribers": 1000}
_KEPT: Mapping[str, int | str] = {"prefix": "kept:c"}
_CHANNELS: Mapping[str, int | str] = {"channels": 100}
_MANY: Mapping[str, int | str] = {"channels": 5000}
_STORM: Mapping[str, int | str] = {"channels": 100, "subscribers": 50, "missed": 50, **_KEPT}
_IDLE: Mapping[str, int | str] = {"channels": 10_000, "publications": 0}
WORKLOADS = (
    Workload("fan-out 1,000, window 1", "us/delivery", {**_ROOM, "window": 1}, 600, 1000, of_floor=1.3),
    Workload("fan-out 1,000, window 8", "us/delivery", {**_ROOM, "window": 8}, 1200, 1000, of_floor=0.33),
    Workload("fan-out 1,000, window 64", "us/delivery", {**_ROOM, "window": 64}, 1920, 1000, of_floor=0.12),
    Workload("1 to 1, 100 channels", "us/publication", _CHANNELS, 60_000, budget=13),
    Workload("1 to 1, 5,000 channels", "us/publication", _MANY, 60_000),
    Workload(
        "1 to 1, 100, history", "us/publication", {**_CHANNELS, **_KEPT}, 40_000, budget=18, floor=False
    ),
    Workload("1 to 1, 5,000, history", "us/publication", {**_MANY, **_KEPT}, 40_000, floor=False),
    Workload("paced, 20,000/s over 100", "us/publication", {**_CHANNELS, "rate": 20_000}, 60_000),
    Workload("storm, 50 missed each", "us/connection", _STORM, 5_000, floor=False),
    Workload("idle, 10,000 connections", "KiB/connection", _IDLE, 10_000, budget=12),
)


def compile_c(place: Path) -> None:
    """Put load and floor there."""
    for program in ("load", "floor"):
        command = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(place / program)]
        subprocess.run([*command, str(SOURCES / f"{program}.c"), str(SOURCES / "websocket.c")], check=True)


def measure(
    server: Server, workload: Workload, place: Path, *, share: float = 1.0
) -> tuple[float, dict[str, float]]:
    """The figure in the workload's unit, and what the load says."""
    with running(server, place) as (pid, port):
        command = [str(place / "load"), "--port", str(port), "--path", server.path]
        options = {"publications": max(1, int(workload.count * share)), **workload.options}
        if "missed" in options or workload.unit.startswith("KiB"):
            options["publications"] = 0
        else:
            options["warmup"] = int(options["publications"]) // 10
        memory = resident(pid)
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        with subprocess.Popen(
            ["taskset", "-c", "1", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as load:
            assert load.stdin is not None
            assert load.stdout is not None
            if load.stdout.readline() != "ready\n":
                raise SystemExit(f"{server.name}, {workload.name}: the load did not begin")
            held = resident(pid) - memory
            before = processor_seconds(pid)
            load.stdin.write("go\n")
            load.stdin.flush()
            said: dict[str, float] = json.loads(load.stdout.readline() or "{}")
            used = processor_seconds(pid) - before
            load.stdin.write("end\n")
            load.stdin.flush()
            if load.wait() != 0:
                raise SystemExit(f"{server.name}, {workload.name}: {said}")
    if workload.unit.startswith("KiB"):
        return held / 1024 / workload.count, said
    units = workload.count if "missed" in options else int(options["publications"]) * workload.units_each
    return used * 1e6 / units, said


@contextmanager
def running(server: Server, place: Path) -> Iterator[tuple[int, int]]:
    """The server's process id and port, while it serves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [part.format(place=place, port=port) for part in server.command]
    with subprocess.Popen(["taskset", "-c", "0", *command], stdout=subprocess.DEVNULL) as process:
        try:
            while True:
                if process.poll() is not None:
                    raise SystemExit(f"{server.name} ended with {process.returncode}")
                with socket.socket() as knock:
                    if knock.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.02)
            yield process.pid, port
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def processor_seconds(pid: int) -> float:
    """Of all threads that there are."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def resident(pid: int) -> int:
    """Bytes of memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def verdict(workload: Workload, value: float, floor: float | None) -> str:
    """The budget, and whether it is kept."""
    if workload.of_floor is not None and floor:
        ratio = value / floor
        return f"{ratio:.2f} of {workload.of_floor} x floor: {'kept' if ratio <= workload.of_floor else 'MISSED'}"
    if workload.budget is not None:
        return f"{workload.budget:g}: {'kept' if value <= workload.budget else 'MISSED'}"
    return f"{value / floor:.2f} x floor" if floor else ""


def table(found: Mapping[str, Mapping[str, Figures]]) -> Table:
    shown = Table("workload", "server", "median", "spread", "unit", "1/s", "p50 ms", "p99 ms", "budget")
    for workload in WORKLOADS:
        by_server = found.get(workload.name, {})
        floor = statistics.median(by_server[FLOOR].values) if FLOOR in by_server else None
        for name, figures in by_server.items():
            value = statistics.median(figures.values)
            shown.add_row(
                *(
                    workload.name,
                    name,
                    f"{value:.2f}",
                    f"{min(figures.values):.2f}-{max(figures.values):.2f}",
                ),
                *(workload.unit, f"{statistics.median(figures.per_second):,.0f}"),
                *(f"{statistics.median(times) / 1e3:.2f}" for times in (figures.p50_us, figures.p99_us)),
                "" if name == FLOOR else verdict(workload, value, floor),
            )
    return shown


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one short run: for a look, not for figures")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--only", default="", help="workloads whose names begin so")
    chosen = parser.parse_args(arguments)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    workloads = [one for one in WORKLOADS if one.name.startswith(chosen.only)]
    found: dict[str, dict[str, Figures]] = {}
    console = Console(width=150)
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        compile_c(place)
        (place / "config.json").write_text(json.dumps(CONFIG))
        turns = [
            (workload, server)
            for _ in range(1 if chosen.quick else chosen.runs)
            for workload in workloads
            for server in SERVERS
            if workload.floor or server.name != FLOOR
        ]
        for number, (workload, server) in enumerate(turns, start=1):
            console.print(f"{number}/{len(turns)} {workload.name}: {server.name}", end="\r", soft_wrap=True)
            value, said = measure(server, workload, place, share=0.2 if chosen.quick else 1.0)
            figures = found.setdefault(workload.name, {}).setdefault(server.name, Figures())
            figures.values.append(value)
            figures.per_second.append(said["expected"] / said["seconds"] if said["seconds"] else 0.0)
            figures.p50_us.append(said["p50_us"])
            figures.p99_us.append(said["p99_us"])
            figures.p999_us.append(said["p999_us"])
    console.print(table(found))
    if chosen.json:
        written = {
            name: {one: asdict(figures) for one, figures in each.items()} for name, each in found.items()
        }
        chosen.json.write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
