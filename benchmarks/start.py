"""How long `chirpbird serve` takes from start to its first answer, with an empty directory and with one that is there already.

python benchmarks/start.py
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from rich.console import Console
from rich.table import Table

RUNS = 7
BUDGET = 1.0


def seconds_to_first_answer(directory: str) -> float:
    """Start, ask `/ping` until it answers, stop."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    began = time.perf_counter()
    command = [sys.executable, "-m", "chirpbird", "serve", "--port", str(port), "--data", directory]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ) as server:
        try:
            while server.poll() is None:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping") as answer:
                        assert answer.read() == b"pong"
                    return time.perf_counter() - began
                except urllib.error.URLError:
                    time.sleep(0.005)
            raise SystemExit(f"the server ended with {server.returncode}")
        finally:
            server.send_signal(signal.SIGTERM)


def main() -> None:
    """Print the table."""
    table = Table("start to first answer", "median s", "slowest s", f"budget {BUDGET} s")
    with tempfile.TemporaryDirectory() as root:
        fresh = [seconds_to_first_answer(f"{root}/{run}") for run in range(RUNS)]
        again = [seconds_to_first_answer(f"{root}/0") for _ in range(RUNS)]
    for name, times in (("empty directory", fresh), ("existing directory", again)):
        median = statistics.median(times)
        table.add_row(name, f"{median:.2f}", f"{max(times):.2f}", "kept" if median < BUDGET else "missed")
    Console().print(table)


if __name__ == "__main__":
    main()
