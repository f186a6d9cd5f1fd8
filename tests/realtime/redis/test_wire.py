from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirpbird.realtime import ClientInfo, Publication
from chirpbird.realtime.redis import wire

TEXT = st.text(max_size=20)
DATA = st.binary(max_size=50)
PEOPLE = st.builds(ClientInfo, user=TEXT, client=TEXT, conn_info=DATA, chan_info=DATA)
PUBLICATIONS = st.builds(
    Publication,
    data=DATA,
    offset=st.integers(0, 2**63 - 1),
    info=st.none() | PEOPLE,
    tags=st.none() | st.dictionaries(TEXT, TEXT, max_size=3),
    time=st.integers(0, 2**63 - 1),
    delta=st.booleans(),
)


@given(PUBLICATIONS, TEXT)
def test_publications_arrive_as_they_were(publication: Publication, epoch: str) -> None:
    heard = wire.decode(wire.publication_message(b"me", publication, epoch))
    assert (heard.origin, heard.publication, heard.epoch) == (b"me", publication, epoch)
    payload = wire.pack_publication(publication)
    assert wire.kept(payload, publication.offset) == publication


@given(PEOPLE, st.sampled_from([b"J", b"L"]))
def test_people_arrive_as_they_were(info: ClientInfo, kind: bytes) -> None:
    heard = wire.decode(wire.person_message(kind, b"me", info))
    assert (heard.origin, heard.kind, heard.person) == (b"me", kind, info)


@given(DATA, st.sampled_from([b"", b"P", b"J", b"P1 - 0 ", b"J- "]))
def test_anything_else_is_a_value_error(data: bytes, head: bytes) -> None:
    try:
        wire.decode(head + data)
    except ValueError:
        return


def test_other_kinds() -> None:
    with pytest.raises(ValueError, match="begins with b'Q'"):
        wire.decode(b"Q")
