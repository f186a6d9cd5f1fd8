"""The nodes of a cluster: who is there, and questions and notices from one to all or one.

Every node announces itself over the broker's control messages from time to time; who is silent for too long is taken for gone.
Nothing here needs a node to be elected, or the clocks of two nodes to agree.
"""

from __future__ import annotations

import asyncio
import fnmatch
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from chirpbird.realtime import control
from chirpbird.realtime.core import settled
from chirpbird.realtime.protocol import errors
from chirpbird.realtime.protocol.codes import ProtocolError, RealtimeError
from chirpbird.realtime.stats import NodeInfo, NodesInfo
from chirpbird.realtime.types import MaybeAwaitable

if TYPE_CHECKING:
    from chirpbird.realtime.core import Core

__all__ = ["Cluster", "NotificationEvent", "SurveyEvent", "SurveyIncomplete", "SurveyReply", "UnknownNode"]

_logger = logging.getLogger("chirpbird.realtime")
_CHANNELS = "chirpbird.channels"


class SurveyEvent(msgspec.Struct, frozen=True):
    """A node asks."""

    node: str
    op: str
    data: bytes


class SurveyReply(msgspec.Struct, frozen=True):
    """One node's answer. ``code`` 0 is success; a handler that raises ``ProtocolError`` answers with its code, one that fails
    otherwise with 100, and a node without a handler for the ``op`` with 104."""

    data: bytes = b""
    code: int = 0


class NotificationEvent(msgspec.Struct, frozen=True):
    """A node lets others know; no answer is waited for."""

    node: str
    op: str
    data: bytes


SurveyHandler = Callable[[SurveyEvent], MaybeAwaitable[SurveyReply]]
NotificationHandler = Callable[[NotificationEvent], Awaitable[None] | None]


class UnknownNode(RealtimeError):
    """There is no node of this id, or it was not heard of for too long."""

    def __init__(self, node: str) -> None:
        super().__init__(f"node is {node!r}, expected one that is alive")
        self.node = node


class SurveyIncomplete(RealtimeError):
    """Not every node answered in time. ``replies`` are those that came, ``missing`` the ids of the silent nodes."""

    def __init__(self, op: str, replies: Mapping[str, SurveyReply], missing: frozenset[str]) -> None:
        super().__init__(
            f"{len(missing)} of {len(missing) + len(replies)} nodes did not answer survey {op!r}"
        )
        self.replies = replies
        self.missing = missing


class _Survey:
    """One question under way."""

    __slots__ = ("done", "replies", "waiting")

    def __init__(self, nodes: set[str]) -> None:
        self.waiting = nodes
        self.replies: dict[str, SurveyReply] = {}
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def answered(self, node: str, reply: SurveyReply) -> None:
        """The first answer of each node that was asked counts."""
        if node in self.waiting:
            self.replies[node] = reply
            self.left(node)

    def left(self, node: str) -> None:
        self.waiting.discard(node)
        if not self.waiting and not self.done.done():
            self.done.set_result(None)


