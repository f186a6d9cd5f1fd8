from __future__ import annotations

import re

from chirpbird.chat import errors
from chirpbird.chat.errors import ChatError


def every_kind(root: type[ChatError] = ChatError) -> list[type[ChatError]]:
    return [root, *(kind for branch in root.__subclasses__() for kind in every_kind(branch))]


def test_the_tree_at_the_top_of_the_module_is_the_tree() -> None:
    written = set(re.findall(r"^ *([A-Z]\w+)", (errors.__doc__ or "").partition("\n\n")[2], re.MULTILINE))
    assert {kind.__name__ for kind in every_kind()} <= written


def test_codes_are_in_their_ranges() -> None:
    for kind in every_kind():
        assert 400 <= kind.status < 600
        assert 100 <= kind.code <= 111 or 400 <= kind.code < 2000
        assert re.fullmatch("[a-z_]+", kind.name)


def test_only_what_may_work_later_is_temporary() -> None:
    for kind in every_kind():
        assert kind.temporary is (kind.status in {429, 503, 507})


def test_an_error_carries_its_field_and_its_patience() -> None:
    error = errors.TooMany("too many messages", field="data", retry_after=1.5)
    assert (str(error), error.field, error.retry_after) == ("too many messages", "data", 1.5)
