"""The port's own TLS."""

from __future__ import annotations

import os
import ssl
import tempfile
from pathlib import Path

from chirpbird.standalone.config import TlsOptions
from chirpbird.standalone.errors import CannotStart

__all__ = ["server_context"]

_PEM = "-----BEGIN"


def server_context(options: TlsOptions) -> ssl.SSLContext | None:
    """None where TLS is off. Errors: CannotStart when certificate and key cannot be used; it does not repeat them."""
    if not options.enabled:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        with tempfile.TemporaryDirectory() as directory:
            certificate = _file(options.cert_pem, Path(directory, "certificate"))
            key = _file(options.key_pem, Path(directory, "key"))
            context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or type(error).__name__
        raise CannotStart(f"http_server.tls: certificate and key cannot be used: {reason}") from error
    return context


def _file(value: str, written: Path) -> Path:
    """Python reads keys from files only; what stands in the configuration itself is one for a moment."""
    if not value.lstrip().startswith(_PEM):
        return Path(value)
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 of a descriptor
        file.write(value)
    return written
