"""What connections of one kind have in common: the wire format and the framing. What is for many is encoded once per lane."""

from __future__ import annotations

from collections.abc import Iterable

from chirpbird.realtime.protocol.codec import Codec
from chirpbird.realtime.protocol.messages import Info, JoinPush, Pub, Push, Reply
from chirpbird.realtime.transports.base import Connection, Framing
from chirpbird.realtime.types import ClientInfo, Publication

__all__ = ["Address", "Lane", "Lanes", "wire_delta", "wire_info", "wire_publication"]

Address = tuple[str, int]
"""What stands for the channel in a push: its name and 0, or "" and its number."""


class Lane:
    """One wire format over one framing. Unidirectional clients get pushes bare, and nothing else."""

    __slots__ = ("codec", "framing", "ping", "unidirectional")

    def __init__(self, codec: Codec, framing: Framing, *, unidirectional: bool = False) -> None:
        self.codec = codec
        self.framing = framing
        self.unidirectional = unidirectional
        self.ping = framing.frame(codec.encode_push(Push()) if unidirectional else codec.ping)

    def reply(self, reply: Reply) -> bytes:
        """An answer or push as a frame."""
        if not self.unidirectional:
            return self.framing.frame(self.codec.encode(reply))
        if reply.push is None:
            raise ValueError("a unidirectional client can only be told pushes")
        return self.framing.frame(self.codec.encode_push(reply.push))

    def publication(self, address: Address, publication: Publication, epoch: str) -> bytes:
        """A publication push as a frame. Errors: EncodeError."""
        return self._push(address, wire_publication(self.codec, publication, epoch))

    def delta_publication(
        self, address: Address, publication: Publication, epoch: str, patch: bytes | None
    ) -> bytes:
        """As ``publication``, for those who agreed upon deltas; ``patch`` None: whole. Errors: EncodeError."""
        return self._push(address, wire_delta(self.codec, publication, epoch, patch))

    def join(self, address: Address, info: ClientInfo) -> bytes:
        """A join push as a frame. Errors: EncodeError."""
        channel, number = address
        push = Push(id=number, channel=channel, join=JoinPush(info=wire_info(self.codec, info)))
        return self.reply(Reply(push=push))

    def leave(self, address: Address, info: ClientInfo) -> bytes:
        """A leave push as a frame. Errors: EncodeError."""
        channel, number = address
        push = Push(id=number, channel=channel, leave=JoinPush(info=wire_info(self.codec, info)))
        return self.reply(Reply(push=push))

    def _push(self, address: Address, pub: Pub) -> bytes:
        channel, number = address
        return self.reply(Reply(push=Push(id=number, channel=channel, pub=pub)))


class Lanes:
    """A node's lanes, made as kinds of connections turn up."""

    def __init__(self, codecs: Iterable[Codec]) -> None:
        self._codecs = {codec.wire: codec for codec in codecs}
        self._lanes: dict[tuple[str, Framing, bool], Lane] = {}

    def of(self, connection: Connection) -> Lane:
        """Errors: ValueError when the connection speaks a wire format that nobody registered."""
        unidirectional = connection.info.unidirectional
        key = (connection.info.wire, connection.framing, unidirectional)
        lane = self._lanes.get(key)
        if lane is None:
            codec = self._codecs.get(connection.info.wire)
            if codec is None:
                raise ValueError(
                    f"wire format is {connection.info.wire!r}, expected one of {sorted(self._codecs)}"
                )
            lane = self._lanes[key] = Lane(codec, connection.framing, unidirectional=unidirectional)
        return lane


def wire_info(codec: Codec, info: ClientInfo) -> Info:
    """Errors: EncodeError."""
    return Info(info.user, info.client, codec.payload(info.conn_info), codec.payload(info.chan_info))


def wire_publication(codec: Codec, publication: Publication, epoch: str) -> Pub:
    """``epoch`` is put on a stream's first publication only, for those who subscribed while the stream was empty.

    Errors: EncodeError.
    """
    pub = Pub(data=codec.payload(publication.data), offset=publication.offset, time=publication.time)
    if publication.info is not None:
        pub.info = wire_info(codec, publication.info)
    if publication.tags:
        pub.tags = dict(publication.tags)
    if publication.offset == 1:
        pub.epoch = epoch
    return pub


def wire_delta(codec: Codec, publication: Publication, epoch: str, patch: bytes | None) -> Pub:
    """As ``wire_publication``, for those who agreed upon deltas. Errors: EncodeError."""
    pub = wire_publication(codec, publication, epoch)
    pub.delta = patch is not None
    pub.data = codec.opaque(publication.data if patch is None else patch)
    return pub
