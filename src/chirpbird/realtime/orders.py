"""What the server does to users' connections, wherever in the cluster they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chirpbird.realtime import connecting, control, subscribing
from chirpbird.realtime.asking import log_failure
from chirpbird.realtime.core import settled
from chirpbird.realtime.options import SubscribeOptions
from chirpbird.realtime.protocol import disconnects
from chirpbird.realtime.protocol.codes import SERVER_UNSUBSCRIBE, Disconnect, Unsubscribe
from chirpbird.realtime.types import StreamPosition

if TYPE_CHECKING:
    from chirpbird.realtime.core import Core
    from chirpbird.realtime.session import Session

__all__ = ["UserOrders"]

_ANYTHING = SubscribeOptions()


class UserOrders:
    """The part of ``Node`` that gives orders about users.

    All of them find connections in the same way: those of ``user`` ("" are the anonymous ones), of these only the one with id
    ``client`` or session id ``session`` if given; with ``all_users`` (and no user) those of everybody. ValueError if a user is
    given as well. What is not there is not an error.
    """

    _core: Core

    async def subscribe(
        self,
        user: str,
        channel: str,
        *,
        client: str = "",
        session: str = "",
        all_users: bool = False,
        options: SubscribeOptions = _ANYTHING,
        recover_since: StreamPosition | None = None,
    ) -> None:
        """Subscribe connections that are not yet. They are told; those of this node are subscribed when this returns. With
        ``recover_since`` (and recoverable ``options``) they are given what was published from there on.

        Errors: the broker's; a failure on one connection ends that connection.
        """
        order = control.SubscribeUser(
            node=self._core.node_id,
            user=_user(user, all_users),
            client=client,
            session=session,
            channel=channel,
            options=options,
            recover_since=recover_since,
        )
        await self._tell(order)
        await self._subscribe(order)

    async def unsubscribe(
        self,
        user: str,
        channel: str,
        *,
        client: str = "",
        session: str = "",
        all_users: bool = False,
        code: int = SERVER_UNSUBSCRIBE.code,
        reason: str = SERVER_UNSUBSCRIBE.reason,
    ) -> None:
        """End subscriptions to a channel, or with ``channel`` "" all of them; SDKs subscribe again when ``code`` is 2500 or more.
        Done on this node when this is first awaited.

        Errors: the broker's, for the other nodes.
        """
        order = control.UnsubscribeUser(
            node=self._core.node_id,
            user=_user(user, all_users),
            client=client,
            session=session,
            channel=channel,
            code=code,
            reason=reason,
        )
        self._obey(order)
        await self._tell(order)

    async def disconnect(
        self,
        user: str,
        *,
        client: str = "",
        session: str = "",
        all_users: bool = False,
        disconnect: Disconnect = disconnects.FORCE_DISCONNECT,
        whitelist: Sequence[str] = (),
    ) -> None:
        """End connections, but for those whose client ids are in ``whitelist``. Errors: the broker's, for the other nodes."""
        order = control.DisconnectUser(
            node=self._core.node_id,
            user=_user(user, all_users),
            client=client,
            session=session,
            code=disconnect.code,
            reason=disconnect.reason,
            whitelist=tuple(whitelist),
        )
        self._obey(order)
        await self._tell(order)

    async def refresh(
        self,
        user: str,
        *,
        client: str = "",
        session: str = "",
        all_users: bool = False,
        expired: bool = False,
        expire_at: float | None = None,
        info: bytes | None = None,
    ) -> None:
        """Change when connections expire (Unix seconds; None: never), or end them as expired (3005). ``info`` that is not None
        becomes their ``conn_info``.

        Errors: the broker's, for the other nodes.
        """
        order = control.RefreshUser(
            node=self._core.node_id,
            user=_user(user, all_users),
            client=client,
            session=session,
            expired=expired,
            expire_at=expire_at,
            info=info,
        )
        self._obey(order)
        await self._tell(order)

    async def _tell(self, order: control.UserOrder) -> None:
        await settled(self._core.broker.publish_control(control.encode(order)))

    def _obey(self, order: control.UserOrder) -> None:
        if isinstance(order, control.SubscribeUser):
            self._core.go(self._subscribe(order))
            return
        sessions = self._meant(order)
        if isinstance(order, control.UnsubscribeUser):
            why = Unsubscribe(order.code, order.reason)
            for session in sessions:
                for channel in [order.channel] if order.channel else list(session.subs):
                    session.unsubscribe(channel, why)
        elif isinstance(order, control.DisconnectUser):
            disconnect = Disconnect(order.code, order.reason)
            for session in sessions:
                if session.client.id not in order.whitelist:
                    session.close(disconnect)
        else:
            for session in sessions:
                _refresh(session, order)

    def _meant(self, order: control.UserOrder) -> list[Session]:
        return self._core.hub.find(order.user, order.client, order.session)

    async def _subscribe(self, order: control.SubscribeUser) -> None:
        for session in self._meant(order):
            try:
                await subscribing.subscribe_by_server(
                    session, order.channel, order.options, order.recover_since
                )
            except Exception as error:
                if not isinstance(error, Disconnect):
                    log_failure(session, error)
                session.close(error if isinstance(error, Disconnect) else disconnects.INTERNAL)


def _refresh(session: Session, order: control.RefreshUser) -> None:
    if order.expired:
        session.close(disconnects.CONNECTION_EXPIRED)
        return
    if order.info is not None:
        session.set_info(order.info)
    connecting.expire_at(session, order.expire_at)


def _user(user: str, all_users: bool) -> str | None:
    """None: everybody."""
    if not all_users:
        return user
    if user:
        raise ValueError(f"user is {user!r}, expected none with all_users")
    return None
