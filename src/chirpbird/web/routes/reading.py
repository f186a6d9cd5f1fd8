"""How far one has read, and others; typing, muting, and who was here when."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from chirpbird.chat.errors import NotFound, NotPermitted, StoreFull
from chirpbird.chat.permissions import Operation
from chirpbird.chat.tokens import Identity
from chirpbird.web.authentication import ChatService, Permit
from chirpbird.web.envelope import success
from chirpbird.web.responses import answers
from chirpbird.web.schemas import LastSeenAnswer, MuteAnswer, NewMute, NewRead, ReadAnswer, ReadsAnswer

__all__ = ["router"]

router = APIRouter(tags=["reading"])


@router.post(
    "/channels/{channel_id}/read",
    summary="Mark read, or unread",
    responses=answers(ReadAnswer, NotFound, NotPermitted),
)
async def mark_read(
    channel_id: str,
    identity: Annotated[Identity, Depends(Permit(Operation.MARK_READ))],
    body: NewRead,
    chat: ChatService,
) -> Response:
    """Up to and with `seq`; with `unread`, up to the one before it, even if more had been read."""
    read = await chat.reading.mark(identity.user_id, channel_id, body.seq, unread=body.unread)
    return success(read)


@router.get(
    "/channels/{channel_id}/reads",
    summary="How far the members have read",
    responses=answers(ReadsAnswer, NotFound, NotPermitted),
)
async def fetch_reads(
    channel_id: str,
    identity: Annotated[Identity, Depends(Permit(Operation.FETCH_READS))],
    chat: ChatService,
) -> Response:
    """In direct channels and groups of up to 50 members; empty in larger ones."""
    return success(await chat.reading.positions(identity.user_id, channel_id))


@router.post(
    "/channels/{channel_id}/typing",
    summary="Tell that one is writing",
    status_code=204,
    responses=answers(None, NotFound, NotPermitted),
)
async def typing(
    channel_id: str,
    identity: Annotated[Identity, Depends(Permit(Operation.TYPE))],
    chat: ChatService,
) -> Response:
    """More often than every 3 s is passed over."""
    await chat.reading.typing(identity.user_id, channel_id)
    return Response(status_code=204)


@router.put(
    "/channels/{channel_id}/mute",
    summary="Mute a channel",
    responses=answers(MuteAnswer, NotFound, NotPermitted, StoreFull),
)
async def set_mute(
    channel_id: str,
    identity: Annotated[Identity, Depends(Permit(Operation.SET_MUTE))],
    body: NewMute,
    chat: ChatService,
) -> Response:
    """For oneself, on all devices: `none`, `all`, or `mentions` (all but these); for good or `until` a time."""
    return success(await chat.reading.mute(identity.user_id, channel_id, body.mute, body.until))


@router.get("/users/last-seen", summary="Who was here when", responses=answers(LastSeenAnswer))
async def fetch_last_seen(
    _identity: Annotated[Identity, Depends(Permit(Operation.FETCH_LAST_SEEN))], chat: ChatService, ids: str
) -> Response:
    """`ids` of 1-200 users, with commas between; who never left has no time."""
    return success({"lastSeen": await chat.reading.last_seen(ids.split(","))})
