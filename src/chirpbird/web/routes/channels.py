"""Channels, and who is in them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from chirpbird.chat.errors import AlreadyExists, NotFound, NotPermitted, StoreFull
from chirpbird.chat.permissions import Operation
from chirpbird.chat.tokens import Identity
from chirpbird.web.authentication import ChatService, Permit
from chirpbird.web.envelope import success
from chirpbird.web.responses import answers
from chirpbird.web.schemas import (
    ChannelAnswer,
    ChannelChange,
    ChannelOrStateAnswer,
    ChannelsAnswer,
    ChannelStateAnswer,
    ChannelStatesAnswer,
    MemberAnswer,
    MembersAnswer,
    NewChannel,
    NewDirect,
    NewMembers,
    NewRole,
)

__all__ = ["router"]

router = APIRouter(tags=["channels"])


@router.get("/channels", summary="One's own channels", responses=answers(ChannelStatesAnswer))
async def list_channels(
    identity: Annotated[Identity, Depends(Permit(Operation.FETCH_STATE))], chat: ChatService
) -> Response:
    """Each with its position and last message, the most recently written first."""
    state = await chat.states.of_user(identity.user_id)
    return success({"channels": state.channels})


@router.get("/channels/public", summary="Search public channels", responses=answers(ChannelsAnswer))
async def search_channels(
    _identity: Annotated[Identity, Depends(Permit(Operation.SEARCH_CHANNELS))],
    chat: ChatService,
    query: str = "",
    limit: int = 20,
) -> Response:
    """Public channels whose name contains the query, those that begin with it first; `limit` is 1-50."""
    return success({"channels": await chat.channels.search(query, limit=limit)})


@router.post(
    "/channels",
    summary="Create a group",
    status_code=201,
    responses=answers(ChannelStateAnswer, NotFound, StoreFull, status=201),
)
async def create_channel(
    identity: Annotated[Identity, Depends(Permit(Operation.CREATE_CHANNEL))],
    body: NewChannel,
    chat: ChatService,
) -> Response:
    """A public one whose name exists is joined instead. At most 200 participants at once."""
    state = await chat.channels.create(
        identity.user_id, body.name, is_private=body.is_private, participants=body.participants
    )
    return success({"channel": state}, status=201)


@router.post(
    "/directs", summary="Open a direct channel", responses=answers(ChannelStateAnswer, NotFound, StoreFull)
)
async def open_direct(
    identity: Annotated[Identity, Depends(Permit(Operation.OPEN_DIRECT))], body: NewDirect, chat: ChatService
) -> Response:
    """The channel of oneself and one other person: the existing one, or a new one."""
    return success({"channel": await chat.channels.open_direct(identity.user_id, body.user_id)})


@router.get("/channels/{channel_id}", summary="A channel", responses=answers(ChannelAnswer, NotFound))
async def fetch_channel(
    channel_id: str,
    identity: Annotated[Identity, Depends(Permit(Operation.FETCH_CHANNEL))],
    chat: ChatService,
) -> Response:
    """With its first 200 participants for members; a public one without them for everybody else."""
    return success({"channel": await chat.channels.fetch(identity.user_id, channel_id)})


@router.get(
    "/channels/{channel_id}/members",
    summary="Who is in a channel",
    responses=answers(MembersAnswer, NotFound, NotPermitted),
)
async def fetch_members(
    channel_id: str,
    identity: Annotated[Identity, Depends(Permit(Operation.FETCH_MEMBERS))],
    chat: ChatService,
    after: str = "",
    limit: int = 200,
) -> Response:
    """Members by ascending id, those after `after`; `limit` is 1-200."""
    return success(await chat.channels.members(identity.user_id, channel_id, after=after, limit=limit))


@router.post(
    "/channels/{channel_id}/members",
    summary="Add people to a group, or join it",
    responses=answers(ChannelOrStateAnswer, NotFound, NotPermitted, StoreFull),
)
async def add_members(
    channel_id: str,
    identity: Annotated[Identity, Depends(Permit(Operation.ADD_MEMBERS))],
    body: NewMembers,
    chat: ChatService,
) -> Response:
    """Others (1-200) are added by a member; one's own id alone joins a public channel."""
    if body.user_ids == [identity.user_id]:
        return success({"channel": await chat.channels.join(identity.user_id, channel_id)})
    return success({"channel": await chat.channels.add_members(identity.user_id, channel_id, body.user_ids)})


@router.delete(
    "/channels/{channel_id}/members/me",
    summary="Leave a group",
    status_code=204,
    responses=answers(None, NotFound, NotPermitted, StoreFull),
)
async def leave_channel(
    channel_id: str,
    identity: Annotated[Identity, Depends(Permit(Operation.LEAVE_CHANNEL))],
    chat: ChatService,
) -> Response:
    """Not possible with direct channels."""
    await chat.channels.leave(identity.user_id, channel_id)
    return Response(status_code=204)


@router.delete(
    "/channels/{channel_id}/members/{user_id}",
    summary="Remove somebody from a group",
    status_code=204,
    responses=answers(None, NotFound, NotPermitted, StoreFull),
)
async def remove_member(
    channel_id: str,
    user_id: str,
    identity: Annotated[Identity, Depends(Permit(Operation.REMOVE_MEMBER))],
    chat: ChatService,
) -> Response:
    """Anybody by the owner, members by admins; they lose the channel at once."""
    await chat.channels.remove(identity.user_id, channel_id, user_id)
    return Response(status_code=204)


@router.patch(
    "/channels/{channel_id}/members/{user_id}",
    summary="Give somebody a role",
    responses=answers(MemberAnswer, NotFound, NotPermitted, StoreFull),
)
async def set_role(
    channel_id: str,
    user_id: str,
    identity: Annotated[Identity, Depends(Permit(Operation.SET_ROLE))],
    body: NewRole,
    chat: ChatService,
) -> Response:
    """By the owner: `admin`, `member`, or `owner`, which hands the group over."""
    return success({"member": await chat.channels.set_role(identity.user_id, channel_id, user_id, body.role)})


@router.patch(
    "/channels/{channel_id}",
    summary="Rename a group, or set its topic",
    responses=answers(ChannelAnswer, NotFound, NotPermitted, AlreadyExists, StoreFull),
)
async def update_channel(
    channel_id: str,
    identity: Annotated[Identity, Depends(Permit(Operation.UPDATE_CHANNEL))],
    body: ChannelChange,
    chat: ChatService,
) -> Response:
    """By owner and admins. What is not given stays."""
    changed = await chat.channels.update(identity.user_id, channel_id, name=body.name, topic=body.topic)
    return success({"channel": changed})
