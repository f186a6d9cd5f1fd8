"""``chirpbird migrate`` from the command line."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from chirpbird.cli import app
from chirpbird.storage import open_store
from tests.support.mongod import ReplicaSet, require_mongod
from tests.support.store_things import add_channel, add_user, message

MESSAGES = 6_000


def _migrate(source: str, target: str, **environment: str) -> Result:
    return CliRunner().invoke(
        app,
        ["migrate", "--from", source, "--to", target],
        env={"COLUMNS": "200", "NO_COLOR": "1", **environment},
    )


async def _fill(directory: Path, messages: int) -> None:
    store = await open_store(directory)
    await add_user(store, "ann")
    channel = await add_channel(store, "copied", ["U-ann"])
    drafts = (message(channel, f"said {number}") for number in range(messages))
    await asyncio.gather(*map(store.log.append, drafts))
    await store.close()


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("sqlite:/nowhere", "mongodb://127.0.0.1:1/", "/nowhere/chirpbird.db does not exist"),
        ("file", "mongodb://127.0.0.1:1/", "sqlite:DIRECTORY or mongodb://… is expected"),
        ("sqlite:a", "sqlite:a", "are the same store"),
        ("sqlite:a", "mongodb", "CHIRPBIRD_MONGODB_URI is not set"),
    ],
)
def test_what_cannot_be_copied_is_said(source: str, target: str, words: str) -> None:
    result = _migrate(source, target, CHIRPBIRD_MONGODB_URI="")
    assert result.exit_code == 1
    assert words in result.output


def test_a_copy_between_directories_is_counted_and_compared(tmp_path: Path) -> None:
    asyncio.run(_fill(tmp_path / "a", 10))
    result = _migrate(f"sqlite:{tmp_path / 'a'}", f"sqlite:{tmp_path / 'b'}")
    assert result.exit_code == 0
    assert "entries  │ 11" in result.output
    assert "Both stores have the same content." in result.output
    again = _migrate(f"sqlite:{tmp_path / 'a'}", f"sqlite:{tmp_path / 'b'}")
    assert again.exit_code == 0
    assert "Both stores have the same content." in again.output
    asyncio.run(_fill(tmp_path / "c", 11))
    other = _migrate(f"sqlite:{tmp_path / 'c'}", f"sqlite:{tmp_path / 'b'}")
    assert other.exit_code == 1
    assert "exists; choose an empty directory" in other.output


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[ReplicaSet]:
    require_mongod()
    with ReplicaSet(tmp_path / "m") as running:
        yield running


@pytest.mark.e2e
def test_a_copy_killed_again_and_again_is_whole_in_the_end(servers: ReplicaSet, tmp_path: Path) -> None:
    asyncio.run(_fill(tmp_path / "a", MESSAGES))
    there = servers.uri("copied")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "CHIRPBIRD_MONGODB_URI": there}

    async def attempt(source: str, target: str, seconds: float) -> int:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chirpbird", "migrate", "--from", source, "--to", target),
            env=environment,
            stderr=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            return await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            process.send_signal(signal.SIGKILL)
            return await process.wait()

    async def until_whole(source: str, target: str) -> int:
        kills = 0
        while (code := await attempt(source, target, 0.2 + kills * 0.03)) == -signal.SIGKILL:
            kills += 1
        assert code == 0
        return kills

    async def story() -> None:
        first = f"sqlite:{tmp_path / 'a'}"
        assert await until_whole(first, "mongodb")
        assert await until_whole("mongodb", f"sqlite:{tmp_path / 'b'}")
        whole = [await _contents(directory) for directory in (tmp_path / "a", tmp_path / "b")]
        assert whole[0] == whole[1]

    asyncio.run(story())


async def _contents(directory: Path) -> object:
    store = await open_store(directory)
    entries = await store.log.read("C-copied-private", after=0, limit=2 * MESSAGES)
    users = await store.users.search("", limit=10)
    await store.close()
    assert len(entries[0]) == MESSAGES + 1
    return entries, users
