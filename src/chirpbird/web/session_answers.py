"""The answer to whoever signed in, and the refresh cookie in it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from chirpbird.chat.sign_in import SignedIn
from chirpbird.chat.views import user_view
from chirpbird.web.envelope import success

__all__ = ["COOKIE", "forget_cookie", "signed_in_answer"]

COOKIE = "chirpbird_refresh"
_PATH = "/sessions"


def signed_in_answer(request: Request, signed_in: SignedIn, *, in_body: bool, status: int) -> Response:
    """The tokens.

    ``in_body``: the refresh token for a program without a cookie jar, instead of the cookie.
    """
    data: dict[str, object] = {
        "user": user_view(signed_in.user),
        "accessToken": signed_in.access_token,
        "expiresIn": signed_in.expires_in,
    }
    if in_body:
        data["refreshToken"] = signed_in.refresh_token
        return success(data, status=status)
    response = success(data, status=status)
    response.set_cookie(
        COOKIE,
        signed_in.refresh_token,
        max_age=signed_in.refresh_expires_in,
        path=_PATH,
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )
    return response


def forget_cookie(request: Request, response: Response) -> None:
    """Have the browser drop the cookie."""
    response.delete_cookie(COOKIE, path=_PATH, secure=_is_secure(request), httponly=True, samesite="strict")


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
