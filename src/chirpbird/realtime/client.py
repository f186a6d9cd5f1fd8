"""A client as handlers see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chirpbird.realtime.protocol import disconnects
from chirpbird.realtime.protocol.codes import SERVER_UNSUBSCRIBE, Disconnect, Unsubscribe
from chirpbird.realtime.transports.base import TransportInfo

if TYPE_CHECKING:
    from chirpbird.realtime.session import Session

__all__ = ["Client"]


class Client:
    """One connection. ``context`` is the application's: anything that it wants to find again with the client.

    ``user`` and ``info`` are known once ``on_connecting`` has answered.
    """

    __slots__ = ("_session", "context", "id", "info", "meta", "name", "transport", "user", "version")

    def __init__(self, session: Session, client_id: str, transport: TransportInfo) -> None:
        self._session = session
        self.id = client_id
        """Unique among all connections ever."""
        self.user = ""
        self.info = b""
        """``conn_info``, as given in ``ConnectReply``."""
        self.transport = transport
        self.context: object = None
        self.meta = b""
        """What the server knows of the connection and no client is told, as given in ``ConnectReply``, or last in a
        ``RefreshReply``."""
        self.name = ""
        """What the SDK calls itself."""
        self.version = ""

    @property
    def connected(self) -> bool:
        """It got in, and has not gone."""
        return self._session.connected

    def is_subscribed(self, channel: str) -> bool:
        """True from when the client has been told so."""
        return self._session.is_subscribed(channel)

    @property
    def channels(self) -> list[str]:
        """What it is subscribed to."""
        return [name for name in self._session.subs if self._session.is_subscribed(name)]

    def send(self, data: bytes) -> None:
        """A message for this client only. One JSON value towards JSON clients. Nothing happens once it has gone."""
        self._session.push_message(data)

    def unsubscribe(self, channel: str, unsubscribe: Unsubscribe = SERVER_UNSUBSCRIBE) -> None:
        """End a subscription. Nothing happens if there is none."""
        self._session.unsubscribe(channel, unsubscribe)

    def disconnect(self, disconnect: Disconnect = disconnects.FORCE_DISCONNECT) -> None:
        """End the connection."""
        self._session.close(disconnect)

    def __repr__(self) -> str:
        return f"<Client {self.id} of user {self.user!r}>"
