"""What OpenAPI says about a route's answers."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel

from chirpbird.chat.errors import ChatError, InvalidInput, NotSignedIn, StoreUnavailable
from chirpbird.web.schemas import Envelope, Failure

__all__ = ["answers"]

M = TypeVar("M", bound=BaseModel)

Responses = dict[int | str, dict[str, Any]]
"""FastAPI's own type for it."""

_ALWAYS: tuple[type[ChatError], ...] = (InvalidInput, StoreUnavailable)


def answers(
    model: type[M] | None, *errors: type[ChatError], status: int = 200, signed_in: bool = True
) -> Responses:
    """``model`` in the envelope on success (None: no content), the usual errors, and ``errors``."""
    responses: Responses = {}
    if model is not None:
        responses[status] = {"model": Envelope[model], "description": "Done"}  # type: ignore[valid-type]
    refusals: list[type[ChatError]] = [*_ALWAYS, *errors]
    if signed_in:
        refusals.append(NotSignedIn)
    for error in refusals:
        meaning = (error.__doc__ or "").splitlines()[0]
        known = responses.get(error.status)
        if known is not None:
            meaning = f"{known['description']} Or: {meaning}"
        responses[error.status] = {"model": Failure, "description": meaning}
    responses[400] = {"model": Failure, "description": "The body is not JSON."}
    responses[413] = {"model": Failure, "description": "The body is larger than 64 KiB."}
    return responses
