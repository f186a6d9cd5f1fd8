"""Coming in and staying in: the connect command, refresh, and expiry."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from chirpbird.realtime import subscribing
from chirpbird.realtime.asking import ask, fail, log_failure, notify
from chirpbird.realtime.events import ConnectingEvent, ConnectReply, RefreshEvent, RefreshReply
from chirpbird.realtime.expiry import NEVER, deadline, is_past, ttl
from chirpbird.realtime.newcomer import Newcomer, meet
from chirpbird.realtime.protocol import disconnects, errors
from chirpbird.realtime.protocol.codes import DecodeError, Disconnect, ProtocolError
from chirpbird.realtime.protocol.messages import (
    ConnectPush,
    ConnectRequest,
    ConnectResult,
    Push,
    RefreshPush,
    RefreshRequest,
    RefreshResult,
    Reply,
    SubscribeResult,
)
from chirpbird.realtime.state import State
from chirpbird.realtime.subscription import Subscription
from chirpbird.realtime.types import ClientInfo, StreamPosition

if TYPE_CHECKING:
    from chirpbird.realtime.session import Session

__all__ = ["begin", "connect", "expire_at", "expired", "instead_of", "refresh"]

_logger = logging.getLogger("chirpbird.realtime")
_NAME_LENGTH = 16
_VERSION_LENGTH = 64
_PROFILE_LENGTH = 64
_INSTEAD = {
    errors.EXPIRED.code: disconnects.CONNECTION_EXPIRED,
    errors.TOKEN_EXPIRED.code: disconnects.CONNECTION_EXPIRED,
    errors.TOO_MANY_REQUESTS.code: disconnects.TOO_MANY_REQUESTS,
    errors.PERMISSION_DENIED.code: disconnects.PERMISSION_DENIED,
}


def begin(session: Session, data: bytes) -> None:
    """Take the one message of a unidirectional client that counts; others mean nothing."""
    if session.state is not State.NEW:
        return
    try:
        request = session.lane.codec.decode_connect(data)
    except DecodeError as error:
        _logger.debug("client %s: %s", session.client.id, error)
        session.close(disconnects.BAD_REQUEST)
        return
    session.core.counters.commands += 1
    connect(session, 0, request)


def connect(session: Session, command_id: int, request: ConnectRequest) -> None:
    """The first command. Until it is through, the others wait."""
    handler = session.core.handlers.connecting
    if handler is None:
        _logger.warning("a client wants to connect, and there is no on_connecting handler to say who it is")
        session.close(disconnects.BAD_REQUEST)
        return
    session.state = State.CONNECTING
    client = session.client
    client.name = request.name[:_NAME_LENGTH]
    client.version = request.version[:_VERSION_LENGTH]
    event = ConnectingEvent(
        request.token,
        bytes(request.data),
        client.name,
        client.version,
        request.headers,
        tuple(request.subs),
        request.profile[:_PROFILE_LENGTH],
    )
    positions = {
        channel: StreamPosition(sub.offset, sub.epoch) for channel, sub in request.subs.items() if sub.recover
    }

    def accepted(session: Session, command_id: int, _event: ConnectingEvent, reply: ConnectReply) -> None:
        _accepted(session, command_id, reply, positions)

    ask(session, command_id, handler, event, ConnectReply, accepted, _refused)


def _refused(session: Session, command_id: int, _event: object, error: BaseException) -> None:
    if session.state is State.CONNECTING:
        session.state = State.REFUSED
        session.waiting = None
        fail(session, command_id, error)


def _accepted(
    session: Session, command_id: int, reply: ConnectReply, positions: dict[str, StreamPosition]
) -> None:
    if session.is_closed:
        return
    core = session.core
    if is_past(core.clock, reply.expire_at):
        raise errors.EXPIRED
    limit = core.config.user_connection_limit
    if limit and reply.user and len(core.hub.users.get(reply.user, ())) >= limit:
        raise disconnects.CONNECTION_LIMIT
    client = session.client
    client.user = reply.user
    client.info = reply.info
    client.context = reply.context
    client.meta = reply.meta
    session.info = ClientInfo(reply.user, client.id, reply.info)
    if not reply.subscriptions:
        _finish(session, command_id, reply, ())
        return
    subs = []
    for channel, options in reply.subscriptions.items():
        sub = session.subs[channel] = Subscription(session, channel, server_side=True)
        subscribing.grant(sub, options)
        subs.append(sub)
    core.go(_with_subscriptions(session, command_id, reply, subs, positions))


async def _with_subscriptions(
    session: Session,
    command_id: int,
    reply: ConnectReply,
    subs: list[Subscription],
    positions: dict[str, StreamPosition],
) -> None:
    """Bring all server-side subscriptions to where they can begin, then answer for all of them at once."""
    try:
        newcomers = [Newcomer(sub, positions.get(sub.name)) for sub in subs]
        for newcomer in newcomers:
            await newcomer.enter()
        await meet(newcomers)
        if not session.is_closed:
            _finish(session, command_id, reply, newcomers)
    except Exception as error:
        _refused(session, command_id, None, error)
    finally:
        for sub in subs:
            subscribing.vacate_unless_live(sub)


def _finish(session: Session, command_id: int, reply: ConnectReply, newcomers: Iterable[Newcomer]) -> None:
    """Answer, and begin to live. Nothing here gives control back to the event loop."""
    core = session.core
    config = core.config
    client = session.client
    session.client_refresh = reply.client_refresh and not session.lane.unidirectional
    subs: dict[str, SubscribeResult] = {newcomer.sub.name: newcomer.result() for newcomer in newcomers}
    result = ConnectResult(
        client=client.id, version=config.version, data=session.lane.codec.payload(reply.data), subs=subs
    )
    if reply.expire_at is not None and session.client_refresh:
        result.expires = True
        result.ttl = ttl(session.core.clock, reply.expire_at)
    result.session = session.session_id
    if session.connection.info.emulation:
        result.node = core.node_id
    if config.server_time:
        result.time = int(core.clock.time() * 1000)
    now = core.clock.monotonic()
    if config.ping_interval > 0:
        if not session.connection.info.native_ping:
            result.ping = max(int(config.ping_interval), 1)
            result.pong = config.pong_timeout > 0 and not session.lane.unidirectional
        session.ping_at = now + config.ping_interval * (1 + core.jitter()) / 2
    session.queue(session.lane.reply(_answer(session, command_id, result)))
    session.state = State.CONNECTED
    session.stale_at = NEVER
    _set_expiry(session, reply.expire_at)
    session.wake_by(session.ping_at)
    core.hub.add(session)
    for newcomer in newcomers:
        newcomer.go_live()
    on_connect = core.handlers.connect
    if on_connect is not None:
        notify(session, lambda client, _event: on_connect(client), None)
    session.resume()


def instead_of(error: ProtocolError) -> Disconnect:
    """What a unidirectional client is told in place of an error: there are no replies to it that could hold one."""
    return _INSTEAD.get(error.code, disconnects.INTERNAL)


def _answer(session: Session, command_id: int, result: ConnectResult) -> Reply:
    """The result, or the push that unidirectional clients get in its place."""
    if not session.lane.unidirectional:
        return Reply(id=command_id, connect=result)
    push = ConnectPush(
        client=result.client,
        version=result.version,
        data=result.data,
        subs=result.subs,
        ping=result.ping,
        session=result.session,
        time=result.time,
    )
    return Reply(push=Push(connect=push))


def refresh(session: Session, command_id: int, request: RefreshRequest) -> None:
    """The client brings a fresh token."""
    handler = session.core.handlers.refresh
    if not request.token or not session.client_refresh:
        session.close(disconnects.BAD_REQUEST)
    elif handler is None:
        session.error(command_id, errors.NOT_AVAILABLE)
    else:
        event = RefreshEvent(request.token)
        ask(session, command_id, handler, event, RefreshReply, _refreshed, _refresh_refused)


def _refreshed(session: Session, command_id: int, _event: RefreshEvent, reply: RefreshReply) -> None:
    if not session.connected:
        return
    if reply.expired or is_past(session.core.clock, reply.expire_at):
        raise disconnects.CONNECTION_EXPIRED
    _renew(session, reply)
    _set_expiry(session, reply.expire_at)
    result = RefreshResult(client=session.client.id, version=session.core.config.version)
    if reply.expire_at is not None:
        result.expires = True
        result.ttl = ttl(session.core.clock, reply.expire_at)
    session.reply(Reply(id=command_id, refresh=result))


def _refresh_refused(session: Session, command_id: int, _event: RefreshEvent, error: BaseException) -> None:
    """The token that was to save the connection has itself expired: the SDK does better to come back with a new one."""
    if isinstance(error, ProtocolError) and error.code in (errors.TOKEN_EXPIRED.code, errors.EXPIRED.code):
        session.close(disconnects.CONNECTION_EXPIRED)
    else:
        fail(session, command_id, error)


def expired(session: Session) -> None:
    """The time is up (with its grace, where the client was to refresh)."""
    session.expires = NEVER
    handler = session.core.handlers.refresh
    if session.client_refresh or handler is None:
        session.close(disconnects.CONNECTION_EXPIRED)
    else:
        ask(session, 0, handler, RefreshEvent(""), RefreshReply, _extended, _not_extended)


def _extended(session: Session, _command_id: int, _event: RefreshEvent, reply: RefreshReply) -> None:
    if reply.expired:
        raise disconnects.CONNECTION_EXPIRED
    _renew(session, reply)
    expire_at(session, reply.expire_at)


def _renew(session: Session, reply: RefreshReply) -> None:
    if reply.info is not None:
        session.set_info(reply.info)
    if reply.meta is not None:
        session.client.meta = reply.meta


def _not_extended(session: Session, _command_id: int, _event: RefreshEvent, error: BaseException) -> None:
    if isinstance(error, Disconnect):
        session.close(error)
        return
    if not isinstance(error, ProtocolError):
        log_failure(session, error)
    session.close(disconnects.CONNECTION_EXPIRED)


def expire_at(session: Session, when: float | None) -> None:
    """The server changes when the connection expires, and tells the client."""
    if not session.connected:
        return
    if is_past(session.core.clock, when):
        session.close(disconnects.CONNECTION_EXPIRED)
        return
    _set_expiry(session, when)
    push = RefreshPush(expires=when is not None, ttl=ttl(session.core.clock, when))
    session.reply(Reply(push=Push(refresh=push)))


def _set_expiry(session: Session, when: float | None) -> None:
    grace = session.core.config.expire_grace if session.client_refresh else 0.0
    session.expires = deadline(session.core.clock, when, grace)
    session.wake_by(session.expires)
