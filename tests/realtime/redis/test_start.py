"""A Redis that is not the one that the settings speak of: what a start says."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chirpbird.realtime import Node
from chirpbird.realtime.redis import Misconfigured, RedisOptions, RedisUnavailable, redis_engine
from tests.support.redis_server import RedisCluster, RedisProcess, RedisSentinels, RedisStandalone, free_port

_CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {key} -out {cert} -days 2 "
    "-subj /CN=redis -addext subjectAltName=IP:127.0.0.1"
)


async def start(url: str, *, required: bool = False) -> None:
    broker, presence = redis_engine(RedisOptions(url=url, required=required))
    node = Node(broker=broker, presence=presence)
    await node.start()
    await node.shutdown()


async def refusal(url: str) -> str:
    """Why a start fails, though Redis is not required."""
    with pytest.raises(Misconfigured) as caught:
        await start(url)
    return str(caught.value)


@pytest.fixture(scope="module")
def sentinels() -> Iterator[RedisSentinels]:
    with RedisSentinels() as servers:
        yield servers


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    with RedisCluster() as servers:
        yield servers


@pytest.fixture(scope="module")
def closed() -> Iterator[RedisStandalone]:
    """Wants a password."""
    with RedisStandalone() as server:
        server.process.command("ACL", "SETUSER", "anna", "on", ">right", "~*", "&*", "+@all")
        server.process.command("ACL", "SETUSER", "bert", "on", ">right", "~birds:*", "&birds:*", "+@all")
        server.process.command("ACL", "SETUSER", "default", ">right", "resetpass", ">right")
        yield server


async def test_passwords(closed: RedisStandalone) -> None:
    host = f"127.0.0.1:{closed.process.port}"
    assert "wants a password" in await refusal(f"redis://{host}")
    assert "does not accept the password of the default user" in await refusal(f"redis://:wrong@{host}")
    wrong = await refusal(f"redis://anna:wrong@{host}")
    assert "does not accept the password of user 'anna'" in wrong
    assert ":wrong" not in wrong
    assert "does not let this user use its keys" in await refusal(f"redis://bert:right@{host}")
    await start(f"redis://:right@{host}")
    await start(f"redis://anna:right@{host}/1")
    assert "has no database 99" in await refusal(f"redis://anna:right@{host}/99")


async def test_sentinels(sentinels: RedisSentinels, standalone: RedisStandalone) -> None:
    await start(sentinels.url)
    assert "knows no master 'bees', expected one of: 'birds'" in await refusal(
        sentinels.url.replace("birds", "bees")
    )
    replica = next(one for one in sentinels.servers if one is not sentinels.master())
    assert "is a replica, expected the master" in await refusal(f"redis://127.0.0.1:{replica.port}")
    sentinel = sentinels.sentinels[0].port
    assert "is a sentinel, expected a server: write redis+sentinel://" in await refusal(
        f"redis://127.0.0.1:{sentinel}"
    )
    assert "is a standalone Redis, expected a Sentinel" in await refusal(
        f"redis+sentinel://127.0.0.1:{standalone.process.port}?master=birds"
    )


async def test_clusters(cluster: RedisCluster, standalone: RedisStandalone) -> None:
    await start(cluster.url)
    port = cluster.processes[0].port
    await start(f"redis+cluster://127.0.0.1:1,127.0.0.1:{port}")
    assert "is a cluster, expected a server: write redis+cluster://" in await refusal(
        f"redis://127.0.0.1:{port}"
    )
    assert "is standalone, expected a cluster: write redis://" in await refusal(
        f"redis+cluster://127.0.0.1:{standalone.process.port}"
    )


async def test_keys_of_another_version(standalone: RedisStandalone) -> None:
    await start(standalone.url)
    assert standalone.process.command("GET", "chirpbird:version") == b"1"
    standalone.process.command("SET", "chirpbird:version", "2")
    said = await refusal(standalone.url)
    assert "are of layout 2, expected 1" in said
    assert "delete chirpbird:version, or choose another prefix" in said
    standalone.process.command("DEL", "chirpbird:version")


async def test_a_redis_that_is_not_there() -> None:
    url = f"redis://127.0.0.1:{free_port()}"
    await start(url)
    with pytest.raises(RedisUnavailable, match="cannot be reached"):
        await start(url, required=True)
    with pytest.raises(RedisUnavailable, match="cannot be reached"):
        await start(f"redis+sentinel://127.0.0.1:{free_port()}?master=birds", required=True)
    with pytest.raises(RedisUnavailable, match="cannot be reached"):
        await start(f"redis+cluster://127.0.0.1:{free_port()}", required=True)


async def test_a_socket(tmp_path: Path) -> None:
    with RedisStandalone("--unixsocket", str(tmp_path / "s")):
        await start(f"unix://{tmp_path}/s", required=True)


class Pretender(asyncio.Protocol):
    """Answers everything with what the test puts into the list."""

    def __init__(self, answers: list[bytes], transports: list[asyncio.Transport]) -> None:
        self._answers = answers
        self._transports = transports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._transports.append(transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(b"".join(self._answers))


@pytest.fixture
async def pretender() -> AsyncIterator[tuple[int, list[bytes]]]:
    """Its port, and its answers."""
    answers: list[bytes] = []
    transports: list[asyncio.Transport] = []
    server = await asyncio.get_running_loop().create_server(
        lambda: Pretender(answers, transports), "127.0.0.1", 0
    )
    yield server.sockets[0].getsockname()[1], answers
    server.close()
    for transport in transports:
        transport.abort()
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            b"%3\r\n+version\r\n+6.2.1\r\n+mode\r\n+standalone\r\n+role\r\n+master\r\n",
            "is 6.2.1, expected 7.0",
        ),
        (b"-ERR unknown command `HELLO`\r\n", "is older than 6, expected 7.0"),
        (b"-DENIED Redis is running in protected mode\r\n", "is in protected mode"),
        (b"+OK\r\n", "is no Redis"),
    ],
)
async def test_servers_that_will_not_do(
    pretender: tuple[int, list[bytes]], answer: bytes, words: str
) -> None:
    port, answers = pretender
    answers.append(answer)
    assert words in await refusal(f"redis://127.0.0.1:{port}")


@pytest.mark.parametrize("answer", [b"-LOADING Redis is loading\r\n", b"HTTP/1.1 400 Bad Request\r\n"])
async def test_servers_that_may_do_later(pretender: tuple[int, list[bytes]], answer: bytes) -> None:
    port, answers = pretender
    answers.append(answer)
    await start(f"redis://127.0.0.1:{port}")
    with pytest.raises(RedisUnavailable):
        await start(f"redis://127.0.0.1:{port}", required=True)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RedisProcess, Path]]:
    """A server that is spoken to by TLS only, and the file with its certificate."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        _CERTIFICATE.format(key=key, cert=cert).split(),
        check=True,
        capture_output=True,
    )
    port = free_port()
    with RedisStandalone(
        *("--tls-port", str(port), "--tls-cert-file", str(cert), "--tls-key-file", str(key)),
        *("--tls-ca-cert-file", str(cert), "--tls-auth-clients", "no"),
    ) as server:
        server.process.port = port
        yield server.process, cert


async def test_tls(tls: tuple[RedisProcess, Path], standalone: RedisStandalone) -> None:
    server, cert = tls
    host = f"127.0.0.1:{server.port}"
    await start(f"rediss://{host}?ca={cert}", required=True)
    await start(f"rediss://{host}?verify=no", required=True)
    assert "expects TLS: write rediss://" in await refusal(f"redis://{host}")
    assert "is not trusted" in await refusal(f"rediss://{host}")
    assert "does not use TLS: write redis://" in await refusal(
        f"rediss://127.0.0.1:{standalone.process.port}"
    )
