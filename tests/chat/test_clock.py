from __future__ import annotations

from chirpbird.chat.clock import SystemClock


def test_the_system_clock_counts_milliseconds_since_1970() -> None:
    assert SystemClock().now_ms() > 1_700_000_000_000


def test_the_monotonic_clock_does_not_go_back() -> None:
    clock = SystemClock()
    assert clock.monotonic() <= clock.monotonic()
