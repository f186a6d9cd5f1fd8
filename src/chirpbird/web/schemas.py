"""The JSON of the REST API, for FastAPI: what is taken in, and (for OpenAPI only) what goes out.

Inputs are checked here for shape alone: types, no unknown names. What the values must be is decided by the
chat, the same for REST and WebSocket. Outputs are made by ``chat.views``; the tests compare these models with
real answers.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

__all__ = [
    "ChannelAnswer",
    "ChannelChange",
    "ChannelModel",
    "ChannelOrStateAnswer",
    "ChannelStateAnswer",
    "ChannelStatesAnswer",
    "ChannelsAnswer",
    "Credentials",
    "Envelope",
    "Failure",
    "LastSeenAnswer",
    "MemberAnswer",
    "MembersAnswer",
    "MessageAnswer",
    "MessageChange",
    "MessagesAnswer",
    "MuteAnswer",
    "NewChannel",
    "NewDirect",
    "NewMembers",
    "NewMessage",
    "NewMute",
    "NewRead",
    "NewRole",
    "PinsAnswer",
    "ReadAnswer",
    "ReadsAnswer",
    "Ready",
    "RefreshTokenBody",
    "Registration",
    "SearchAnswer",
    "SignedInAnswer",
    "UserAnswer",
    "UsersAnswer",
    "VersionsAnswer",
]

T = TypeVar("T")

_USER_ID = "01JB0ZK4M8Q2W3E4R5T6Y7U8I9"
_CHANNEL_ID = "01JB0ZM7N5P6Q7R8S9T0V1W2X3"
_TIME = "2026-01-31T09:30:00.250Z"


class _Input(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", strict=True, hide_input_in_errors=True
    )


class Registration(_Input):
    username: str = Field(examples=["ann"])
    password: str = Field(repr=False, examples=["correct horse battery staple"])
    name: str | None = Field(default=None, examples=["Ann Lee"])
    want_refresh_token: bool = False


class Credentials(_Input):
    username: str = Field(examples=["ann"])
    password: str = Field(repr=False, examples=["correct horse battery staple"])
    want_refresh_token: bool = False


class RefreshTokenBody(_Input):
    refresh_token: str = Field(repr=False)


class NewChannel(_Input):
    name: str = Field(examples=["general"])
    is_private: bool = False
    participants: list[str] = Field(default=[], examples=[[_USER_ID]])


class NewDirect(_Input):
    user_id: str = Field(examples=[_USER_ID])


class NewMembers(_Input):
    user_ids: list[str] = Field(examples=[[_USER_ID]])


class NewMessage(_Input):
    data: str = Field(examples=["Hello!"])
    key: str = Field(default="", examples=["6f9619ff-8b86-4011-b42d-00c04fc964ff"])
    reply_to: int = Field(default=0, examples=[7])


class MessageChange(_Input):
    data: str = Field(examples=["Hello, everybody!"])


class ChannelChange(_Input):
    name: str | None = Field(default=None, examples=["general"])
    topic: str | None = Field(default=None, examples=["Birds, mostly"])


class NewRole(_Input):
    role: str = Field(examples=["admin"])


class NewRead(_Input):
    seq: int = Field(examples=[7])
    unread: bool = False


class NewMute(_Input):
    mute: str = Field(examples=["mentions"])
    until: str | None = Field(default=None, examples=[_TIME])


class _Output(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")


class UserModel(_Output):
    id: str = Field(examples=[_USER_ID])
    username: str = Field(examples=["ann"])
    name: str = Field(examples=["Ann Lee"])
    created_at: str = Field(examples=[_TIME])
    updated_at: str = Field(examples=[_TIME])


class PersonModel(_Output):
    id: str = Field(examples=[_USER_ID])
    username: str = Field(examples=["ann"])
    name: str = Field(examples=["Ann Lee"])


class MemberModel(UserModel):
    role: str = Field(examples=["owner"])


class QuoteModel(_Output):
    seq: int = Field(examples=[5])
    sender: PersonModel
    data: str = Field(examples=["Hello?"])
    deleted: bool


class ReactionModel(_Output):
    emoji: str = Field(examples=["👋"])
    count: int
    users: list[PersonModel]
    mine: bool


class ChannelModel(_Output):
    id: str = Field(examples=[_CHANNEL_ID])
    kind: str = Field(examples=["public"])
    name: str = Field(examples=["general"])
    topic: str = Field(examples=["Birds, mostly"])
    is_private: bool
    creator_id: str = Field(examples=[_USER_ID])
    created_at: str = Field(examples=[_TIME])
    updated_at: str = Field(examples=[_TIME])
    member_count: int
    participants: list[UserModel] = Field(default=[])


class ChannelRefModel(_Output):
    id: str = Field(examples=[_CHANNEL_ID])
    name: str = Field(examples=["general"])


class EntryModel(_Output):
    id: str = Field(examples=[f"{_CHANNEL_ID}.7"])
    seq: int = Field(examples=[7])
    type: str = Field(examples=["message"])
    sender: PersonModel
    channel: ChannelRefModel
    created_at: str = Field(examples=[_TIME])
    data: str = Field(default="", examples=["Hello!"])
    key: str = Field(default="", examples=["6f9619ff-8b86-4011-b42d-00c04fc964ff"])
    members: list[PersonModel] = Field(default=[])
    mentions: list[str] = Field(default=[], examples=[[_USER_ID]])
    reply_to: QuoteModel | None = None
    target: int = Field(default=0, examples=[5])
    emoji: str = Field(default="", examples=["👋"])
    topic: str = ""
    name: str = ""
    role: str = ""
    edited_at: str = Field(default="", examples=[_TIME])
    deleted: bool = False
    pinned: bool = False
    reactions: list[ReactionModel] = Field(default=[])


class PositionModel(_Output):
    offset: int = Field(examples=[7])
    epoch: str = Field(examples=["Zk3vQw1x"])


class ChannelStateModel(_Output):
    channel: ChannelModel
    position: PositionModel
    last_message: EntryModel | None
    role: str = Field(examples=["member"])
    read_seq: int = Field(examples=[7])
    unread: int
    mentions: int
    mute: str = Field(examples=["none"])
    muted_until: str | None


class ProblemModel(_Output):
    code: str = Field(examples=["invalid_input"])
    message: str = Field(examples=["username is 1 character long, at least 2 are expected"])
    field: str = Field(default="", examples=["username"])


class Envelope(BaseModel, Generic[T]):
    """A success: ``errors`` is empty."""

    data: T
    errors: list[ProblemModel] = Field(max_length=0)


class Failure(BaseModel):
    """A failure: ``data`` is null."""

    data: None
    errors: list[ProblemModel] = Field(min_length=1)


class UserAnswer(_Output):
    user: UserModel


class UsersAnswer(_Output):
    users: list[UserModel]


class SignedInAnswer(_Output):
    user: UserModel
    access_token: str
    expires_in: int = Field(examples=[600])
    refresh_token: str = Field(default="", description="Given only to those who asked for it.")


class ChannelAnswer(_Output):
    channel: ChannelModel


class ChannelStateAnswer(_Output):
    channel: ChannelStateModel


class ChannelOrStateAnswer(_Output):
    """``Channel`` when others were added, ``ChannelState`` when one joined."""

    channel: ChannelModel | ChannelStateModel


class ChannelsAnswer(_Output):
    channels: list[ChannelModel]


class ChannelStatesAnswer(_Output):
    channels: list[ChannelStateModel]


class MembersAnswer(_Output):
    members: list[MemberModel]
    has_more: bool


class MessagesAnswer(_Output):
    messages: list[EntryModel]
    position: PositionModel
    has_more: bool
    has_before: bool
    has_after: bool


class FragmentModel(_Output):
    text: str = Field(examples=["Hello"])
    match: bool


class FoundModel(_Output):
    message: EntryModel
    fragments: list[FragmentModel]


class SearchAnswer(_Output):
    found: list[FoundModel]
    cursor: str | None = Field(examples=[f"1769851800250.{_CHANNEL_ID}.7"])


class MessageAnswer(_Output):
    message: EntryModel


class PinsAnswer(_Output):
    messages: list[EntryModel]


class VersionModel(_Output):
    data: str = Field(examples=["Hello!"])
    created_at: str = Field(examples=[_TIME])


class VersionsAnswer(_Output):
    versions: list[VersionModel]


class MemberAnswer(_Output):
    member: MemberModel


class ReadAnswer(_Output):
    read_seq: int = Field(examples=[7])
    unread: int
    mentions: int


class UserReadModel(_Output):
    user_id: str = Field(examples=[_USER_ID])
    seq: int = Field(examples=[7])


class ReadsAnswer(_Output):
    reads: list[UserReadModel]


class MuteAnswer(_Output):
    mute: str = Field(examples=["mentions"])
    muted_until: str | None


class LastSeenAnswer(_Output):
    last_seen: dict[str, str] = Field(examples=[{_USER_ID: _TIME}])


class Ready(_Output):
    ready: bool
