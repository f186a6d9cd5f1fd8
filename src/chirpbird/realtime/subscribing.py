"""Subscriptions of one client: how they begin, are refreshed, and end.

The order of beginning: check, ask the application, subscribe at the broker, presence, meet the stream, then (without giving
control back to the event loop in between) write the result and go live, then join. So nothing of a channel reaches a client
before its subscribe result, and nothing is missed or repeated after it.
"""

from __future__ import annotations

import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from chirpbird.realtime.asking import ask, fail, log_failure
from chirpbird.realtime.events import SubscribeEvent, SubscribeReply
from chirpbird.realtime.filtering import tag_filter_of
from chirpbird.realtime.newcomer import Newcomer, meet
from chirpbird.realtime.protocol import disconnects, errors
from chirpbird.realtime.protocol.codes import (
    UNSUBSCRIBED_BY_CLIENT,
    Disconnect,
    EncodeError,
    ProtocolError,
    Unsubscribe,
)
from chirpbird.realtime.protocol.messages import (
    Command,
    Empty,
    Push,
    Reply,
    SubscribePush,
    SubscribeRequest,
)
from chirpbird.realtime.subscription import Subscription, SubState
from chirpbird.realtime.tag_filter import FilterError
from chirpbird.realtime.types import StreamPosition
from chirpbird.realtime.variety import Variety

if TYPE_CHECKING:
    from chirpbird.realtime.options import SubscribeOptions
    from chirpbird.realtime.session import Session

__all__ = [
    "end",
    "grant",
    "subscribe",
    "subscribe_by_server",
    "unsubscribe",
    "vacate_unless_live",
]

_logger = logging.getLogger("chirpbird.realtime")
_COMPACT = 1
"""``SubscribeRequest.flag``: pushes may name the channel by a number."""
_REJECT_UNRECOVERED = 2
"""``SubscribeRequest.flag``: answer with error 112 rather than ``recovered: false``."""
_DELTAS = ("", "fossil")
_WAITING_LIMIT = 16
"""Subscribe and unsubscribe commands for one channel that may wait for a subscribe under way."""


def subscribe(session: Session, command: Command) -> None:
    """A client wants to subscribe."""
    request = command.subscribe or SubscribeRequest()
    channel = request.channel
    config = session.core.config
    handler = session.core.handlers.subscribe
    if not channel or request.delta not in _DELTAS:
        session.close(disconnects.BAD_REQUEST)
    elif len(channel) > config.channel_max_length or request.type:
        session.error(command.id, errors.BAD_REQUEST)
    elif (sub := session.subs.get(channel)) is not None:
        if sub.waiting:
            _put_off(sub, command)  # an unsubscribe is before it
        else:
            session.error(command.id, errors.ALREADY_SUBSCRIBED)
    elif handler is None:
        session.error(command.id, errors.NOT_AVAILABLE)
    elif session.asked_subs >= config.client_channel_limit:
        session.error(command.id, errors.LIMIT_EXCEEDED)
    else:
        sub = session.subs[channel] = Subscription(session, channel, server_side=False)
        session.asked_subs += 1
        event = SubscribeEvent(
            channel,
            request.token,
            bytes(request.data),
            request.recoverable,
            request.positioned,
            request.join_leave,
            request.recover,
            StreamPosition(request.offset, request.epoch),
        )
        allowed = partial(_allowed, sub, request)
        ask(session, command.id, handler, event, SubscribeReply, allowed, partial(_refused, sub))


def _refused(
    sub: Subscription, session: Session, command_id: int, _event: SubscribeEvent, error: BaseException
) -> None:
    _forget(sub)
    fail(session, command_id, error)
    _run_waiting(sub)


def _allowed(
    sub: Subscription,
    request: SubscribeRequest,
    session: Session,
    command_id: int,
    event: SubscribeEvent,
    reply: SubscribeReply,
) -> None:
    if not session.is_closed:
        sub.options = reply.options
        sub.variety = _variety(sub, request)
        since = event.since if event.recover else None
        reject_unrecovered = bool(request.flag & _REJECT_UNRECOVERED)
        session.core.go(_begin(sub, command_id, since, reject_unrecovered))


def _variety(sub: Subscription, request: SubscribeRequest) -> Variety:
    """What the client asked for, as far as it may have it. Errors: BAD_REQUEST for a filter."""
    options, session = sub.options, sub.session
    if request.tf is not None and not options.allow_tags_filter:
        _logger.info("client %s may not filter %r by tags", session.client.id, sub.name)
        raise errors.BAD_REQUEST
    try:
        sub.asked = request.tf
        tag_filter = tag_filter_of(sub)
    except FilterError as error:
        _logger.info("client %s, channel %r: %s", session.client.id, sub.name, error)
        raise errors.BAD_REQUEST from error
    return Variety(
        session.lane,
        compact=options.allow_channel_compaction and bool(request.flag & _COMPACT),
        delta=tag_filter is None and request.delta in options.allowed_delta_types,
        filter=tag_filter,
    )


