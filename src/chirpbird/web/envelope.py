"""The one shape of all REST answers: ``{"data": ..., "errors": [...]}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from starlette.responses import Response

from chirpbird.chat.errors import ChatError
from chirpbird.chat.views import encode

__all__ = ["Problem", "failure", "problem", "success"]

JSON = "application/json"


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of ``errors``."""

    code: str
    """Stable word for programs."""
    message: str
    """Sentence for people."""
    field: str = ""
    """The input at fault, if it is a single one."""


def success(data: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with ``data`` (views, or dicts of views)."""
    content = b'{"data":' + encode(data) + b',"errors":[]}'
    return Response(content, status_code=status, media_type=JSON, headers=headers)


def failure(
    status: int, problems: Sequence[Problem], *, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer that says what is wrong."""
    content = b'{"data":null,"errors":' + encode(list(problems)) + b"}"
    return Response(content, status_code=status, media_type=JSON, headers=headers)


def problem(error: ChatError) -> Problem:
    """A refusal of the chat as an entry of ``errors``."""
    return Problem(error.name, str(error), error.field)
