"""The files of deploy/ are the ones that the lab's parts are proven with, and their programs take them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pymongo.uri_parser import parse_uri

from chirpbird.lab.configs.mongod import replica_set
from chirpbird.lab.configs.redis import MASTER_NAME, sentinel_config
from chirpbird.lab.deploy import deployment
from chirpbird.lab.enter import in_own_world
from chirpbird.lab.plan import Kind, Plan
from chirpbird.lab.programs import find_program
from chirpbird.realtime.redis import RedisOptions
from chirpbird.settings import Settings, signing_secret, unknown_variables

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.mark.parametrize("name", deployment())
def test_the_committed_file_is_what_the_configs_say(name: str) -> None:
    assert (DEPLOY / name).read_text() == deployment()[name], "python -m chirpbird.lab.deploy deploy"


@pytest.mark.e2e
@pytest.mark.parametrize("name", ["haproxy.cfg", "compose-haproxy.cfg"])
def test_haproxy_takes_its_file_without_a_warning(name: str, tmp_path: Path) -> None:
    certificate = tmp_path / "chat.pem"
    key = tmp_path / "key.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=chat.test"),
        ],
        check=True,
        capture_output=True,
    )
    certificate.write_text(certificate.read_text() + key.read_text())
    config = tmp_path / "haproxy.cfg"
    config.write_text(deployment()[name].replace("/etc/haproxy/certs/", str(certificate)))
    said = subprocess.run(
        [find_program("haproxy"), "-c", "-f", str(config)], check=True, capture_output=True, text=True
    )
    assert "WARNING" not in said.stderr
    assert "ALERT" not in said.stderr


@pytest.mark.e2e
@pytest.mark.parametrize("name", ["keepalived-1.conf", "keepalived-2.conf"])
def test_keepalived_takes_its_file(name: str, tmp_path: Path) -> None:
    check = tmp_path / "check-balancer"
    check.write_text(deployment()["check-balancer"])
    check.chmod(0o755)
    config = tmp_path / name
    config.write_text(deployment()[name].replace("/etc/keepalived/check-balancer", str(check)))
    command = f"{find_program('ip')} link add eth0 type bridge && {find_program('keepalived')} -t -f {config}"
    subprocess.run(in_own_world(("sh", "-c", command)), check=True)


@pytest.fixture
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text())
    return found


def test_compose_has_the_labs_parts(compose: dict[str, Any], tmp_path: Path) -> None:
    parts = Plan.make(tmp_path).parts
    labs = {part.name for part in parts if part.kind is not Kind.ADDRESS}
    assert compose["services"].keys() == labs | {"replica-set"}
    servers = [
        line.split()[1:]
        for line in deployment()["compose-haproxy.cfg"].splitlines()
        if line.startswith("    server ")
    ]
    assert servers == [[name, f"{name}:8000"] for name in ("chat1", "chat2", "chat3")]
    needs = {name: one.get("depends_on", []) for name, one in compose["services"].items()}
    assert {other for others in needs.values() for other in others} <= compose["services"].keys()
    assert {
        one.partition(":")[0] for name in labs for one in compose["services"][name].get("volumes", [])
    } - {"./compose-haproxy.cfg"} == compose["volumes"].keys()


def test_compose_has_settings_that_a_node_starts_with(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = dict(compose["services"]["chat1"]["environment"])
    assert environment["CHIRPBIRD_SECRET"].startswith("${CHIRPBIRD_SECRET:?")
    environment["CHIRPBIRD_SECRET"] = "s" * 64
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert unknown_variables(environment) == []
    settings = Settings()
    assert settings.forwarded_allow_ips == compose["networks"]["default"]["ipam"]["config"][0]["subnet"]
    assert signing_secret(settings) == b"s" * 64
    uri = parse_uri(settings.mongodb_address() or "")
    assert [host for host, _ in uri["nodelist"]] == ["mongo1", "mongo2", "mongo3"]
    assert settings.redis_url is not None
    (redis,) = RedisOptions(url=settings.redis_url.get_secret_value()).sets()
    assert [f"{one.host}:{one.port}" for one in redis.addresses] == [f"sentinel{n}:26379" for n in (1, 2, 3)]
    assert redis.master == MASTER_NAME


def test_compose_tells_redis_and_mongod_what_the_lab_tells_them(compose: dict[str, Any]) -> None:
    services = compose["services"]
    said = " ".join(services["sentinel1"]["command"])
    for line in sentinel_config(address="", directory="", master="redis1").splitlines():
        if line.startswith(("sentinel monitor", "sentinel down", "sentinel failover")):
            assert line in said
    parameters = yaml.safe_load(deployment()["mongod.conf"])["setParameter"]
    for name, value in parameters.items():
        assert f"--setParameter={name}={value}" in services["mongo1"]["command"]
    set_up = services["replica-set"]["entrypoint"][-1]
    settings = replica_set(["mongo1:27017"])["settings"]
    assert isinstance(settings, dict)
    for name, value in settings.items():
        assert f"{name}: {value}" in set_up
    assert services["redis1"]["image"].startswith("redis:7.")
    assert services["mongo1"]["image"].startswith("mongo:6.")


def test_the_dockerfile_copies_what_there_is() -> None:
    for line in (DEPLOY / "Dockerfile").read_text().splitlines():
        word, *paths = line.split() or [""]
        if word == "COPY" and not paths[0].startswith("--from"):
            for path in paths[:-1]:
                assert (DEPLOY.parent / path).exists(), line


def test_the_environment_file_has_settings_that_exist() -> None:
    known = {f"CHIRPBIRD_{name.upper()}" for name in Settings.model_fields}
    lines = [line for line in deployment()["chirpbird.env"].splitlines() if not line.startswith("#")]
    assert {line.partition("=")[0] for line in lines} <= known
