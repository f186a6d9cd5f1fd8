from __future__ import annotations

import pytest
from starlette.requests import Request

from chirpbird.web.authentication import network_address


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002"),
        ("2001:db8:1:2:ffff::", "2001:0db8:0001:0002"),
        ("a-socket", "a-socket"),
        (None, ""),
    ],
)
def test_addresses_are_counted_by_what_a_host_can_choose_from(host: str | None, address: str) -> None:
    scope = {"type": "http", "client": (host, 1) if host is not None else None}
    assert network_address(Request(scope)) == address
