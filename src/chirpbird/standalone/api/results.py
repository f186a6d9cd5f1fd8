"""Bodies of API answers."""

from __future__ import annotations

import base64

import msgspec

from chirpbird.realtime import ClientInfo, Publication

__all__ = [
    "BatchResponse",
    "BroadcastResult",
    "ChannelCount",
    "ChannelsResult",
    "Done",
    "Error",
    "HistoryResult",
    "Info",
    "InfoResult",
    "Metrics",
    "NodeResult",
    "PresenceResult",
    "PresenceStatsResult",
    "Pub",
    "PublishResult",
    "Response",
    "Result",
]

_NOTHING = msgspec.Raw()
_NULL = msgspec.Raw(b"null")
_skip = msgspec.json.Decoder(msgspec.Raw).decode


class Result(msgspec.Struct, omit_defaults=True):
    """What a method answers."""


class Done(Result):
    """There is nothing to tell."""


class PublishResult(Result):
    offset: int = 0
    epoch: str = ""


class Error(msgspec.Struct):
    """A method's refusal."""

    code: int
    message: str


class Response(msgspec.Struct, omit_defaults=True):
    """One of both."""

    result: Result | None = None
    error: Error | None = None


class BroadcastResult(Result, omit_defaults=False):
    responses: list[Response]
    """In the order of the channels."""


class BatchResponse(msgspec.Struct):
    replies: list[dict[str, Result | Error]]
    """In the order of the commands; each by the name of its method, or ``error``."""


class Info(msgspec.Struct, omit_defaults=True):
    """Who published or is present. What is not JSON has the field whose name begins with b64."""

    user: str = ""
    client: str = ""
    conn_info: msgspec.Raw = _NOTHING
    chan_info: msgspec.Raw = _NOTHING
    b64conn_info: str = ""
    b64chan_info: str = ""

    @classmethod
    def of(cls, info: ClientInfo) -> Info:
        conn_info, b64conn_info = _as_json(info.conn_info)
        chan_info, b64chan_info = _as_json(info.chan_info)
        return cls(info.user, info.client, conn_info, chan_info, b64conn_info, b64chan_info)


class Pub(msgspec.Struct, omit_defaults=True):
    """A publication. Data that are not JSON (Protobuf clients publish any bytes) are null, and in ``b64data``."""

    data: msgspec.Raw
    offset: int = 0
    tags: dict[str, str] = {}
    info: Info | None = None
    b64data: str = ""

    @classmethod
    def of(cls, publication: Publication) -> Pub:
        data, b64data = _as_json(publication.data)
        return cls(
            data=_NULL if data is _NOTHING else data,
            offset=publication.offset,
            tags=dict(publication.tags or {}),
            info=None if publication.info is None else Info.of(publication.info),
            b64data=b64data,
        )


class HistoryResult(Result, omit_defaults=False):
    publications: list[Pub]
    offset: int
    epoch: str


class PresenceResult(Result, omit_defaults=False):
    presence: dict[str, Info]
    """By client id."""


class PresenceStatsResult(Result, omit_defaults=False):
    num_clients: int
    num_users: int


class ChannelCount(msgspec.Struct):
    num_clients: int


class ChannelsResult(Result, omit_defaults=False):
    channels: dict[str, ChannelCount]


class Metrics(msgspec.Struct):
    """Totals of the last ``interval`` seconds."""

    interval: float
    items: dict[str, float]


class NodeResult(msgspec.Struct):
    uid: str
    name: str
    version: str
    num_clients: int
    num_users: int
    num_channels: int
    num_subs: int
    uptime: int
    """Seconds."""
    metrics: Metrics
    """Since its start."""


class InfoResult(Result, omit_defaults=False):
    nodes: list[NodeResult]


def _as_json(data: bytes) -> tuple[msgspec.Raw, str]:
    """The bytes as a JSON value, or if they are none, in base64."""
    if not data:
        return _NOTHING, ""
    try:
        data.decode()
        return _skip(data), ""
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _NOTHING, base64.b64encode(data).decode()
