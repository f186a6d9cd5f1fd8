"""A node that cannot be part of the cluster ends at once, with words, and leaves nothing half begun."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient

from tests.support.mongod import ReplicaSet, require_mongod
from tests.support.redis_server import RedisSentinels, RedisStandalone

pytestmark = pytest.mark.e2e

SKEWED = Path(__file__).with_name("skewed.py")
SOURCES = Path(__file__).parents[2] / "src"


@pytest.fixture(scope="module")
def replica_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    require_mongod()
    with ReplicaSet(tmp_path_factory.mktemp("m")) as running:
        yield running


@pytest.fixture(scope="module")
def closed() -> Iterator[RedisStandalone]:
    """Wants a password."""
    with RedisStandalone() as server:
        server.process.command("CONFIG", "SET", "requirepass", "right")
        yield server


@pytest.fixture(scope="module")
def sentinels() -> Iterator[RedisSentinels]:
    with RedisSentinels() as servers:
        yield servers


def refusal(tmp_path: Path, mongodb_uri: str, *, ahead: float = 0.0, **settings: str) -> str:
    """What a start says that fails."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(SOURCES), os.environ.get("PYTHONPATH")))),
        "CHIRPBIRD_MONGODB_URI": mongodb_uri,
        "CHIRPBIRD_SECRET": "s" * 32,
        **{f"CHIRPBIRD_{name.upper()}": value for name, value in settings.items()},
    }
    command = [
        sys.executable,
        str(SKEWED),
        str(ahead),
        "serve",
        "--port",
        "0",
        "--data",
        str(tmp_path / "data"),
    ]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "Chirpbird is at" not in ended.stdout
    assert "Traceback" not in ended.stderr
    assert ended.stderr.startswith("chirpbird: ")
    assert not (tmp_path / "data").exists()
    return ended.stderr


@pytest.mark.parametrize(("ahead", "words"), [(600, "0:10:00 ahead of"), (-600, "0:10:00 behind")])
def test_a_clock_ten_minutes_off(replica_set: ReplicaSet, tmp_path: Path, ahead: int, words: str) -> None:
    said = refusal(tmp_path, replica_set.uri("clocks"), ahead=ahead)
    assert f"this machine's clock is {words} that of the MongoDB primary" in said
    with MongoClient[dict[str, object]](replica_set.uri("clocks")) as client:
        assert client.get_default_database().list_collection_names() == []


def test_a_wrong_master_name(replica_set: ReplicaSet, sentinels: RedisSentinels, tmp_path: Path) -> None:
    url = sentinels.url.replace("birds", "bees")
    assert "knows no master 'bees', expected one of: 'birds'" in refusal(
        tmp_path, replica_set.uri("a"), redis_url=url
    )


def test_a_redis_that_wants_a_password(
    replica_set: ReplicaSet, closed: RedisStandalone, tmp_path: Path
) -> None:
    assert "wants a password" in refusal(tmp_path, replica_set.uri("a"), redis_url=closed.url)
    wrong = closed.url.replace("redis://", "redis://:wrong@")
    said = refusal(tmp_path, replica_set.uri("a"), redis_url=wrong)
    assert "does not accept the password" in said
    assert "wrong" not in said


def test_another_secret(replica_set: ReplicaSet, closed: RedisStandalone, tmp_path: Path) -> None:
    refusal(tmp_path, replica_set.uri("b"), redis_url=closed.url)  # this one leaves its secret's fingerprint
    said = refusal(tmp_path, replica_set.uri("b"), secret="t" * 32)
    assert "CHIRPBIRD_SECRET is not the one that the other nodes" in said


def test_a_redis_url_that_is_none(replica_set: ReplicaSet, tmp_path: Path) -> None:
    assert "the Redis URL" in refusal(tmp_path, replica_set.uri("a"), redis_url="http://127.0.0.1:6379")
