"""People: registering, oneself, and finding others."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from chirpbird.chat.errors import AlreadyExists, NotPermitted, TooMany
from chirpbird.chat.permissions import Operation
from chirpbird.chat.tokens import Identity
from chirpbird.chat.views import user_view
from chirpbird.web.authentication import Anyone, ChatService, Permit, network_address
from chirpbird.web.envelope import success
from chirpbird.web.responses import answers
from chirpbird.web.schemas import Registration, SignedInAnswer, UserAnswer, UsersAnswer
from chirpbird.web.security import require_cookie_rights, require_same_origin
from chirpbird.web.session_answers import signed_in_answer

__all__ = ["router"]

router = APIRouter(tags=["users"])


@router.post(
    "/users",
    summary="Register",
    status_code=201,
    responses=answers(SignedInAnswer, NotPermitted, AlreadyExists, TooMany, status=201, signed_in=False),
    dependencies=[Depends(Anyone(Operation.REGISTER)), Depends(require_same_origin)],
)
async def register(request: Request, body: Registration, chat: ChatService) -> Response:
    """Make an account and sign in with it."""
    if not body.want_refresh_token:
        require_cookie_rights(request)
    user = await chat.accounts.register(
        body.username, body.password, body.name, address=network_address(request)
    )
    signed_in = await chat.sign_ins.start(user)
    return signed_in_answer(request, signed_in, in_body=body.want_refresh_token, status=201)


@router.get("/users/me", summary="Oneself", responses=answers(UserAnswer))
async def me(
    identity: Annotated[Identity, Depends(Permit(Operation.FETCH_ME))], chat: ChatService
) -> Response:
    """Who the access token belongs to."""
    return success({"user": user_view(await chat.people.me(identity.user_id))})


@router.get("/users", summary="Search for people", responses=answers(UsersAnswer))
async def search_users(
    identity: Annotated[Identity, Depends(Permit(Operation.SEARCH_USERS))],
    chat: ChatService,
    query: str = "",
    limit: int = 20,
) -> Response:
    """Others whose username or name begins with the query; `limit` is 1-50."""
    return success({"users": await chat.people.search(identity.user_id, query, limit=limit)})
