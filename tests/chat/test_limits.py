from __future__ import annotations

import pytest

from chirpbird.chat.errors import InvalidInput
from chirpbird.chat.limits import bounded


def test_bounds_are_included() -> None:
    assert bounded(1, field="limit", minimum=1, maximum=3) == 1
    assert bounded(3, field="limit", minimum=1, maximum=3) == 3


@pytest.mark.parametrize("value", [0, 4, -(10**30)])
def test_what_is_out_of_bounds_is_named(value: int) -> None:
    with pytest.raises(InvalidInput, match=f"^limit is {value}, 1 to 3 is expected$") as caught:
        bounded(value, field="limit", minimum=1, maximum=3)
    assert caught.value.field == "limit"
