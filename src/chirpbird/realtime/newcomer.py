"""A subscription on its way in: broker, presence, the stream, and then the moment from which on it is live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chirpbird.realtime import fossil
from chirpbird.realtime.core import settled
from chirpbird.realtime.expiry import is_past, ttl
from chirpbird.realtime.lane import wire_delta, wire_publication
from chirpbird.realtime.protocol import disconnects, errors
from chirpbird.realtime.protocol.messages import Pub, SubscribeResult
from chirpbird.realtime.recovery import Joined, Joiner
from chirpbird.realtime.sub_expiry import set_expiry
from chirpbird.realtime.subscription import Subscription, SubState
from chirpbird.realtime.types import ClientInfo, Publication, StreamPosition

__all__ = ["Newcomer", "meet"]

_MEET_ATTEMPTS = 8


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
                tag_filter=sub.variety.filter,
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
        codec, variety = sub.session.lane.codec, sub.variety
        result = SubscribeResult(data=codec.payload(sub.options.data), delta=variety.delta)
        result.publish_debounce = round(sub.options.publish_debounce * 1000)
        if variety.compact and sub.channel is not None:
            result.id = sub.channel.number
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
            result.publications = list(_wire_publications(sub, joined))
        return result

    def go_live(self) -> None:
        """From here on the client gets what is said in the channel."""
        sub = self.sub
        session, channel, options = sub.session, sub.channel, sub.options
        if channel is None:
            raise RuntimeError("a subscription goes live without having entered")
        core = session.core
        given = self._joined.publications if self._joined is not None else ()
        channel.add(session, sub, given[-1] if given else None)
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


def _wire_publications(sub: Subscription, joined: Joined) -> Iterator[Pub]:
    """Where deltas were agreed upon, each but the first is told as a difference. Errors: EncodeError."""
    codec = sub.session.lane.codec
    before: Publication | None = None
    for publication in joined.publications:
        if sub.variety.delta:
            patch = None if before is None else fossil.create(before.data, publication.data)
            yield wire_delta(codec, publication, joined.epoch, patch)
            before = publication
        else:
            yield wire_publication(codec, publication, joined.epoch)


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
