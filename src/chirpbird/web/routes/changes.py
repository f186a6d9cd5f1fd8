"""Changing what was said."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from chirpbird.chat.errors import NotFound, NotPermitted, StoreFull, TooMany
from chirpbird.chat.permissions import Operation
from chirpbird.chat.tokens import Identity
from chirpbird.web.authentication import ChatService, Permit
from chirpbird.web.envelope import success
from chirpbird.web.responses import answers
from chirpbird.web.schemas import MessageAnswer, MessageChange, PinsAnswer, VersionsAnswer

__all__ = ["router"]

router = APIRouter(tags=["messages"])

_MESSAGE = "/channels/{channel_id}/messages/{seq}"
_CHANGED = answers(MessageAnswer, NotFound, NotPermitted, TooMany, StoreFull)


@router.patch(_MESSAGE, summary="Edit a message", responses=_CHANGED)
async def edit_message(
    channel_id: str,
    seq: int,
    identity: Annotated[Identity, Depends(Permit(Operation.EDIT_MESSAGE))],
    body: MessageChange,
    chat: ChatService,
) -> Response:
    """One's own only; the former texts are kept."""
    return success({"message": await chat.changes.edit(identity.user_id, channel_id, seq, body.data)})


@router.delete(_MESSAGE, summary="Delete a message", responses=_CHANGED)
async def delete_message(
    channel_id: str,
    seq: int,
    identity: Annotated[Identity, Depends(Permit(Operation.DELETE_MESSAGE))],
    chat: ChatService,
) -> Response:
    """One's own, or any by owner and admins. What it said is nowhere any more."""
    return success({"message": await chat.changes.delete(identity.user_id, channel_id, seq)})


@router.put(f"{_MESSAGE}/reactions/{{emoji}}", summary="React", responses=_CHANGED)
async def react(
    channel_id: str,
    seq: int,
    emoji: str,
    identity: Annotated[Identity, Depends(Permit(Operation.REACT))],
    chat: ChatService,
) -> Response:
    """With one emoji; again is no error."""
    return success({"message": await chat.changes.react(identity.user_id, channel_id, seq, emoji)})


@router.delete(f"{_MESSAGE}/reactions/{{emoji}}", summary="Take a reaction back", responses=_CHANGED)
async def unreact(
    channel_id: str,
    seq: int,
    emoji: str,
    identity: Annotated[Identity, Depends(Permit(Operation.REACT))],
    chat: ChatService,
) -> Response:
    """One's own; if there is none, that is no error."""
    return success({"message": await chat.changes.react(identity.user_id, channel_id, seq, emoji, back=True)})


@router.put(f"{_MESSAGE}/pin", summary="Pin a message", responses=_CHANGED)
async def pin_message(
    channel_id: str,
    seq: int,
    identity: Annotated[Identity, Depends(Permit(Operation.PIN_MESSAGE))],
    chat: ChatService,
) -> Response:
    """By members; in public channels by owner and admins."""
    return success({"message": await chat.changes.pin(identity.user_id, channel_id, seq)})


@router.delete(f"{_MESSAGE}/pin", summary="Unpin a message", responses=_CHANGED)
async def unpin_message(
    channel_id: str,
    seq: int,
    identity: Annotated[Identity, Depends(Permit(Operation.PIN_MESSAGE))],
    chat: ChatService,
) -> Response:
    """By those who may pin."""
    return success({"message": await chat.changes.pin(identity.user_id, channel_id, seq, back=True)})


@router.get(
    f"{_MESSAGE}/edits",
    summary="All texts of a message",
    responses=answers(VersionsAnswer, NotFound, NotPermitted),
)
async def fetch_edits(
    channel_id: str,
    seq: int,
    identity: Annotated[Identity, Depends(Permit(Operation.FETCH_EDITS))],
    chat: ChatService,
) -> Response:
    """The first one first; none of a message that was deleted."""
    return success({"versions": await chat.changes.versions(identity.user_id, channel_id, seq)})


@router.get(
    "/channels/{channel_id}/pins",
    summary="What is pinned",
    responses=answers(PinsAnswer, NotFound, NotPermitted),
)
async def fetch_pins(
    channel_id: str,
    identity: Annotated[Identity, Depends(Permit(Operation.FETCH_PINS))],
    chat: ChatService,
) -> Response:
    """Newest messages first, at most 100."""
    return success({"messages": await chat.changes.pins(identity.user_id, channel_id)})
