"""Everything that can go wrong, answered in the envelope and with nothing in it that is not the caller's
business.
"""

from __future__ import annotations

import logging
import math
import secrets
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chirpbird.chat.errors import ChatError, InvalidInput, NotSignedIn
from chirpbird.web.envelope import Problem, failure, problem

__all__ = ["UnexpectedErrors", "install_error_handlers", "refusal"]

_LOGGER = logging.getLogger(__name__)
_MAX_PROBLEMS = 10
_MAX_FIELD = 64
_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


class UnexpectedErrors:
    """Turns what nobody foresaw into a 500 with an id, and logs it under that id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:
            error_id = secrets.token_hex(6)
            _LOGGER.exception("unexpected error %s in %s %s", error_id, scope["method"], scope["path"])
            if started:
                raise
            message = f"something went wrong here; the server's log has it as {error_id}"
            await failure(500, [Problem("internal", message)])(scope, receive, send)


def install_error_handlers(app: FastAPI) -> None:
    """Have all expected errors answered in the envelope."""
    app.add_exception_handler(ChatError, _on_chat_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)


def refusal(error: ChatError) -> Response:
    """The answer to a request that the chat refused."""
    headers = {}
    if error.retry_after > 0:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    if isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = "Bearer"
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOGGER.warning("answered %d %s: %s", error.status, error.name, error)
    return failure(error.status, [problem(error)], headers=headers)


async def _on_chat_error(_request: Request, error: Exception) -> Response:
    return refusal(cast(ChatError, error))


async def _on_http_error(_request: Request, error: Exception) -> Response:
    """What Starlette refuses by itself: no such path or method, a body that cannot be read."""
    error = cast(HTTPException, error)
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return failure(400, [Problem(InvalidInput.name, "the body is not JSON, JSON is expected")])
    code = _HTTP_CODES.get(error.status_code, "refused")
    phrase = HTTPStatus(error.status_code).phrase.lower()
    return failure(error.status_code, [Problem(code, phrase)], headers=error.headers)


async def _on_validation_error(_request: Request, error: Exception) -> Response:
    """Input that does not have the right shape. The input itself is never repeated."""
    details = cast(RequestValidationError, error).errors()
    if any(detail["type"] == "json_invalid" for detail in details):
        return failure(400, [Problem(InvalidInput.name, "the body is not JSON, JSON is expected")])
    problems = [_shape_problem(detail["type"], detail["loc"], detail["msg"]) for detail in details]
    return failure(422, problems[:_MAX_PROBLEMS])


def _shape_problem(kind: str, location: tuple[str | int, ...], sentence: str) -> Problem:
    path = location[1:] if len(location) > 1 else location
    # A key of the caller's JSON may be long, and may hold lone surrogates, which UTF-8 cannot.
    field = ".".join(map(str, path))[:_MAX_FIELD].encode("utf-8", "replace").decode()
    if kind == "missing":
        return Problem(InvalidInput.name, f"{field} is missing", field)
    if kind == "extra_forbidden":
        return Problem(InvalidInput.name, f"{field} is not known here", field)
    sentence = sentence[:1].lower() + sentence[1:]
    return Problem(InvalidInput.name, f"{field} does not fit: {sentence}", field)
