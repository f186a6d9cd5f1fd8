"""``chirpbird`` on a machine whose clock is wrong: ``python skewed.py SECONDS serve ...``."""

from __future__ import annotations

import sys
import time

AHEAD = float(sys.argv.pop(1))
_time, _time_ns = time.time, time.time_ns


def wrong_time() -> float:
    return _time() + AHEAD


def wrong_time_ns() -> int:
    return _time_ns() + int(AHEAD * 1e9)


time.time, time.time_ns = wrong_time, wrong_time_ns

if __name__ == "__main__":
    from chirpbird.cli import main

    main()
