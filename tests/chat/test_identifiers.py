from __future__ import annotations

from chirpbird.chat import text
from chirpbird.chat.identifiers import new_epoch, new_id


def test_ids_sort_by_creation_and_look_like_ids() -> None:
    earlier, later = new_id(1_700_000_000_000), new_id(1_700_000_000_001)
    assert earlier < later
    assert len(earlier) == 26
    assert text.is_identifier(earlier)
    assert earlier != new_id(1_700_000_000_000)


def test_epochs_differ() -> None:
    assert new_epoch() != new_epoch()
