"""What a connected client may ask for besides subscribing: publish, presence, history, rpc, send."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from chirpbird.realtime.asking import ask, log_failure, wait
from chirpbird.realtime.events import (
    HistoryEvent,
    HistoryReply,
    MessageEvent,
    PresenceEvent,
    PresenceReply,
    PresenceStatsEvent,
    PublishEvent,
    PublishReply,
    RpcEvent,
    RpcReply,
)
from chirpbird.realtime.lane import wire_info, wire_publication
from chirpbird.realtime.protocol import disconnects, errors, messages
from chirpbird.realtime.protocol.codes import Disconnect
from chirpbird.realtime.protocol.messages import (
    Empty,
    HistoryRequest,
    PresenceRequest,
    PresenceStatsRequest,
    PublishRequest,
    Reply,
    RpcRequest,
    SendRequest,
)
from chirpbird.realtime.types import (
    ClientInfo,
    HistoryResult,
    PresenceStats,
    Publication,
    PublishResult,
    StreamPosition,
)

if TYPE_CHECKING:
    from chirpbird.realtime.session import Session

__all__ = ["history", "presence", "presence_stats", "publish", "read_history", "rpc", "send"]

_DONE = Empty()


def publish(session: Session, command_id: int, request: PublishRequest) -> None:
    """Publications of one client to one channel reach the handler in order, one coroutine at a time."""
    channel = request.channel
    data = bytes(request.data)
    if not data:
        session.close(disconnects.BAD_REQUEST)
        return
    if not _check_channel(session, command_id, channel):
        return
    if request.type:
        session.error(command_id, errors.BAD_REQUEST)
        return
    event = PublishEvent(channel, data, session.info_in(channel))
    if session.publishing is not None and (queue := session.publishing.get(channel)) is not None:
        session.in_flight += 1
        queue.append((command_id, event))
    else:
        _publish_now(session, command_id, event, None)


def _publish_now(
    session: Session, command_id: int, event: PublishEvent, queue: deque[tuple[int, PublishEvent]] | None
) -> bool:
    """False when a coroutine is at it, and ``queue`` has to wait for it."""
    handler = session.core.handlers.publish
    if handler is None:
        session.error(command_id, errors.NOT_AVAILABLE)
        return True
    future = ask(session, command_id, handler, event, PublishReply, _allowed)
    if not isinstance(future, asyncio.Task):
        return True
    if session.publishing is None:
        session.publishing = {}
    session.publishing[event.channel] = deque() if queue is None else queue
    future.add_done_callback(partial(_publish_next, session, event.channel))
    return False


def _publish_next(session: Session, channel: str, _task: asyncio.Task[PublishReply]) -> None:
    if session.publishing is None:
        return
    queue = session.publishing.pop(channel)
    while queue and not session.is_closed:
        command_id, event = queue.popleft()
        session.in_flight -= 1
        if not _publish_now(session, command_id, event, queue):
            break
    session.resume()


def _allowed(session: Session, command_id: int, event: PublishEvent, reply: PublishReply) -> None:
    if reply.result is None:
        options = reply.options
        publication = Publication(data=event.data, info=event.info, tags=options.tags, delta=options.delta)
        result = session.core.broker.publish(event.channel, publication, options)
        if not isinstance(result, PublishResult):
            future = asyncio.ensure_future(result)
            wait(session, command_id, future, event, PublishResult, _published)
            return
    session.reply(Reply(id=command_id, publish=_DONE))


def _published(session: Session, command_id: int, _event: PublishEvent, _result: PublishResult) -> None:
    session.reply(Reply(id=command_id, publish=_DONE))


def presence(session: Session, command_id: int, request: PresenceRequest) -> None:
    handler = session.core.handlers.presence
    if not _check_channel(session, command_id, request.channel):
        return
    if handler is None:
        session.error(command_id, errors.NOT_AVAILABLE)
        return
    ask(session, command_id, handler, PresenceEvent(request.channel), PresenceReply, _may_see_presence)


def _may_see_presence(session: Session, command_id: int, event: PresenceEvent, reply: PresenceReply) -> None:
    if reply.presence is not None:
        _tell_presence(session, command_id, event, dict(reply.presence))
        return
    future = session.core.spawn(session.core.presence.get(event.channel))
    wait(session, command_id, future, event, dict, _tell_presence)


def _tell_presence(
    session: Session, command_id: int, _event: PresenceEvent, present: dict[str, ClientInfo]
) -> None:
    codec = session.lane.codec
    result = messages.PresenceResult({client: wire_info(codec, info) for client, info in present.items()})
    session.reply(Reply(id=command_id, presence=result))


def presence_stats(session: Session, command_id: int, request: PresenceStatsRequest) -> None:
    handler = session.core.handlers.presence_stats
    if not _check_channel(session, command_id, request.channel):
        return
    if handler is None:
        session.error(command_id, errors.NOT_AVAILABLE)
        return
    event = PresenceStatsEvent(request.channel)
    ask(session, command_id, handler, event, PresenceReply, _may_see_stats)


def _may_see_stats(
    session: Session, command_id: int, event: PresenceStatsEvent, reply: PresenceReply
) -> None:
    if reply.stats is not None:
        _tell_stats(session, command_id, event, reply.stats)
        return
    future = session.core.spawn(session.core.presence.stats(event.channel))
    wait(session, command_id, future, event, PresenceStats, _tell_stats)


def _tell_stats(session: Session, command_id: int, _event: PresenceStatsEvent, stats: PresenceStats) -> None:
    result = messages.PresenceStatsResult(stats.num_clients, stats.num_users)
    session.reply(Reply(id=command_id, presence_stats=result))


def history(session: Session, command_id: int, request: HistoryRequest) -> None:
    handler = session.core.handlers.history
    if not _check_channel(session, command_id, request.channel):
        return
    if handler is None:
        session.error(command_id, errors.NOT_AVAILABLE)
        return
    since = None if request.since is None else StreamPosition(request.since.offset, request.since.epoch)
    if request.reverse and since is not None and since.offset == 0:
        session.error(command_id, errors.BAD_REQUEST)
        return
    most = session.core.config.history_max_limit
    limit = request.limit if 0 <= request.limit <= most else most
    event = HistoryEvent(request.channel, limit, since, request.reverse)
    ask(session, command_id, handler, event, HistoryReply, _may_see_history)


def _may_see_history(session: Session, command_id: int, event: HistoryEvent, reply: HistoryReply) -> None:
    if reply.result is not None:
        _tell_history(session, command_id, event, reply.result)
        return
    future = session.core.spawn(read_history(session, event))
    wait(session, command_id, future, event, HistoryResult, _tell_history)


async def read_history(session: Session, event: HistoryEvent) -> HistoryResult:
    """Errors: UNRECOVERABLE_POSITION when ``since`` is of another stream."""
    offset = None if event.since is None else event.since.offset
    result = await session.core.history.read(
        event.channel, since=offset, limit=event.limit, reverse=event.reverse
    )
    if event.since is not None and event.since.epoch not in ("", result.position.epoch):
        raise errors.UNRECOVERABLE_POSITION
    return result


def _tell_history(session: Session, command_id: int, _event: HistoryEvent, result: HistoryResult) -> None:
    codec, position = session.lane.codec, result.position
    pubs = [wire_publication(codec, publication, position.epoch) for publication in result.publications]
    told = messages.HistoryResult(pubs, position.epoch, position.offset)
    session.reply(Reply(id=command_id, history=told))


def rpc(session: Session, command_id: int, request: RpcRequest) -> None:
    handler = session.core.handlers.rpc
    if handler is None:
        session.error(command_id, errors.NOT_AVAILABLE)
        return
    ask(session, command_id, handler, RpcEvent(request.method, bytes(request.data)), RpcReply, _called)


def _called(session: Session, command_id: int, _event: RpcEvent, reply: RpcReply) -> None:
    result = messages.RpcResult(session.lane.codec.payload(reply.data))
    session.reply(Reply(id=command_id, rpc=result))


def send(session: Session, request: SendRequest) -> None:
    handler = session.core.handlers.message
    if handler is None:
        session.close(disconnects.NOT_AVAILABLE)
        return
    event = MessageEvent(bytes(request.data))
    ask(session, 0, handler, event, type(None), _heard, _not_heard)


def _heard(_session: Session, _command_id: int, _event: MessageEvent, _reply: None) -> None:
    """There is no answer to a message."""


def _not_heard(session: Session, _command_id: int, _event: MessageEvent, error: BaseException) -> None:
    """Nor for a refusal; but a handler may end the connection."""
    if isinstance(error, Disconnect):
        session.close(error)
    else:
        log_failure(session, error)


def _check_channel(session: Session, command_id: int, channel: str) -> bool:
    if not channel:
        session.close(disconnects.BAD_REQUEST)
    elif len(channel) > session.core.config.channel_max_length:
        session.error(command_id, errors.BAD_REQUEST)
    else:
        return True
    return False
