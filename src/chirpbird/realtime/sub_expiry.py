"""Subscriptions that expire: refreshed by their clients, or ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chirpbird.realtime.asking import ask
from chirpbird.realtime.events import SubRefreshEvent, SubRefreshReply
from chirpbird.realtime.expiry import NEVER, deadline, is_past, ttl
from chirpbird.realtime.filtering import refilter
from chirpbird.realtime.protocol import disconnects, errors
from chirpbird.realtime.protocol.codes import INSUFFICIENT_STATE, SUBSCRIPTION_EXPIRED
from chirpbird.realtime.protocol.messages import Reply, SubRefreshRequest, SubRefreshResult
from chirpbird.realtime.subscription import Subscription, SubState
from chirpbird.realtime.types import ClientInfo

if TYPE_CHECKING:
    from chirpbird.realtime.session import Session

__all__ = ["end_expired", "set_expiry", "sub_refresh"]


def sub_refresh(session: Session, command_id: int, request: SubRefreshRequest) -> None:
    """A client brings a fresh token for a subscription."""
    handler = session.core.handlers.sub_refresh
    if not request.channel:
        session.close(disconnects.BAD_REQUEST)
    elif not session.is_subscribed(request.channel):
        session.error(command_id, errors.PERMISSION_DENIED)
    elif not request.token or request.type:
        session.error(command_id, errors.BAD_REQUEST)
    elif handler is None:
        session.error(command_id, errors.NOT_AVAILABLE)
    else:
        event = SubRefreshEvent(request.channel, request.token)
        ask(session, command_id, handler, event, SubRefreshReply, _sub_refreshed)


def _sub_refreshed(session: Session, command_id: int, event: SubRefreshEvent, reply: SubRefreshReply) -> None:
    sub = session.subs.get(event.channel)
    if sub is None or sub.state is not SubState.LIVE:
        raise errors.PERMISSION_DENIED
    if is_past(session.core.clock, reply.expire_at):
        raise errors.EXPIRED
    if reply.info:
        client = session.client
        sub.info = ClientInfo(client.user, client.id, client.info, reply.info)
    set_expiry(sub, reply.expire_at)
    is_filtered = reply.server_tags_filter is None or refilter(sub, reply.server_tags_filter)
    result = SubRefreshResult()
    if reply.expire_at is not None:
        result.expires = True
        result.ttl = ttl(session.core.clock, reply.expire_at)
    session.reply(Reply(id=command_id, sub_refresh=result))
    if not is_filtered:
        session.unsubscribe(sub.name, INSUFFICIENT_STATE)


def end_expired(session: Session, now: float) -> float:
    """End what has expired; when to look again."""
    for sub in list(session.subs.values()):
        if sub.state is not SubState.LIVE or sub.expires > now:
            continue
        if sub.server_side:
            session.close(disconnects.SUBSCRIPTION_EXPIRED)
            return NEVER
        session.unsubscribe(sub.name, SUBSCRIPTION_EXPIRED)
    return min((sub.expires for sub in session.subs.values()), default=NEVER)


def set_expiry(sub: Subscription, expire_at: float | None) -> None:
    session = sub.session
    sub.expires = deadline(session.core.clock, expire_at, session.core.config.expire_grace)
    if sub.expires < session.sub_expires:
        session.sub_expires = sub.expires
        session.wake_by(sub.expires)
