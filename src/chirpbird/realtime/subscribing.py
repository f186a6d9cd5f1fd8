"""Subscriptions of one client: how they begin, are refreshed, and end.

The order of beginning: check, ask the application, subscribe at the broker, presence, meet the stream, then (without giving
control back to the event loop in between) write the result and go live, then join. So nothing of a channel reaches a client
before its subscribe result, and nothing is missed or repeated after it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from chirpbird.realtime.asking import ask, fail, log_failure
from chirpbird.realtime.core import settled
from chirpbird.realtime.events import SubscribeEvent, SubscribeReply
from chirpbird.realtime.expiry import is_past, ttl
from chirpbird.realtime.lane import wire_publication
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
    SubscribeResult,
)
from chirpbird.realtime.recovery import Joined, Joiner
from chirpbird.realtime.sub_expiry import set_expiry
from chirpbird.realtime.subscription import Subscription, SubState
from chirpbird.realtime.types import ClientInfo, StreamPosition

if TYPE_CHECKING:
    from chirpbird.realtime.options import SubscribeOptions
    from chirpbird.realtime.session import Session

__all__ = [
    "Newcomer",
    "end",
    "meet",
    "subscribe",
    "subscribe_by_server",
    "unsubscribe",
    "vacate_unless_live",
]

_REJECT_UNRECOVERED = 2
"""``SubscribeRequest.flag``: answer with error 112 rather than ``recovered: false``."""
_DELTAS = ("", "fossil")
_MEET_ATTEMPTS = 8
_WAITING_LIMIT = 16
"""Subscribe and unsubscribe commands for one channel that may wait for a subscribe under way."""


class Newcomer:
    """A subscription on its way in: ``enter``, then ``meet``, then ``result`` and ``go_live``."""

    __slots__ = ("_joined", "_joiner", "_since", "sub")

    def __init__(self, sub: Subscription, since: StreamPosition | None) -> None:
        self.sub = sub
        self._since = since
        self._joiner: Joiner | None = None
        self._joined: Joined | None = None

    async def enter(self) -> None:
        """Broker, presence, stream. Errors: theirs, and EXPIRED. The caller vacates."""
        sub = self.sub
        session, options = sub.session, sub.options
        core = session.core
        if is_past(core.clock, options.expire_at):
            raise errors.EXPIRED
        client = session.client
        sub.info = (
            ClientInfo(client.user, client.id, client.info, options.info) if options.info else session.info
        )
        sub.channel = channel = await core.hold(sub.name)
        if session.is_closed:
            return
        if options.presence:
            sub.present = True
            await settled(core.presence.put([(sub.name, sub.info)], core.config.presence_ttl))
        if options.positioned or options.recoverable:
            sub.positioned = sub.joining = True
            channel.positioned += 1
            channel.begin_join()
            self._joiner = Joiner(
                channel,
                options,
                self._since,
                keeper=core.keeper,
                history=core.history,
                limit=core.config.recovery_limit,
            )
            await self._joiner.prepare()

    def try_to_meet(self) -> bool:
        """Whether the subscription can begin right now."""
        if self._joiner is None:
            return True
        self._joined = self._joiner.complete()
        return self._joined is not None

    async def prepare_again(self) -> None:
        if self._joiner is not None:
            await self._joiner.prepare()

    @property
    def unrecovered(self) -> bool:
        joined = self._joined
        return joined is not None and joined.was_recovering and not joined.recovered

    def result(self) -> SubscribeResult:
        """Errors: EncodeError."""
        sub, joined = self.sub, self._joined
        codec = sub.session.lane.codec
        result = SubscribeResult(data=codec.payload(sub.options.data))
        if sub.options.expire_at is not None:
            result.expires = True
            result.ttl = ttl(sub.session.core.clock, sub.options.expire_at)
        if joined is not None:
            result.positioned = True
            result.recoverable = sub.options.recoverable
            result.epoch = joined.epoch
            result.offset = joined.position.offset
            result.was_recovering = joined.was_recovering
            result.recovered = joined.recovered
            result.publications = [wire_publication(codec, pub, joined.epoch) for pub in joined.publications]
        return result

    def go_live(self) -> None:
        """From here on the client gets what is said in the channel."""
        sub = self.sub
        session, channel, options = sub.session, sub.channel, sub.options
        if channel is None:
            raise RuntimeError("a subscription goes live without having entered")
        core = session.core
        channel.add(session, sub)
        sub.state = SubState.LIVE
        if sub.joining:
            sub.joining = False
            channel.end_join()
        if self._joined is not None and self._joined.was_recovering:
            if self._joined.recovered:
                core.counters.recovered += 1
            else:
                core.counters.unrecovered += 1
        set_expiry(sub, options.expire_at)
        if sub.present:
            session.presence_at = min(
                session.presence_at, core.clock.monotonic() + core.config.presence_interval
            )
            session.wake_by(session.presence_at)
        if options.join_leave and sub.info is not None:
            core.detach(core.broker.publish_join(sub.name, sub.info), "join")
        if sub.to_end is not None:
            session.unsubscribe(sub.name, sub.to_end)


async def meet(newcomers: Sequence[Newcomer]) -> None:
    """Return when all of them can begin at this very moment.

    Errors: Disconnect when the streams do not hold still, or those of ``History``.
    """
    for _ in range(_MEET_ATTEMPTS):
        late = [newcomer for newcomer in newcomers if not newcomer.try_to_meet()]
        if not late:
            return
        for newcomer in late:
            await newcomer.prepare_again()
    raise disconnects.INSUFFICIENT_STATE


def subscribe(session: Session, command: Command) -> None:
    """A client wants to subscribe."""
    request = command.subscribe or SubscribeRequest()
    channel = request.channel
    config = session.core.config
    handler = session.core.handlers.subscribe
    if not channel or request.delta not in _DELTAS:
        session.close(disconnects.BAD_REQUEST)
    elif len(channel) > config.channel_max_length:
        session.error(command.id, errors.BAD_REQUEST)
    elif (sub := session.subs.get(channel)) is not None:
        if sub.waiting:
            _put_off(sub, command)  # an unsubscribe is before it
        else:
            session.error(command.id, errors.ALREADY_SUBSCRIBED)
    elif handler is None:
        session.error(command.id, errors.NOT_AVAILABLE)
    elif sum(not sub.server_side for sub in session.subs.values()) >= config.client_channel_limit:
        session.error(command.id, errors.LIMIT_EXCEEDED)
    else:
        sub = session.subs[channel] = Subscription(session, channel, server_side=False)
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
        allowed = partial(_allowed, sub, bool(request.flag & _REJECT_UNRECOVERED))
        ask(session, command.id, handler, event, SubscribeReply, allowed, partial(_refused, sub))


def _refused(
    sub: Subscription, session: Session, command_id: int, _event: SubscribeEvent, error: BaseException
) -> None:
    _forget(sub)
    fail(session, command_id, error)
    _run_waiting(sub)


def _allowed(
    sub: Subscription,
    reject_unrecovered: bool,
    session: Session,
    command_id: int,
    event: SubscribeEvent,
    reply: SubscribeReply,
) -> None:
    if not session.is_closed:
        sub.options = reply.options
        since = event.since if event.recover else None
        session.core.go(_begin(sub, command_id, since, reject_unrecovered))


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
    sub.options = options
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
    channel.remove(session)
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
