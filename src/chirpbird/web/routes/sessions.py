"""Signing in, staying signed in, signing out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Cookie, Depends
from starlette.requests import Request
from starlette.responses import Response

from chirpbird.chat.errors import NotPermitted, NotSignedIn, TooMany, WrongCredentials
from chirpbird.chat.permissions import Operation
from chirpbird.web.authentication import Anyone, ChatService, network_address
from chirpbird.web.responses import answers
from chirpbird.web.schemas import Credentials, RefreshTokenBody, SignedInAnswer
from chirpbird.web.security import require_cookie_rights, require_same_origin
from chirpbird.web.session_answers import COOKIE, forget_cookie, signed_in_answer

__all__ = ["router"]

router = APIRouter(tags=["sessions"], dependencies=[Depends(require_same_origin)])

RefreshCookie = Annotated[str | None, Cookie(alias=COOKIE)]


@router.post(
    "/sessions",
    summary="Sign in",
    status_code=201,
    responses=answers(SignedInAnswer, WrongCredentials, NotPermitted, TooMany, status=201, signed_in=False),
    dependencies=[Depends(Anyone(Operation.SIGN_IN))],
)
async def sign_in(request: Request, body: Credentials, chat: ChatService) -> Response:
    """Prove who one is, with a password."""
    if not body.want_refresh_token:
        require_cookie_rights(request)
    user = await chat.accounts.sign_in(body.username, body.password, address=network_address(request))
    signed_in = await chat.sign_ins.start(user)
    return signed_in_answer(request, signed_in, in_body=body.want_refresh_token, status=201)


@router.post(
    "/sessions/refresh",
    summary="Get new tokens",
    responses=answers(SignedInAnswer, NotSignedIn, NotPermitted, TooMany, signed_in=False),
    dependencies=[Depends(Anyone(Operation.REFRESH))],
)
async def refresh(
    request: Request,
    chat: ChatService,
    cookie: RefreshCookie = None,
    body: RefreshTokenBody | None = None,
) -> Response:
    """Swap the refresh token, in the cookie or in the body, for new tokens.

    It works once (and for 30 s after that).
    """
    if body is None:
        require_cookie_rights(request)
    signed_in = await chat.sign_ins.refresh(
        body.refresh_token if body is not None else cookie or "", address=network_address(request)
    )
    return signed_in_answer(request, signed_in, in_body=body is not None, status=200)


@router.delete(
    "/sessions/current",
    summary="Sign out",
    status_code=204,
    responses=answers(None, NotPermitted, signed_in=False),
    dependencies=[Depends(Anyone(Operation.SIGN_OUT))],
)
async def sign_out(
    request: Request,
    chat: ChatService,
    cookie: RefreshCookie = None,
    body: RefreshTokenBody | None = None,
) -> Response:
    """End this device's sign-in. Its access token runs out by itself within minutes."""
    if body is None:
        require_cookie_rights(request)
    await chat.sign_ins.end(body.refresh_token if body is not None else cookie or "")
    response = Response(status_code=204)
    if body is None:
        forget_cookie(request, response)
    return response
