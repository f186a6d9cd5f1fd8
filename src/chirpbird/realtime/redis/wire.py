"""What goes over Redis: publications, people, and nothing that a look at it would not explain.

    P<offset> <origin> <length of epoch> <epoch><publication>     publications
    J<origin> <person>   L<origin> <person>                       joins and leaves

``origin`` is the node that has given it to its own subscribers already; "-" if none has. Publication and person are
MessagePack arrays.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from chirpbird.realtime.types import ClientInfo, Publication

__all__ = [
    "NOBODY",
    "Heard",
    "decode",
    "kept",
    "pack_person",
    "pack_publication",
    "person",
    "person_message",
    "publication_message",
]

NOBODY = b"-"


class _Person(msgspec.Struct, frozen=True, array_like=True, gc=False):
    user: str
    client: str
    conn_info: bytes = b""
    chan_info: bytes = b""


class _Publication(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    data: bytes
    time: int = 0
    delta: bool = False
    info: _Person | None = None
    tags: Mapping[str, str] | None = None


class Heard(msgspec.Struct, frozen=True, gc=False):
    """A message of the bus: one of ``publication`` and ``person`` is there."""

    origin: bytes
    kind: bytes
    publication: Publication | None = None
    epoch: str = ""
    person: ClientInfo | None = None


_publications = msgspec.msgpack.Decoder(_Publication)
_people = msgspec.msgpack.Decoder(_Person)
_encode = msgspec.msgpack.encode


def pack_publication(publication: Publication) -> bytes:
    """All but the offset."""
    info = publication.info
    return _encode(
        _Publication(
            publication.data,
            publication.time,
            publication.delta,
            None if info is None else _Person(info.user, info.client, info.conn_info, info.chan_info),
            publication.tags,
        )
    )


def kept(payload: bytes, offset: int) -> Publication:
    """What ``pack_publication`` packed. Errors: msgspec.MsgspecError."""
    packed = _publications.decode(payload)
    info = packed.info
    return Publication(
        data=packed.data,
        offset=offset,
        info=None if info is None else _info(info),
        tags=packed.tags,
        time=packed.time,
        delta=packed.delta,
    )


def publication_message(origin: bytes, publication: Publication, epoch: str) -> bytes:
    """An announcement."""
    name = epoch.encode()
    head = b"P%d %b %d %b" % (publication.offset, origin, len(name), name)
    return head + pack_publication(publication)


def pack_person(info: ClientInfo) -> bytes:
    """A client and what is told of it."""
    return _encode(_Person(info.user, info.client, info.conn_info, info.chan_info))


def person(payload: bytes) -> ClientInfo:
    """What ``pack_person`` packed. Errors: msgspec.MsgspecError."""
    return _info(_people.decode(payload))


def person_message(kind: bytes, origin: bytes, info: ClientInfo) -> bytes:
    """``kind`` J: a join, L: a leave."""
    return b"%b%b %b" % (kind, origin, pack_person(info))


def decode(data: bytes) -> Heard:
    """Errors: ValueError (msgspec's are of these) when it is something else."""
    kind = data[:1]
    if kind == b"P":
        offset, origin, length, rest = data[1:].split(b" ", 3)
        size = int(length)
        return Heard(origin, kind, kept(rest[size:], int(offset)), rest[:size].decode())
    if kind in (b"J", b"L"):
        origin, payload = data[1:].split(b" ", 1)
        return Heard(origin, kind, person=person(payload))
    raise ValueError(f"message begins with {kind!r}, expected P, J or L")


def _info(packed: _Person) -> ClientInfo:
    return ClientInfo(packed.user, packed.client, packed.conn_info, packed.chan_info)
