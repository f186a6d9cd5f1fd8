"""The chat's RPC methods: each a name, the shape of its data, the operation that it is, and the service call behind it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec

from chirpbird.chat.errors import ChatError, InvalidInput
from chirpbird.chat.permissions import Operation
from chirpbird.chat.service import Chat
from chirpbird.chat.views import encode
from chirpbird.gateway.errors import NOT_JSON, protocol_error
from chirpbird.realtime.protocol.errors import METHOD_NOT_FOUND

__all__ = ["METHODS", "Method", "call"]

P = TypeVar("P", bound=msgspec.Struct)


class _Parameters(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Data of an RPC command. A field that is not known is an error: it may be a misspelt one."""


class Nothing(_Parameters):
    pass


class FetchMessages(_Parameters):
    channel_id: str
    before: int | None = None
    after: int | None = None
    limit: int = 50


class CreateChannel(_Parameters):
    name: str
    is_private: bool = False
    participants: list[str] = []


class OneUser(_Parameters):
    user_id: str


class OneChannel(_Parameters):
    channel_id: str


class AddMembers(_Parameters):
    channel_id: str
    user_ids: list[str]


class FetchMembers(_Parameters):
    channel_id: str
    after: str = ""
    limit: int = 200


class Search(_Parameters):
    query: str
    limit: int = 20


class SearchMessages(_Parameters):
    query: str
    cursor: str = ""
    limit: int = 20


class Method(Generic[P]):
    """One RPC method."""

    def __init__(
        self, operation: Operation, parameters: type[P], answer: Callable[[Chat, str, P], Awaitable[Any]]
    ) -> None:
        self.operation = operation
        """The row of the permission table that it is held to."""
        self.parameters = parameters
        self.answer = answer
        self._decoder = msgspec.json.Decoder(parameters)

    async def __call__(self, chat: Chat, user_id: str, data: bytes) -> bytes:
        """Errors: ChatError."""
        try:
            parameters = self._decoder.decode(data or b"{}")
        except NOT_JSON as error:
            raise InvalidInput(f"data does not fit: {_plain(error)}") from error
        return encode(await self.answer(chat, user_id, parameters))


def _plain(error: Exception) -> str:
    message = str(error)
    return message[:1].lower() + message[1:]


async def _fetch_messages(chat: Chat, user_id: str, given: FetchMessages) -> object:
    return await chat.messages.page(
        user_id, given.channel_id, before=given.before, after=given.after, limit=given.limit
    )


async def _create_channel(chat: Chat, user_id: str, given: CreateChannel) -> object:
    state = await chat.channels.create(
        user_id, given.name, is_private=given.is_private, participants=given.participants
    )
    return {"channel": state}


async def _open_direct(chat: Chat, user_id: str, given: OneUser) -> object:
    return {"channel": await chat.channels.open_direct(user_id, given.user_id)}


async def _join_channel(chat: Chat, user_id: str, given: OneChannel) -> object:
    return {"channel": await chat.channels.join(user_id, given.channel_id)}


async def _leave_channel(chat: Chat, user_id: str, given: OneChannel) -> object:
    await chat.channels.leave(user_id, given.channel_id)
    return {}


async def _add_members(chat: Chat, user_id: str, given: AddMembers) -> object:
    return {"channel": await chat.channels.add_members(user_id, given.channel_id, given.user_ids)}


async def _fetch_channel(chat: Chat, user_id: str, given: OneChannel) -> object:
    return {"channel": await chat.channels.fetch(user_id, given.channel_id)}


async def _fetch_members(chat: Chat, user_id: str, given: FetchMembers) -> object:
    return await chat.channels.members(user_id, given.channel_id, after=given.after, limit=given.limit)


async def _fetch_state(chat: Chat, user_id: str, _: Nothing) -> object:
    return await chat.states.of_user(user_id)


async def _search_users(chat: Chat, user_id: str, given: Search) -> object:
    return {"users": await chat.people.search(user_id, given.query, limit=given.limit)}


async def _search_channels(chat: Chat, _: str, given: Search) -> object:
    return {"channels": await chat.channels.search(given.query, limit=given.limit)}


async def _search_messages(chat: Chat, user_id: str, given: SearchMessages) -> object:
    return await chat.search.find(user_id, given.query, cursor=given.cursor, limit=given.limit)


METHODS: dict[str, Method[Any]] = {
    "fetch_messages": Method(Operation.FETCH_MESSAGES, FetchMessages, _fetch_messages),
    "create_channel": Method(Operation.CREATE_CHANNEL, CreateChannel, _create_channel),
    "open_direct": Method(Operation.OPEN_DIRECT, OneUser, _open_direct),
    "join_channel": Method(Operation.JOIN_CHANNEL, OneChannel, _join_channel),
    "leave_channel": Method(Operation.LEAVE_CHANNEL, OneChannel, _leave_channel),
    "add_members": Method(Operation.ADD_MEMBERS, AddMembers, _add_members),
    "fetch_channel": Method(Operation.FETCH_CHANNEL, OneChannel, _fetch_channel),
    "fetch_members": Method(Operation.FETCH_MEMBERS, FetchMembers, _fetch_members),
    "fetch_state": Method(Operation.FETCH_STATE, Nothing, _fetch_state),
    "search_users": Method(Operation.SEARCH_USERS, Search, _search_users),
    "search_channels": Method(Operation.SEARCH_CHANNELS, Search, _search_channels),
    "search_messages": Method(Operation.SEARCH_MESSAGES, SearchMessages, _search_messages),
}
"""What docs/API.md lists under RPC methods, and nothing else."""


async def call(chat: Chat, user_id: str, method: str, data: bytes) -> bytes:
    """Run a method for a signed-in user. Errors: ProtocolError."""
    found = METHODS.get(method)
    if found is None:
        raise METHOD_NOT_FOUND
    try:
        return await found(chat, user_id, data)
    except ChatError as error:
        raise protocol_error(error) from error