class Cluster:
    """One node's view of all."""

    def __init__(self, core: Core, itself: Callable[[], NodeInfo]) -> None:
        self._core = core
        self._itself = itself
        self._nodes: dict[str, tuple[NodeInfo, float]] = {}
        """The others, and when they were last heard of."""
        self._surveys: dict[int, _Survey] = {}
        self._last_survey = 0
        self._announce_at = 0.0
        self._lost: dict[str, float] = {}
        """Nodes that fell silent, and until when they may be cut off only, and go on without being heard."""
        self.survey_handlers: dict[str, SurveyHandler] = {_CHANNELS: self._count_channels}
        self.notification_handlers: dict[str, NotificationHandler] = {}

    # Who is there

    def info(self) -> NodesInfo:
        return NodesInfo([self._itself(), *(info for info, _ in self._nodes.values())])

    def announce(self, to: str = "") -> None:
        """Tell the others, or one of them, that this node is there."""
        if not to:
            self._announce_at = self._core.clock.monotonic() + self._core.config.announce_interval
        self._say(control.Announcement(node=self._core.node_id, to=to, info=self._itself()))

    def announce_soon(self) -> None:
        """At the next tick."""
        self._announce_at = 0.0

    async def depart(self) -> None:
        """Tell the others not to wait for this node any more."""
        await self._deliver(control.Departure(node=self._core.node_id))

    def doubts(self, now: float) -> bool:
        """Another node may be at work without being heard."""
        if self._lost:
            self._lost = {node: until for node, until in self._lost.items() if until > now}
        late = now - self._core.config.node_doubt_after
        return bool(self._lost) or any(heard <= late for _, heard in self._nodes.values())

    def tick(self, now: float, *, bus_up: bool) -> None:
        """Announce when it is time to, and give up the silent."""
        if now >= self._announce_at and bus_up:
            self.announce()
        late = now - self._core.config.node_ttl
        for node in [node for node, (_, heard) in self._nodes.items() if heard <= late]:
            _logger.warning("node %s was not heard of for too long, it is taken for gone", node)
            if bus_up:  # otherwise it is this node that does not hear, and follows the streams for that
                self._lost[node] = now + self._core.config.lost_node_doubt
            self._lose(node)

    def _lose(self, node: str) -> None:
        if self._nodes.pop(node, None) is not None:
            for survey in self._surveys.values():
                survey.left(node)

    # Asking and telling

    async def survey(
        self, op: str, data: bytes, *, to: str = "", timeout: float | None = None
    ) -> dict[str, SurveyReply]:
        """See ``Node.survey``."""
        here = self._core.node_id
        asked = {to} if to else {here, *self._nodes}
        if to and to != here and to not in self._nodes:
            raise UnknownNode(to)
        self._last_survey += 1
        number = self._last_survey
        survey = self._surveys[number] = _Survey(set(asked))
        limit = self._core.config.survey_timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(limit) as clock:
                if asked != {here}:
                    question = control.SurveyQuestion(node=here, to=to, id=number, op=op, data=data)
                    await settled(self._core.broker.publish_control(control.encode(question)))
                if here in asked:
                    self._ask(SurveyEvent(here, op, data), lambda reply: survey.answered(here, reply))
                await survey.done
        except TimeoutError:
            if not clock.expired():
                raise
            raise SurveyIncomplete(op, survey.replies, frozenset(survey.waiting)) from None
        finally:
            del self._surveys[number]
        if to and to not in survey.replies:
            raise UnknownNode(to)
        return survey.replies

    async def channels(self, pattern: str) -> dict[str, int]:
        """See ``Node.channels``."""
        replies = await self.survey(_CHANNELS, pattern.encode())
        failed = frozenset(node for node, reply in replies.items() if reply.code)
        if failed:
            said = {node: reply for node, reply in replies.items() if not reply.code}
            raise SurveyIncomplete(_CHANNELS, said, failed)
        counts: dict[str, int] = {}
        for reply in replies.values():
            for channel, count in msgspec.msgpack.decode(reply.data, type=dict[str, int]).items():
                counts[channel] = counts.get(channel, 0) + count
        return counts

    def _count_channels(self, event: SurveyEvent) -> SurveyReply:
        matches = re.compile(fnmatch.translate(event.data.decode() or "*")).match
        counts = {
            name: channel.count
            for name, channel in self._core.hub.channels.items()
            if channel.count and matches(name)
        }
        return SurveyReply(msgspec.msgpack.encode(counts))

    async def notify(self, op: str, data: bytes, *, to: str = "") -> None:
        """See ``Node.notify``."""
        here = self._core.node_id
        if to and to != here and to not in self._nodes:
            raise UnknownNode(to)
        if not to or to == here:
            self._notified(NotificationEvent(here, op, data))
        if to != here:
            notice = control.Notification(node=here, to=to, op=op, data=data)
            await settled(self._core.broker.publish_control(control.encode(notice)))

    def heard(self, message: control.ClusterMessage) -> None:
        """A message of another node."""
        node = message.node
        if isinstance(message, control.Announcement):
            known = node in self._nodes
            self._nodes[node] = (message.info, self._core.clock.monotonic())
            if not known:
                self._lost.pop(node, None)
                self.announce(node)
        elif isinstance(message, control.Departure):
            self._lose(node)
        elif isinstance(message, control.SurveyAnswer):
            if (survey := self._surveys.get(message.id)) is not None:
                survey.answered(node, SurveyReply(message.data, message.code))
        elif isinstance(message, control.SurveyQuestion):
            self._ask(
                SurveyEvent(node, message.op, message.data),
                lambda reply: self._answer(node, message.id, reply),
            )
        else:
            self._notified(NotificationEvent(node, message.op, message.data))

    def _ask(self, event: SurveyEvent, answer: Callable[[SurveyReply], None]) -> None:
        """Begin at once, so that what one node asks is begun in the order in which it asked."""
        handler = self.survey_handlers.get(event.op)
        if handler is None:
            answer(SurveyReply(code=errors.METHOD_NOT_FOUND.code))
            return
        try:
            reply = handler(event)
        except Exception as error:
            answer(_refusal(event, error))
            return
        if isinstance(reply, SurveyReply):
            answer(reply)
        else:
            self._core.go(_wait(event, reply, answer))

    def _answer(self, node: str, number: int, reply: SurveyReply) -> None:
        self._say(
            control.SurveyAnswer(
                node=self._core.node_id, to=node, id=number, code=reply.code, data=reply.data
            )
        )

    def _notified(self, event: NotificationEvent) -> None:
        handler = self.notification_handlers.get(event.op)
        if handler is None:
            return
        try:
            result = handler(event)
        except Exception:
            _logger.exception("the handler of notification %r failed", event.op)
        else:
            self._core.detach(result, f"the handler of notification {event.op!r}")

    def _say(self, message: control.ControlMessage) -> None:
        self._core.go(self._deliver(message))

    async def _deliver(self, message: control.ControlMessage) -> None:
        """What is repeated or waited for elsewhere: a failure is logged and that is all."""
        try:
            await settled(self._core.broker.publish_control(control.encode(message)))
        except Exception as error:
            _logger.warning("the other nodes cannot be told of a %s: %r", type(message).__name__, error)


async def _wait(
    event: SurveyEvent, reply: Awaitable[SurveyReply], answer: Callable[[SurveyReply], None]
) -> None:
    try:
        answer(await reply)
    except Exception as error:
        answer(_refusal(event, error))


def _refusal(event: SurveyEvent, error: Exception) -> SurveyReply:
    if isinstance(error, ProtocolError):
        return SurveyReply(code=error.code)
    _logger.error("the handler of survey %r failed", event.op, exc_info=error)
    return SurveyReply(code=errors.INTERNAL.code)
