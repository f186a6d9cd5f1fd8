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
    around: int | None = None
    at: str | None = None
    limit: int = 50


class SendMessage(_Parameters):
    channel_id: str
    data: str
    key: str = ""
    reply_to: int = 0


class OneMessage(_Parameters):
    channel_id: str
    seq: int


class EditMessage(OneMessage):
    data: str


class React(OneMessage):
    emoji: str


class MarkRead(OneMessage):
    unread: bool = False


class SetMute(_Parameters):
    channel_id: str
    mute: str
    until: str | None = None


class Users(_Parameters):
    user_ids: list[str]


class OneMember(_Parameters):
    channel_id: str
    user_id: str


class SetRole(OneMember):
    role: str


class UpdateChannel(_Parameters):
    channel_id: str
    name: str | None = None
    topic: str | None = None


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
        user_id,
        given.channel_id,
        before=given.before,
        after=given.after,
        around=given.around,
        at=given.at,
        limit=given.limit,
    )


async def _send_message(chat: Chat, user_id: str, given: SendMessage) -> object:
    sent = await chat.messages.send_checked(user_id, given.channel_id, given.data, given.key, given.reply_to)
    return {"message": sent}


async def _edit_message(chat: Chat, user_id: str, given: EditMessage) -> object:
    return {"message": await chat.changes.edit(user_id, given.channel_id, given.seq, given.data)}


async def _delete_message(chat: Chat, user_id: str, given: OneMessage) -> object:
    return {"message": await chat.changes.delete(user_id, given.channel_id, given.seq)}


async def _react(chat: Chat, user_id: str, given: React) -> object:
    return {"message": await chat.changes.react(user_id, given.channel_id, given.seq, given.emoji)}


async def _unreact(chat: Chat, user_id: str, given: React) -> object:
    return {"message": await chat.changes.react(user_id, given.channel_id, given.seq, given.emoji, back=True)}


async def _pin_message(chat: Chat, user_id: str, given: OneMessage) -> object:
    return {"message": await chat.changes.pin(user_id, given.channel_id, given.seq)}


async def _unpin_message(chat: Chat, user_id: str, given: OneMessage) -> object:
    return {"message": await chat.changes.pin(user_id, given.channel_id, given.seq, back=True)}


async def _fetch_edits(chat: Chat, user_id: str, given: OneMessage) -> object:
    return {"versions": await chat.changes.versions(user_id, given.channel_id, given.seq)}


async def _fetch_pins(chat: Chat, user_id: str, given: OneChannel) -> object:
    return {"messages": await chat.changes.pins(user_id, given.channel_id)}


async def _mark_read(chat: Chat, user_id: str, given: MarkRead) -> object:
    return await chat.reading.mark(user_id, given.channel_id, given.seq, unread=given.unread)


async def _fetch_reads(chat: Chat, user_id: str, given: OneChannel) -> object:
    return await chat.reading.positions(user_id, given.channel_id)


async def _typing(chat: Chat, user_id: str, given: OneChannel) -> object:
    await chat.reading.typing(user_id, given.channel_id)
    return {}


async def _set_mute(chat: Chat, user_id: str, given: SetMute) -> object:
    return await chat.reading.mute(user_id, given.channel_id, given.mute, given.until)


async def _fetch_last_seen(chat: Chat, _: str, given: Users) -> object:
    return {"lastSeen": await chat.reading.last_seen(given.user_ids)}


async def _remove_member(chat: Chat, user_id: str, given: OneMember) -> object:
    await chat.channels.remove(user_id, given.channel_id, given.user_id)
    return {}


async def _set_role(chat: Chat, user_id: str, given: SetRole) -> object:
    return {"member": await chat.channels.set_role(user_id, given.channel_id, given.user_id, given.role)}


async def _update_channel(chat: Chat, user_id: str, given: UpdateChannel) -> object:
    updated = await chat.channels.update(user_id, given.channel_id, name=given.name, topic=given.topic)
    return {"channel": updated}


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
    "send_message": Method(Operation.SEND_MESSAGE, SendMessage, _send_message),
    "edit_message": Method(Operation.EDIT_MESSAGE, EditMessage, _edit_message),
    "delete_message": Method(Operation.DELETE_MESSAGE, OneMessage, _delete_message),
    "react": Method(Operation.REACT, React, _react),
    "unreact": Method(Operation.REACT, React, _unreact),
    "pin_message": Method(Operation.PIN_MESSAGE, OneMessage, _pin_message),
    "unpin_message": Method(Operation.PIN_MESSAGE, OneMessage, _unpin_message),
    "fetch_edits": Method(Operation.FETCH_EDITS, OneMessage, _fetch_edits),
    "fetch_pins": Method(Operation.FETCH_PINS, OneChannel, _fetch_pins),
    "mark_read": Method(Operation.MARK_READ, MarkRead, _mark_read),
    "fetch_reads": Method(Operation.FETCH_READS, OneChannel, _fetch_reads),
    "typing": Method(Operation.TYPE, OneChannel, _typing),
    "set_mute": Method(Operation.SET_MUTE, SetMute, _set_mute),
    "fetch_last_seen": Method(Operation.FETCH_LAST_SEEN, Users, _fetch_last_seen),
    "remove_member": Method(Operation.REMOVE_MEMBER, OneMember, _remove_member),
    "set_role": Method(Operation.SET_ROLE, SetRole, _set_role),
    "update_channel": Method(Operation.UPDATE_CHANNEL, UpdateChannel, _update_channel),
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
