"""Who may do what: every operation of the chat in one table.

REST routes, RPC methods and channel operations (subscribe, publish, ...) each name their Operation, and the
tests try each of them as everybody. What does not appear here does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum
from types import MappingProxyType

from chirpbird.chat.entities import Channel, ChannelKind, Role
from chirpbird.chat.errors import NotFound, NotPermitted, NotSignedIn

__all__ = ["RULES", "Operation", "Rule", "check", "no_such_channel"]


class Rule(Enum):
    """Whom an operation is for."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    SELF = "self"
    """Only on what is one's own: the personal channel."""
    MEMBER = "member"
    MEMBER_OF_GROUP = "member of group"
    """Members of a public or private group; nobody may do it to a direct channel."""
    MEMBER_OR_PUBLIC = "member or public"
    """Members, and anybody signed in if the channel is public."""
    OWN_MESSAGE = "own message"
    """Members, on what they said themselves."""
    OWN_MESSAGE_OR_ADMIN = "own message or admin"
    """The same, and owner and admins of a group on what anybody said."""
    MEMBER_BUT_ADMIN_IF_PUBLIC = "member, but admin if public"
    """Members of direct and private channels, who all know each other; owner and admins of public ones."""
    ADMIN_OF_GROUP = "admin of group"
    """Owner and admins of a public or private group."""
    OWNER_OF_GROUP = "owner of group"


class Operation(StrEnum):
    """Everything that can be asked of the chat."""

    REGISTER = "register"
    SIGN_IN = "sign_in"
    REFRESH = "refresh"
    """The refresh token is its own credential."""
    SIGN_OUT = "sign_out"
    READ_HEALTH = "read_health"
    READ_CLIENT = "read_client"
    """The web client's files, and the description of the API."""

    CONNECT = "connect"
    FETCH_ME = "fetch_me"
    FETCH_STATE = "fetch_state"
    SEARCH_USERS = "search_users"
    SEARCH_CHANNELS = "search_channels"
    SEARCH_MESSAGES = "search_messages"
    """In the channels that one is in."""
    CREATE_CHANNEL = "create_channel"
    OPEN_DIRECT = "open_direct"

    FETCH_CHANNEL = "fetch_channel"
    JOIN_CHANNEL = "join_channel"
    LEAVE_CHANNEL = "leave_channel"
    ADD_MEMBERS = "add_members"
    FETCH_MEMBERS = "fetch_members"
    FETCH_MESSAGES = "fetch_messages"
    SEND_MESSAGE = "send_message"

    EDIT_MESSAGE = "edit_message"
    DELETE_MESSAGE = "delete_message"
    REACT = "react"
    PIN_MESSAGE = "pin_message"
    FETCH_EDITS = "fetch_edits"
    FETCH_PINS = "fetch_pins"
    REMOVE_MEMBER = "remove_member"
    """Admins remove members, the owner anybody."""
    SET_ROLE = "set_role"
    UPDATE_CHANNEL = "update_channel"
    MARK_READ = "mark_read"
    FETCH_READS = "fetch_reads"
    TYPE = "type"
    SET_MUTE = "set_mute"
    FETCH_LAST_SEEN = "fetch_last_seen"

    SUBSCRIBE = "subscribe"
    PUBLISH = "publish"
    PRESENCE = "presence"
    PRESENCE_STATS = "presence_stats"
    HISTORY = "history"
    SUBSCRIBE_PERSONAL = "subscribe_personal"


