"""The API over HTTP: ``POST /api/<method>`` with a key, JSON in and out."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry, Counter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from chirpbird.realtime import ProtocolError, errors
from chirpbird.standalone.api import requests, results
from chirpbird.standalone.api.methods import ApiMethods
from chirpbird.standalone.config import HttpApiSection

__all__ = ["ApiEndpoint"]

MAX_BODY = 16 << 20
"""Bytes."""
_ERROR_MODE = "x-centrifugo-error-mode"
_STATUS = {
    errors.UNKNOWN_CHANNEL.code: 404,
    errors.METHOD_NOT_FOUND.code: 404,
    errors.BAD_REQUEST.code: 400,
    errors.NOT_AVAILABLE.code: 400,
    errors.UNRECOVERABLE_POSITION.code: 416,
}
"""In error mode ``transport``; all others are 500."""
_PARALLEL = 64
"""Commands of a parallel batch under way at once."""

_encode = msgspec.json.Encoder().encode
_decode_batch = msgspec.json.Decoder(requests.BatchRequest).decode
_logger = logging.getLogger("chirpbird.standalone")


class _Method(msgspec.Struct, frozen=True):
    decode: Callable[[bytes], Any]
    call: Callable[[Any], Awaitable[results.Result]]


class ApiEndpoint:
    """Answers requests for one method each. Errors of methods have status 200, unless they are asked for as statuses."""

    def __init__(self, methods: ApiMethods, options: HttpApiSection, registry: CollectorRegistry) -> None:
        self._key = options.key.encode()
        self._open = options.insecure
        self._as_status = options.error_mode == "transport"
        self._methods = {
            field.name: _Method(msgspec.json.Decoder(_body(field.type)).decode, getattr(methods, field.name))
            for field in msgspec.structs.fields(requests.Command)
        }
        self._calls = Counter(
            "chirpbird_realtime_api_calls",
            "API calls by method and error code; 0 is success.",
            ["method", "code"],
            registry=registry,
        )

    async def __call__(self, request: Request) -> Response:
        name = request.path_params["method"]
        if not self._admits(request):
            return Response(status_code=401)
        if name not in self._methods and name != "batch":
            return Response(status_code=404)
        body = await _read(request)
        if isinstance(body, Response):
            return body
        try:
            body.decode()
            if name == "batch":
                return _json(await self._batch(_decode_batch(body)))
            decoded = self._methods[name].decode(body or b"{}")
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            _logger.info("an API request, %s, cannot be read: %s", name, error)
            return Response(f"bad request: {error}", status_code=400, media_type="text/plain")
        answer = await self._call(name, decoded)
        if isinstance(answer, results.Error):
            as_status = self._as_status or request.headers.get(_ERROR_MODE) == "transport"
            status = _STATUS.get(answer.code, 500) if as_status else 200
            return _json(results.Response(error=answer), status)
        return _json(results.Response(result=answer))

    def _admits(self, request: Request) -> bool:
        """The key is in a header of its own, in ``Authorization``, or in the query; the first of these that is there counts,
        except that the query always does."""
        if self._open:
            return True
        given = request.headers.get("x-api-key", "")
        if not given:
            scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
            given = credentials.strip() if scheme.lower() == "apikey" else ""
        return self._is_key(given) or self._is_key(request.query_params.get("api_key", ""))

    def _is_key(self, given: str) -> bool:
        return bool(self._key) and secrets.compare_digest(given.encode("utf-8", "surrogateescape"), self._key)

    async def _call(self, name: str, request: Any) -> results.Result | results.Error:
        try:
            result = await self._methods[name].call(request)
        except ProtocolError as error:
            self._calls.labels(name, error.code).inc()
            return results.Error(error.code, error.message)
        except Exception:
            _logger.exception("an API request, %s, failed", name)
            self._calls.labels(name, errors.INTERNAL.code).inc()
            return results.Error(errors.INTERNAL.code, errors.INTERNAL.message)
        self._calls.labels(name, 0).inc()
        return result

    async def _batch(self, batch: requests.BatchRequest) -> results.BatchResponse:
        if not batch.parallel:
            return results.BatchResponse([await self._command(command) for command in batch.commands])
        replies: list[dict[str, results.Result | results.Error]] = []
        for first in range(0, len(batch.commands), _PARALLEL):
            some = batch.commands[first : first + _PARALLEL]
            replies += await asyncio.gather(*map(self._command, some))
        return results.BatchResponse(replies)

    async def _command(self, command: requests.Command | None) -> dict[str, results.Result | results.Error]:
        if command is None:
            return {"error": results.Error(errors.BAD_REQUEST.code, errors.BAD_REQUEST.message)}
        for name in self._methods:
            request = getattr(command, name)
            if request is not None:
                answer = await self._call(name, request)
                return {"error" if isinstance(answer, results.Error) else name: answer}
        return {"error": results.Error(errors.METHOD_NOT_FOUND.code, errors.METHOD_NOT_FOUND.message)}


async def _read(request: Request) -> bytes | Response:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                return Response(f"body is larger than {MAX_BODY} bytes", status_code=413)
    except ClientDisconnect:
        return Response(status_code=400)
    return bytes(body)


def _json(answer: results.Response | results.BatchResponse, status: int = 200) -> Response:
    return Response(_encode(answer), status_code=status, media_type="application/json")


def _body(annotation: Any) -> Any:
    """The request's type of a field of ``Command``."""
    return next(kind for kind in annotation.__args__ if kind is not type(None))