def grant(sub: Subscription, options: SubscribeOptions) -> None:
    """The server subscribes the client like this, which did not ask for anything."""
    sub.options = options
    sub.variety = Variety(sub.session.lane, filter=tag_filter_of(sub))


async def _begin(
    sub: Subscription, command_id: int, since: StreamPosition | None, reject_unrecovered: bool
) -> None:
    session = sub.session
    newcomer = Newcomer(sub, since)
    try:
        await newcomer.enter()
        await meet([newcomer])
        if session.is_closed:
            return
        if newcomer.unrecovered and reject_unrecovered:
            session.error(command_id, errors.UNRECOVERABLE_POSITION)
        else:
            session.reply(Reply(id=command_id, subscribe=newcomer.result()))
            newcomer.go_live()
    except (ProtocolError, Disconnect, EncodeError) as error:
        fail(session, command_id, error)
    except Exception as error:
        log_failure(session, error)
        session.close(disconnects.INTERNAL)
    finally:
        vacate_unless_live(sub)
        _run_waiting(sub)


async def subscribe_by_server(
    session: Session, channel: str, options: SubscribeOptions, since: StreamPosition | None = None
) -> None:
    """Subscribe a connected client that did not ask, and tell it. Nothing happens if it is subscribed already.

    Errors: what the broker, presence and history raise.
    """
    if channel in session.subs or not session.connected:
        return
    sub = session.subs[channel] = Subscription(session, channel, server_side=True)
    grant(sub, options)
    newcomer = Newcomer(sub, since)
    try:
        await newcomer.enter()
        await meet([newcomer])
        if session.connected:
            result = newcomer.result()
            push = SubscribePush(
                recoverable=result.recoverable,
                epoch=result.epoch,
                offset=result.offset,
                positioned=result.positioned,
                data=result.data,
            )
            session.reply(Reply(push=Push(channel=channel, subscribe=push)))
            for pub in result.publications:  # the push has no room for them
                session.reply(Reply(push=Push(channel=channel, pub=pub)))
            newcomer.go_live()
    finally:
        vacate_unless_live(sub)
        _run_waiting(sub)


def unsubscribe(session: Session, command: Command) -> None:
    """A client wants no more of a channel."""
    channel = command.unsubscribe.channel if command.unsubscribe is not None else ""
    if not channel:
        session.close(disconnects.BAD_REQUEST)
        return
    sub = session.subs.get(channel)
    if sub is not None:
        if sub.state is SubState.SUBSCRIBING:
            _put_off(sub, command)
            return
        end(sub, UNSUBSCRIBED_BY_CLIENT)
    session.reply(Reply(id=command.id, unsubscribe=Empty()))


def end(sub: Subscription, why: Unsubscribe) -> None:
    """Take a live subscription out of everything it is in."""
    core = sub.session.core
    if sub.channel is not None:
        sub.channel.settle()
    _vacate(sub)
    if sub.options.join_leave and sub.info is not None:
        core.detach(core.broker.publish_leave(sub.name, sub.info), "leave")
    sub.session.ended(sub, why)


def vacate_unless_live(sub: Subscription) -> None:
    """Undo whatever a subscription that did not get in had got to."""
    if sub.state is SubState.SUBSCRIBING:
        _vacate(sub)


def _vacate(sub: Subscription) -> None:
    session = sub.session
    core = session.core
    _forget(sub)
    channel, sub.channel = sub.channel, None
    if channel is None:
        return
    channel.remove(session, sub)
    if sub.joining:
        sub.joining = False
        channel.end_join()
    if sub.positioned:
        sub.positioned = False
        channel.positioned -= 1
        if not channel.positioned:
            core.keeper.drop(channel, lost=False)
    if sub.present and sub.info is not None:
        sub.present = False
        core.detach(core.presence.remove(sub.name, sub.info), "presence removal")
    core.release(channel)


def _forget(sub: Subscription) -> None:
    sub.state = SubState.ENDED
    subs = sub.session.subs
    if subs.get(sub.name) is sub:
        del subs[sub.name]
        sub.session.asked_subs -= not sub.server_side


def _put_off(sub: Subscription, command: Command) -> None:
    if sub.waiting is None:
        sub.waiting = deque()
    if len(sub.waiting) >= _WAITING_LIMIT:
        sub.session.close(disconnects.TOO_MANY_REQUESTS)
    else:
        sub.waiting.append(command)


def _run_waiting(sub: Subscription) -> None:
    """Do what came in for the channel while it was being subscribed to."""
    waiting, sub.waiting = sub.waiting, None
    for command in waiting or ():
        if sub.session.connected:
            sub.session.dispatch(command)
