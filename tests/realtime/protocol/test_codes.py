"""The tables of codes, as the protocol has them."""

from __future__ import annotations

import pytest

from chirpbird.realtime import Disconnect, ProtocolError, disconnects, errors

ERRORS = {
    100: ("internal server error", True),
    101: ("unauthorized", False),
    102: ("unknown channel", False),
    103: ("permission denied", False),
    104: ("method not found", False),
    105: ("already subscribed", False),
    106: ("limit exceeded", False),
    107: ("bad request", False),
    108: ("not available", False),
    109: ("token expired", False),
    110: ("expired", False),
    111: ("too many requests", True),
    112: ("unrecoverable position", False),
    113: ("concurrent pagination", True),
}
DISCONNECTS = {
    3000: "connection closed",
    3001: "shutdown",
    3004: "internal server error",
    3005: "connection expired",
    3006: "subscription expired",
    3008: "slow",
    3009: "write error",
    3010: "insufficient state",
    3011: "force reconnect",
    3012: "no pong",
    3013: "too many requests",
    3014: "state invalidated",
    3500: "invalid token",
    3501: "bad request",
    3502: "stale",
    3503: "force disconnect",
    3504: "connection limit",
    3505: "channel limit",
    3506: "inappropriate protocol",
    3507: "permission denied",
    3508: "not available",
    3509: "too many errors",
}


def test_errors_are_those_of_the_protocol() -> None:
    table = [getattr(errors, name) for name in errors.__all__]
    assert {error.code: (error.message, error.temporary) for error in table} == ERRORS


def test_disconnects_are_those_of_the_protocol() -> None:
    table = [getattr(disconnects, name) for name in disconnects.__all__]
    assert {disconnect.code: disconnect.reason for disconnect in table} == DISCONNECTS


@pytest.mark.parametrize(
    ("code", "terminal"),
    [
        (3000, False),
        (3499, False),
        (3500, True),
        (3999, True),
        (4000, False),
        (4499, False),
        (4500, True),
        (4999, True),
    ],
)
def test_the_code_tells_whether_clients_come_back(code: int, terminal: bool) -> None:
    assert Disconnect(code, "x").terminal is terminal


@pytest.mark.parametrize(("code", "reason"), [(2999, "x"), (5000, "x"), (3000, ""), (3000, "x" * 124)])
def test_what_does_not_fit_a_close_frame_is_refused_at_once(code: int, reason: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        Disconnect(code, reason)


def test_codes_of_the_sdks_are_refused() -> None:
    with pytest.raises(ValueError, match="code is 99"):
        ProtocolError(99, "x")


def test_errors_say_what_they_are() -> None:
    assert str(errors.PERMISSION_DENIED) == "permission denied (error 103)"
    assert str(disconnects.STALE) == "stale (disconnect 3502)"
