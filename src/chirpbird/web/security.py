"""What protects browsers and the server: headers on every answer, limits on every body, and no calls from
other sites.
"""

from __future__ import annotations

from collections.abc import Iterator

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chirpbird.chat.errors import InvalidInput, NotPermitted
from chirpbird.web.envelope import JSON, Problem, failure
from chirpbird.web.errors import refusal

__all__ = ["MAX_BODY", "JsonBodies", "SecurityHeaders", "require_cookie_rights", "require_same_origin"]

MAX_BODY = 64 * 1024
"""Bytes."""

_POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
_DOCS_POLICY = _POLICY | {"style-src": "'self' 'unsafe-inline'"}
"""Swagger UI sets styles in attributes."""


def _spell_policy(policy: dict[str, str]) -> str:
    return "; ".join(f"{directive} {sources}" for directive, sources in policy.items())


_HEADERS = {
    "Content-Security-Policy": _spell_policy(_POLICY),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_DOCS_HEADERS = _HEADERS | {"Content-Security-Policy": _spell_policy(_DOCS_POLICY)}


class SecurityHeaders:
    """Adds the headers that an answer does not already have."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        added = _DOCS_HEADERS if scope["path"] == "/docs" else _HEADERS

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in added.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, add)


_MAX_DISCARDED = 16 << 20
"""Bytes of a body that is too large which are read all the same."""


class JsonBodies:
    """Lets bodies through that are JSON by name and at most 64 KiB long, chunked or not; reads them whole
    first.

    Insisting on the content type also means that no form on another site's page can post here.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "0")
        if "transfer-encoding" not in headers and declared == "0":
            await self._app(scope, receive, send)
            return
        if declared.isdecimal() and int(declared[:20]) > MAX_BODY:
            if int(declared[:20]) <= _MAX_DISCARDED:
                await _discard(receive)
            await _too_large()(scope, receive, send)
            return
        messages, size = [], 0
        while True:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if size > MAX_BODY:
                if message.get("more_body", False):
                    await _discard(receive)
                await _too_large()(scope, receive, send)
                return
            if message["type"] == "http.disconnect":
                return  # half a body is no request, and nobody waits for an answer
            if not message.get("more_body", False):
                break
        content_type = headers.get("content-type", "")
        if size and content_type.partition(";")[0].strip().lower() != JSON:
            error = InvalidInput(f"the body's content type is {_spell(content_type)}, {JSON} is expected")
            await refusal(error)(scope, receive, send)
            return
        await self._app(scope, _replay(iter(messages), receive), send)


def _replay(messages: Iterator[Message], receive: Receive) -> Receive:
    async def again() -> Message:
        message = next(messages, None)
        return message if message is not None else await receive()

    return again


async def _discard(receive: Receive) -> None:
    """Read what still comes: who is hung up on while sending learns of a broken connection, and not of the answer."""
    size = 0
    while size <= _MAX_DISCARDED:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body", False):
            return


def _too_large() -> ASGIApp:
    # What is still coming would have to be read to keep the connection.
    sentence = f"the body is larger than {MAX_BODY} bytes, at most {MAX_BODY} are expected"
    return failure(413, [Problem("too_large", sentence)], headers={"Connection": "close"})


def _spell(content_type: str) -> str:
    return f'"{content_type[:64]}"' if content_type else "not given"


async def require_same_origin(request: Request) -> None:
    """For routes that read or set the refresh cookie: no page of another site may call them.

    Programs that are no browsers send neither header. Pages of the allowed origins may come too, but not for cookies: see
    ``require_cookie_rights``. Errors: NotPermitted.
    """
    if not _is_ours(request) and request.headers.get("origin") not in request.app.state.allowed_origins:
        raise NotPermitted("this cannot be called from another site's page")


def require_cookie_rights(request: Request) -> None:
    """Before the refresh cookie is read or set. Errors: NotPermitted for pages of other sites, allowed or not."""
    if not _is_ours(request):
        raise NotPermitted(
            "another site's page cannot use the cookie: ask with wantRefreshToken, and send the refreshToken"
        )


def _is_ours(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host", "")
