"""The files of deploy/ are the ones that the lab's parts are proven with, and their programs take them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from chirpbird.lab.deploy import deployment
from chirpbird.lab.enter import in_own_world
from chirpbird.lab.programs import find_program
from chirpbird.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.mark.parametrize("name", deployment())
def test_the_committed_file_is_what_the_configs_say(name: str) -> None:
    assert (DEPLOY / name).read_text() == deployment()[name], "python -m chirpbird.lab.deploy deploy"


@pytest.mark.e2e
def test_haproxy_takes_its_file_without_a_warning(tmp_path: Path) -> None:
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
    config.write_text(deployment()["haproxy.cfg"].replace("/etc/haproxy/certs/", str(certificate)))
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


def test_compose_has_the_labs_parts_and_settings_that_exist() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yml").read_text())
    services = compose["services"]
    for kind, count in (("lb", 2), ("chat", 3), ("redis", 3), ("sentinel", 3), ("mongo", 3)):
        assert {f"{kind}{number}" for number in range(1, count + 1)} <= services.keys()
    known = {f"CHIRPBIRD_{name.upper()}" for name in Settings.model_fields}
    assert services["chat1"]["environment"].keys() <= known


def test_the_environment_file_has_settings_that_exist() -> None:
    known = {f"CHIRPBIRD_{name.upper()}" for name in Settings.model_fields}
    lines = [line for line in deployment()["chirpbird.env"].splitlines() if not line.startswith("#")]
    assert {line.partition("=")[0] for line in lines} <= known