RULES: Mapping[Operation, Rule] = MappingProxyType(
    {
        Operation.REGISTER: Rule.ANYONE,
        Operation.SIGN_IN: Rule.ANYONE,
        Operation.REFRESH: Rule.ANYONE,
        Operation.SIGN_OUT: Rule.ANYONE,
        Operation.READ_HEALTH: Rule.ANYONE,
        Operation.READ_CLIENT: Rule.ANYONE,
        Operation.CONNECT: Rule.SIGNED_IN,
        Operation.FETCH_ME: Rule.SIGNED_IN,
        Operation.FETCH_STATE: Rule.SIGNED_IN,
        Operation.SEARCH_USERS: Rule.SIGNED_IN,
        Operation.SEARCH_CHANNELS: Rule.SIGNED_IN,
        Operation.SEARCH_MESSAGES: Rule.SIGNED_IN,
        Operation.CREATE_CHANNEL: Rule.SIGNED_IN,
        Operation.OPEN_DIRECT: Rule.SIGNED_IN,
        Operation.FETCH_CHANNEL: Rule.MEMBER_OR_PUBLIC,
        Operation.JOIN_CHANNEL: Rule.MEMBER_OR_PUBLIC,
        Operation.LEAVE_CHANNEL: Rule.MEMBER_OF_GROUP,
        Operation.ADD_MEMBERS: Rule.MEMBER_OF_GROUP,
        Operation.FETCH_MEMBERS: Rule.MEMBER,
        Operation.FETCH_MESSAGES: Rule.MEMBER,
        Operation.SEND_MESSAGE: Rule.MEMBER,
        Operation.EDIT_MESSAGE: Rule.OWN_MESSAGE,
        Operation.DELETE_MESSAGE: Rule.OWN_MESSAGE_OR_ADMIN,
        Operation.REACT: Rule.MEMBER,
        Operation.PIN_MESSAGE: Rule.MEMBER_BUT_ADMIN_IF_PUBLIC,
        Operation.FETCH_EDITS: Rule.MEMBER,
        Operation.FETCH_PINS: Rule.MEMBER,
        Operation.REMOVE_MEMBER: Rule.ADMIN_OF_GROUP,
        Operation.SET_ROLE: Rule.OWNER_OF_GROUP,
        Operation.UPDATE_CHANNEL: Rule.ADMIN_OF_GROUP,
        Operation.MARK_READ: Rule.MEMBER,
        Operation.FETCH_READS: Rule.MEMBER,
        Operation.TYPE: Rule.MEMBER,
        Operation.SET_MUTE: Rule.MEMBER,
        Operation.FETCH_LAST_SEEN: Rule.SIGNED_IN,
        Operation.SUBSCRIBE: Rule.MEMBER,
        Operation.PUBLISH: Rule.MEMBER,
        Operation.PRESENCE: Rule.MEMBER,
        Operation.PRESENCE_STATS: Rule.MEMBER,
        Operation.HISTORY: Rule.MEMBER,
        Operation.SUBSCRIBE_PERSONAL: Rule.SELF,
    }
)


def check(
    operation: Operation,
    *,
    user_id: str | None,
    channel: Channel | None = None,
    role: Role | None = None,
    owner_id: str = "",
    sender_id: str | None = None,
) -> None:
    """Let it pass, or raise.

    ``user_id`` None: not signed in. ``channel`` (None: there is no such channel) and ``role`` (None: no
    member) matter to the rules about channels, ``owner_id`` to SELF, and ``sender_id`` of a message (None: it has not been looked
    up; what depends on it is let pass for now) to the rules about messages.

    Errors: NotSignedIn; NotFound for a channel that is not there or is none of this person's business;
    NotPermitted.
    """
    rule = RULES[operation]
    if rule is Rule.ANYONE:
        return
    if user_id is None:
        raise NotSignedIn("an access token is expected")
    if rule is Rule.SIGNED_IN:
        return
    if rule is Rule.SELF:
        if user_id != owner_id:
            raise NotPermitted("this belongs to somebody else")
        return
    _check_channel(rule, channel, role)
    others = sender_id is not None and sender_id != user_id and rule in _ABOUT_MESSAGES
    if others and (rule is Rule.OWN_MESSAGE or role not in _ADMINS):
        raise NotPermitted("this was said by somebody else")


def no_such_channel() -> NotFound:
    """The one answer for a channel that is not there and for a private one that is none of the asker's
    business.
    """
    return NotFound("no such channel")


_ABOUT_MESSAGES = frozenset({Rule.OWN_MESSAGE, Rule.OWN_MESSAGE_OR_ADMIN})
_OF_GROUPS = frozenset({Rule.MEMBER_OF_GROUP, Rule.ADMIN_OF_GROUP, Rule.OWNER_OF_GROUP})
_ADMINS = frozenset({Role.OWNER, Role.ADMIN})


def _check_channel(rule: Rule, channel: Channel | None, role: Role | None) -> None:
    if channel is None or not (role is not None or channel.kind is ChannelKind.PUBLIC):
        raise no_such_channel()
    if rule is Rule.MEMBER_OR_PUBLIC:
        return
    if role is None:
        raise NotPermitted("only members of the channel may do this")
    if rule in _OF_GROUPS and channel.kind is ChannelKind.DIRECT:
        raise NotPermitted("a direct channel always has the same two people")
    if rule is Rule.OWNER_OF_GROUP and role is not Role.OWNER:
        raise NotPermitted("only the owner of the channel may do this")
    is_public = channel.kind is ChannelKind.PUBLIC
    for_admins = rule is Rule.ADMIN_OF_GROUP or (rule is Rule.MEMBER_BUT_ADMIN_IF_PUBLIC and is_public)
    if for_admins and role not in _ADMINS:
        raise NotPermitted("only the owner and the admins of the channel may do this")
