"""Both wire formats."""

from __future__ import annotations

import pytest

from tests.support.wires import WIRES, Wire


@pytest.fixture(params=list(WIRES))
def wire(request: pytest.FixtureRequest) -> Wire:
    return WIRES[request.param]
