"""Certificate and key come from files, or from the configuration itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from chirpbird.standalone.config import ConfigError, TlsOptions, parse
from chirpbird.standalone.errors import CannotStart
from chirpbird.standalone.tls import server_context
from tests.support.certificate import certificate


def test_off_is_the_default() -> None:
    assert server_context(TlsOptions()) is None


def test_from_the_configuration_and_from_files(tmp_path: Path) -> None:
    cert, key = certificate()
    assert server_context(TlsOptions(enabled=True, cert_pem=cert, key_pem=key)) is not None
    (tmp_path / "c").write_text(cert)
    (tmp_path / "k").write_text(key)
    options = TlsOptions(enabled=True, cert_pem=str(tmp_path / "c"), key_pem=str(tmp_path / "k"))
    assert server_context(options) is not None


def test_what_cannot_be_used_is_said_and_not_shown(tmp_path: Path) -> None:
    (cert, key), (_, other) = certificate(), certificate()
    for options in (
        TlsOptions(enabled=True, cert_pem=cert, key_pem=other),
        TlsOptions(enabled=True, cert_pem=key, key_pem=key),
        TlsOptions(enabled=True, cert_pem=cert, key_pem="-----BEGIN NONSENSE-----\nsecret"),
        TlsOptions(enabled=True, cert_pem=str(tmp_path / "none"), key_pem=key),
        TlsOptions(enabled=True, cert_pem="\0", key_pem=key),
    ):
        with pytest.raises(CannotStart, match="cannot be used") as caught:
            server_context(options)
        assert "secret" not in str(caught.value)
    with pytest.raises(ConfigError, match="needs cert_pem and key_pem"):
        parse({"http_server": {"tls": {"enabled": True, "cert_pem": cert}}})
