from __future__ import annotations

from rich.console import Console

from chirpbird.lab.control import PartStatus, Status
from chirpbird.lab.table import table


def test_eighty_columns_are_enough() -> None:
    parts = (
        PartStatus("sentinel1", "sentinel", "10.77.0.61", "running", False, "sees 10.77.0.61", "master down"),
        PartStatus("chat1", "chat", "10.77.0.21", "running", True, "", "ok", 12345.0, 1234.5, "2000 ms"),
        PartStatus("vip1", "address", "10.77.0.11", "running", False, "holds the address", "no answer"),
        PartStatus("mongo1", "mongod", "10.77.0.71", "dead", False, "", "dead"),
    )
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table(Status(parts)))
    shown = captured.get()
    assert "…" not in shown
    rows = [line.split() for line in shown.splitlines()]
    assert ["chat1", "10.77.0.21", "cut", "off", "12345", "1234.5", "2000", "ms"] in rows
    assert ["mongo1", "10.77.0.71", "dead"] in rows
