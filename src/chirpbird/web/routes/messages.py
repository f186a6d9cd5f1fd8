"""What was said, and saying something."""

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
from chirpbird.web.schemas import MessageAnswer, MessagesAnswer, NewMessage, SearchAnswer

__all__ = ["router"]

router = APIRouter(tags=["messages"])


@router.get(
    "/channels/{channel_id}/messages",
    summary="A page of a channel's log",
    responses=answers(MessagesAnswer, NotFound, NotPermitted),
)
async def fetch_messages(
    channel_id: str,
    identity: Annotated[Identity, Depends(Permit(Operation.FETCH_MESSAGES))],
    chat: ChatService,
    before: int | None = None,
    after: int | None = None,
    around: int | None = None,
    at: str | None = None,
    limit: int = 50,
) -> Response:
    """Rows in ascending order, messages as they are now: the last ones before seq `before`, the first ones after
    seq `after`, those around seq `around` or time `at`, or the newest.

    `limit` is 1-300; `hasMore` looks in the direction of paging.
    """
    page = await chat.messages.page(
        identity.user_id, channel_id, before=before, after=after, around=around, at=at, limit=limit
    )
    return success(page)


@router.post(
    "/channels/{channel_id}/messages",
    summary="Send a message",
    status_code=201,
    responses=answers(MessageAnswer, NotFound, NotPermitted, TooMany, StoreFull, status=201),
)
async def send_message(
    channel_id: str,
    identity: Annotated[Identity, Depends(Permit(Operation.SEND_MESSAGE))],
    body: NewMessage,
    chat: ChatService,
) -> Response:
    """The answer means that the log has it durably.

    A retry with the same `key` returns the first one's result.
    """
    entry = await chat.messages.send_checked(identity.user_id, channel_id, body.data, body.key, body.reply_to)
    return success({"message": entry}, status=201)


@router.get("/search", summary="Search in messages", responses=answers(SearchAnswer, TooMany))
async def search_messages(
    identity: Annotated[Identity, Depends(Permit(Operation.SEARCH_MESSAGES))],
    chat: ChatService,
    query: str,
    cursor: str = "",
    limit: int = 20,
) -> Response:
    """Messages of one's own channels that hold all of the query, newest first.

    Words, `"phrases"`, `from:username`, `in:channel`, `before:2026-01-31`, `after:2026-01-31`. `limit` is 1-50; `cursor` comes
    from the page before.
    """
    return success(await chat.search.find(identity.user_id, query, cursor=cursor, limit=limit))
