"""Who is calling, and by which rule a route is guarded.

Every route depends on ``Permit`` (a signed-in caller) or ``Anyone``, and so names its Operation. The services
check what depends on a channel; the tests hold every route to the rule of its operation.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from chirpbird.chat.errors import NotSignedIn
from chirpbird.chat.permissions import RULES, Operation, Rule
from chirpbird.chat.service import Chat
from chirpbird.chat.tokens import Identity

__all__ = ["Anyone", "ChatService", "Permit", "network_address"]

_bearer = HTTPBearer(
    scheme_name="accessToken",
    bearerFormat="JWT",
    description="An `accessToken` from signing in.",
    auto_error=False,
)


def _chat(request: Request) -> Chat:
    chat: Chat = request.app.state.chat
    return chat


ChatService = Annotated[Chat, Depends(_chat)]


class Permit:
    """A dependency: the identity of a caller with a valid access token. Errors: NotSignedIn, TokenExpired."""

    def __init__(self, operation: Operation) -> None:
        if RULES[operation] is Rule.ANYONE:
            raise ValueError(f"{operation} is for anyone, an operation for those signed in is expected")
        self.operation = operation

    async def __call__(
        self,
        chat: ChatService,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Identity:
        if credentials is None:
            raise NotSignedIn("an access token is expected, as in: Authorization: Bearer ...")
        return chat.tokens.verify(credentials.credentials)


class Anyone:
    """A dependency that lets everybody through, for operations whose rule says so."""

    def __init__(self, operation: Operation) -> None:
        if RULES[operation] is not Rule.ANYONE:
            raise ValueError(f"{operation} is not for anyone, an operation for anyone is expected")
        self.operation = operation

    async def __call__(self) -> None:
        return


def network_address(request: Request) -> str:
    """What to count a caller's attempts by: the IPv4 address, or the /64 that an IPv6 host can pick addresses
    from.
    """
    host = request.client.host if request.client is not None else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped is not None else address.exploded[:19]
    return host
