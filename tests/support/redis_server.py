"""Real Redis servers on loopback ports: standalone, a master with replicas and Sentinels, a cluster. Gone when closed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import hiredis

__all__ = ["RedisCluster", "RedisProcess", "RedisSentinels", "RedisServers", "RedisStandalone", "free_port"]

_PATIENCE = 20.0
_PAUSE = 0.02


def free_port() -> int:
    """One that nobody uses, and with it the one 10,000 above, which clusters take as well."""
    while True:
        with socket.socket() as probe, socket.socket() as bus:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            if port < 50_000:
                with contextlib.suppress(OSError):
                    bus.bind(("127.0.0.1", port + 10_000))
                    return port


class RedisProcess:
    """One server, in a directory of its own."""

    def __init__(self, *options: str, program: str = "redis-server", config: str = "") -> None:
        self.port = free_port()
        self._directory = tempfile.TemporaryDirectory(prefix="redis-", ignore_cleanup_errors=True)
        self.path = Path(self._directory.name)
        # The directory comes first, as what follows may be relative to it.
        self._command = [program]
        if config:
            (self.path / "sentinel.conf").write_text(config.replace("{port}", str(self.port)))
            self._command.append("sentinel.conf")
        else:
            self._command += [
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ]
            self._command += ["--repl-diskless-sync-delay", "0", *options]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Again, with what is on the disk."""
        with (self.path / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=self.path, stdout=log, stderr=log)
        until(self.answers, f"{self._command[0]} on port {self.port}", self.log)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        return (self.path / "log").read_text(errors="replace")

    def kill(self) -> None:
        """As a power cut does."""
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def pause(self) -> None:
        """It keeps its connections and does nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.resume()
            self.kill()
        self._directory.cleanup()

    def answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        try:
            return self.command("PING") is not None
        except OSError:
            return False

    def command(self, *command: str | bytes | int) -> object:
        """Ask it something, by a connection of its own."""
        reader = hiredis.Reader()
        with socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE) as connection:
            connection.sendall(hiredis.pack_command(command))  # type: ignore[arg-type]
            while (reply := reader.gets()) is False:
                data = connection.recv(65536)
                if not data:
                    raise ConnectionError("closed")
                reader.feed(data)
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply

    def _signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)


class RedisServers:
    """Some processes that go together."""

    url: str

    def __init__(self) -> None:
        self.processes: list[RedisProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        for process in self.processes:
            process.close()

    def masters(self) -> list[RedisProcess]:
        """Those that keys are on."""
        return self.processes[:1]

    def flush(self) -> None:
        """Forget everything."""
        for process in self.masters():
            process.command("FLUSHALL")

    def age(self, seconds: float) -> None:
        """Let time go by for all that is kept: every key's life, and the entries of presence."""
        for process in self.masters():
            process.command("EVAL", _AGE, 0, round(seconds * 1000))


class RedisStandalone(RedisServers):
    def __init__(self, *options: str) -> None:
        super().__init__()
        self.process = RedisProcess(*options)
        self.processes = [self.process]
        self.url = f"redis://127.0.0.1:{self.process.port}/0"


class RedisSentinels(RedisServers):
    """A master, two replicas, three Sentinels that agree within a second that a master is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.servers = [RedisProcess()]
        self.processes = list(self.servers)
        master = self.servers[0].port
        for _ in range(2):
            self.servers.append(RedisProcess("--replicaof", f"127.0.0.1 {master}"))
        self.sentinels = [
            RedisProcess(program="redis-sentinel", config=_SENTINEL.replace("{master}", str(master)))
            for _ in range(3)
        ]
        self.processes = [*self.servers, *self.sentinels]
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        self.url = f"redis+sentinel://{hosts}/0?master=birds"
        until(self._settled, "Sentinels", self.sentinels[0].log)

    def master(self) -> RedisProcess:
        """As the Sentinels see it."""
        found = self.sentinels[0].command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "birds")
        assert isinstance(found, list)
        return next(server for server in self.servers if server.port == int(found[1]))

    def masters(self) -> list[RedisProcess]:
        return [self.master()]

    def _settled(self) -> bool:
        for sentinel in self.sentinels:
            fields = sentinel.command("SENTINEL", "MASTER", "birds")
            assert isinstance(fields, list)
            known = dict(zip(fields[::2], fields[1::2], strict=True))
            if (known[b"num-slaves"], known[b"num-other-sentinels"]) != (b"2", b"2"):
                return False
        return True


class RedisCluster(RedisServers):
    """Three masters, and as many replicas if wanted."""

    def __init__(self, *, replicas: bool = False) -> None:
        super().__init__()
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000")
        self.processes = [RedisProcess(*options) for _ in range(6 if replicas else 3)]
        for index, process in enumerate(self._primaries()):
            first, last = 16384 * index // 3, 16384 * (index + 1) // 3 - 1
            process.command("CLUSTER", "ADDSLOTSRANGE", first, last)
            process.command("CLUSTER", "SET-CONFIG-EPOCH", index + 1)
        for process in self.processes[1:]:
            process.command("CLUSTER", "MEET", "127.0.0.1", self.processes[0].port)
        until(self._whole, "the cluster", self.processes[0].log)
        for primary, replica in zip(self._primaries(), self.processes[3:], strict=False):
            name = primary.command("CLUSTER", "MYID")
            assert isinstance(name, bytes)
            replica.command("CLUSTER", "REPLICATE", name)
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{one.port}" for one in self.processes)
        for replica in self.processes[3:]:
            until(partial(_is_linked, replica), "a replica", replica.log)

    def masters(self) -> list[RedisProcess]:
        return [one for one in self.processes if b"role:master" in _info(one)]

    def _primaries(self) -> list[RedisProcess]:
        return self.processes[:3]

    def _whole(self) -> bool:
        return all(_knows_all(process, len(self.processes)) for process in self.processes)


def _info(process: RedisProcess) -> bytes:
    info = process.command("INFO", "replication")
    assert isinstance(info, bytes)
    return info


def _is_linked(replica: RedisProcess) -> bool:
    return b"master_link_status:up" in _info(replica)


def _knows_all(process: RedisProcess, count: int) -> bool:
    info = process.command("CLUSTER", "INFO")
    assert isinstance(info, bytes)
    return b"cluster_state:ok" in info and b"cluster_known_nodes:%d\r" % count in info


def until(condition: Callable[[], bool], what: str, log: Callable[[], str]) -> None:
    """Return when the condition holds."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come up:\n{log()}"
        time.sleep(_PAUSE)


_SENTINEL = """
port {port}
bind 127.0.0.1
dir .
sentinel monitor birds 127.0.0.1 {master} 2
sentinel down-after-milliseconds birds 1000
sentinel failover-timeout birds 3000
sentinel parallel-syncs birds 2
"""

_AGE = """
local passed = tonumber(ARGV[1])
for _, key in ipairs(redis.call('KEYS', '*')) do
  if redis.call('TYPE', key).ok == 'zset' then
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      redis.call('ZINCRBY', key, -passed, member)
    end
  end
  local left = redis.call('PTTL', key)
  if left > passed then
    redis.call('PEXPIRE', key, left - passed)
  elseif left >= 0 then
    redis.call('DEL', key)
  end
end
"""
