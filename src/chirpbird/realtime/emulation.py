"""Commands of clients whose connection carries bytes one way only: they come by requests of their own, to any node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from chirpbird.realtime.cluster import Cluster, SurveyEvent, SurveyReply, UnknownNode

if TYPE_CHECKING:
    from chirpbird.realtime.core import Core

__all__ = ["Emulation"]

_OP = "chirpbird.emulation"


class _Parcel(msgspec.Struct, array_like=True):
    session: str
    data: bytes


class Emulation:
    """Brings commands to the sessions that they are for, in the order in which they came to this node."""

    __slots__ = ("_cluster", "_core")

    def __init__(self, core: Core, cluster: Cluster) -> None:
        self._core = core
        self._cluster = cluster
        cluster.survey_handlers[_OP] = self._asked

    async def emulate(self, node: str, session_id: str, data: bytes) -> None:
        """See ``Node.emulate``."""
        if not node:
            raise UnknownNode(node)
        if node == self._core.node_id:
            self._deliver(session_id, data)
        else:
            await self._cluster.survey(_OP, msgspec.msgpack.encode(_Parcel(session_id, data)), to=node)

    def _asked(self, event: SurveyEvent) -> SurveyReply:
        parcel = msgspec.msgpack.decode(event.data, type=_Parcel)
        self._deliver(parcel.session, parcel.data)
        return SurveyReply()

    def _deliver(self, session_id: str, data: bytes) -> None:
        session = self._core.hub.session_ids.get(session_id)
        if session is not None:
            session.received(data)
