"""Asking the application: handlers answer at once, with a future, or as coroutines, and fail in as many ways.

An exception never ends here unseen: it becomes the command's answer, and if it was not meant as one it is logged.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast

from chirpbird.realtime.protocol import errors
from chirpbird.realtime.protocol.codes import Disconnect, EncodeError, ProtocolError

if TYPE_CHECKING:
    from chirpbird.realtime.client import Client
    from chirpbird.realtime.session import Session

__all__ = ["ask", "fail", "log_failure", "notify", "wait"]

E = TypeVar("E")
R = TypeVar("R")

_logger = logging.getLogger("chirpbird.realtime")


def ask(
    session: Session,
    command_id: int,
    handler: Callable[[Client, E], R | Awaitable[R]],
    event: E,
    expected: type[R],
    then: Callable[[Session, int, E, R], None],
    failed: Callable[[Session, int, E, BaseException], None] | None = None,
) -> asyncio.Future[R] | None:
    """Call a handler and go on with its reply, now if it is there already. What it returns otherwise is waited for, and
    returned.

    Exceptions of the handler and of ``then`` become the command's answer.
    """
    try:
        answer = handler(session.client, event)
        if isinstance(answer, expected):
            then(session, command_id, event, answer)
            return None
        future = _future(session, cast("Awaitable[R]", answer), expected)
    except Exception as error:
        (failed or _fail)(session, command_id, event, error)
        return None
    wait(session, command_id, future, event, expected, then, failed)
    return future


def wait(
    session: Session,
    command_id: int,
    future: asyncio.Future[R],
    event: E,
    expected: type[R],
    then: Callable[[Session, int, E, R], None],
    failed: Callable[[Session, int, E, BaseException], None] | None = None,
) -> None:
    """Go on when the future is done; the command counts as in flight until then."""
    session.in_flight += 1
    future.add_done_callback(partial(_answered, session, command_id, event, expected, then, failed))


def fail(session: Session, command_id: int, error: BaseException) -> None:
    """Answer a command with what went wrong."""
    if isinstance(error, ProtocolError):
        _forget_past(error)
        session.error(command_id, error)
    elif isinstance(error, Disconnect):
        _forget_past(error)
        session.close(error)
    elif isinstance(error, EncodeError):
        _logger.warning("client %s, user %r: %s", session.client.id, session.client.user, error)
        session.unencodable()
    else:
        if not isinstance(error, asyncio.CancelledError):
            log_failure(session, error)
        session.error(command_id, errors.INTERNAL)


def log_failure(session: Session, error: BaseException) -> None:
    _logger.error(
        "a request of client %s, user %r, failed", session.client.id, session.client.user, exc_info=error
    )


def notify(session: Session, handler: Callable[[Client, E], Awaitable[None] | None] | None, event: E) -> None:
    """Tell a handler that is not asked for anything."""
    if handler is None:
        return
    try:
        result = handler(session.client, event)
    except Exception as error:
        log_failure(session, error)
    else:
        session.core.detach(result, "a handler")


def _future(session: Session, answer: Awaitable[R], expected: type[R]) -> asyncio.Future[R]:
    if asyncio.isfuture(answer):
        return answer
    if inspect.iscoroutine(answer):
        return session.core.spawn(answer)
    raise _wrong_reply(answer, expected)


def _answered(
    session: Session,
    command_id: int,
    event: E,
    expected: type[R],
    then: Callable[[Session, int, E, R], None],
    failed: Callable[[Session, int, E, BaseException], None] | None,
    future: asyncio.Future[R],
) -> None:
    session.in_flight -= 1
    error = asyncio.CancelledError() if future.cancelled() else future.exception()
    if error is None:
        try:
            then(session, command_id, event, _checked(future.result(), expected))
        except Exception as caught:
            error = caught
    if error is not None:
        (failed or _fail)(session, command_id, event, error)
    if session.waiting is not None:
        session.resume()


def _checked(answer: R, expected: type[R]) -> R:
    if not isinstance(answer, expected):
        raise _wrong_reply(answer, expected)
    return answer


def _wrong_reply(answer: object, expected: type[object]) -> TypeError:
    return TypeError(f"handler returned {type(answer).__name__}, expected {expected.__name__}")


def _fail(session: Session, command_id: int, _event: object, error: BaseException) -> None:
    fail(session, command_id, error)


def _forget_past(error: BaseException) -> None:
    """Ready-made errors live for ever, and must not keep the frames and causes of each time that they are raised."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
