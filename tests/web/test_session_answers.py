from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from chirpbird.web.session_answers import forget_cookie


def test_the_cookie_is_forgotten_where_it_was_set() -> None:
    scope = {"type": "http", "scheme": "https", "server": ("chat.test", 443), "path": "/", "headers": []}
    response = Response()
    forget_cookie(Request(scope), response)
    cookie = response.headers["set-cookie"]
    assert cookie.startswith('chirpbird_refresh=""')
    for part in ("Path=/sessions", "Max-Age=0", "HttpOnly", "Secure", "SameSite=strict"):
        assert part in cookie
