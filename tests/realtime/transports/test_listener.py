from __future__ import annotations

import pytest

from chirpbird.realtime.transports.listener import CannotListen, listen


def test_a_port_in_use_is_named() -> None:
    with listen("127.0.0.1", 0, setting="--port") as first:
        port = first.getsockname()[1]
        with pytest.raises(CannotListen, match=f"port {port} of .*choose another port with --port"):
            listen("127.0.0.1", port, setting="--port")


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(CannotListen, match=r"port 8000 of 192\.0\.2\.1: .*with --port"):
        listen("192.0.2.1", 8000, setting="--port")


def test_both_kinds_of_addresses() -> None:
    with listen("::1", 0, setting="--port") as one:
        assert one.getsockname()[0] == "::1"
