"""Every way in which the chat says no.

ChatError
    InvalidInput        what was sent does not fit: names the field, what was found, what is expected
    NotSignedIn         no token, or a token that is forged
        TokenExpired    ... or was good once: fetch a new one
    WrongCredentials    sign-in with an unknown name or a wrong password (the two look the same)
    NotPermitted        signed in, but not allowed
    NotFound            no such thing, or none that this person may know of
    AlreadyExists       a unique name is taken
    TooMany             a rate or a size limit; ``retry_after`` says when to come back
    StoreUnavailable    the store cannot answer or cannot write now; temporary
        StoreFull       ... because the disk is full
        StoreCannotOpen ... not even at the start
            StoreNotEmpty   ... and a copy is not written into it
        CopyFailed      a copy of it is not the same as its source

The same error is HTTP status and Centrifuge error code at once; codes 400 and up are the application's.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "AlreadyExists",
    "ChatError",
    "CopyFailed",
    "InvalidInput",
    "NotFound",
    "NotPermitted",
    "NotSignedIn",
    "StoreCannotOpen",
    "StoreFull",
    "StoreNotEmpty",
    "StoreUnavailable",
    "TokenExpired",
    "TooMany",
    "WrongCredentials",
]


class ChatError(Exception):
    """Root. ``str(error)`` is the sentence for a person; ``field`` names the input at fault, or is empty."""

    name: ClassVar[str] = "internal"
    """Stable word for programs, sent as ``code`` over HTTP."""
    status: ClassVar[int] = 500
    """HTTP status."""
    code: ClassVar[int] = 100
    """Centrifuge error code."""
    temporary: ClassVar[bool] = False
    """True: the same request may succeed later, and SDKs retry it."""

    def __init__(self, message: str, *, field: str = "", retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.field = field
        self.retry_after = retry_after
        """Seconds; 0 when waiting does not help."""


class InvalidInput(ChatError):
    """What was sent does not fit the field's rules."""

    name = "invalid_input"
    status = 422
    code = 107


class NotSignedIn(ChatError):
    """A valid access or refresh token is needed."""

    name = "not_signed_in"
    status = 401
    code = 101


class TokenExpired(NotSignedIn):
    """The access token was ours and has run out; SDKs fetch a new one when they see this code."""

    code = 109


class WrongCredentials(ChatError):
    """The username and password do not belong together."""

    name = "wrong_credentials"
    status = 401
    code = 401


class NotPermitted(ChatError):
    """This person may not do that."""

    name = "not_permitted"
    status = 403
    code = 103


class NotFound(ChatError):
    """There is no such thing, as far as this person may know."""

    name = "not_found"
    status = 404
    code = 404


class AlreadyExists(ChatError):
    """The name is taken."""

    name = "already_exists"
    status = 409
    code = 409


class TooMany(ChatError):
    """Too often, or too much at once."""

    name = "too_many"
    status = 429
    code = 111
    temporary = True


class StoreUnavailable(ChatError):
    """The store cannot do this now. Nothing was acknowledged, nothing was half done; whether it was done whole, a store on other
    machines may not know."""

    name = "store_unavailable"
    status = 503
    code = 100
    temporary = True


class StoreFull(StoreUnavailable):
    """The disk is full: reading goes on, writing waits for the operator."""

    name = "store_full"
    status = 507


class StoreCannotOpen(StoreUnavailable):
    """The store cannot be opened at start; nothing in it was changed."""


class StoreNotEmpty(StoreCannotOpen):
    """There is a whole store where a copy shall be."""


class CopyFailed(StoreUnavailable):
    """A copy of a store is not the same as its source. ``str(error)`` says what to do."""
