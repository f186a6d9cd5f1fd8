"""What the documentation says, for tests that hold it to that."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["code_blocks", "page"]

_DOCS = Path(__file__).parents[2] / "docs"


def page(name: str) -> str:
    return (_DOCS / name).read_text("utf-8")


def code_blocks(name: str, language: str) -> list[str]:
    """In their order."""
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", page(name), re.DOTALL | re.MULTILINE)
    return found
