"""Modules and functions stay small enough to be read at once."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src" / "chirpbird"
MODULES = sorted(SOURCES.rglob("*.py"))
MAX_MODULE, MAX_FUNCTION = 410, 50
"""Lines."""


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCES)))
def test_a_module_and_its_functions_are_short(module: Path) -> None:
    text = module.read_text()
    assert len(text.splitlines()) <= MAX_MODULE
    functions = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = {
        node.name: size
        for node in functions
        if (size := (node.end_lineno or 0) - node.lineno + 1) > MAX_FUNCTION
    }
    assert not long
