"""For load balancers, operators and Prometheus."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from chirpbird.chat.permissions import Operation
from chirpbird.web.authentication import Anyone
from chirpbird.web.envelope import Problem, failure, success
from chirpbird.web.metrics import Metrics
from chirpbird.web.readiness import Readiness
from chirpbird.web.schemas import Envelope, Failure, Ready

__all__ = ["router"]

router = APIRouter(tags=["health"], dependencies=[Depends(Anyone(Operation.READ_HEALTH))])


@router.head("/ping", include_in_schema=False)
@router.get("/ping", summary="Is anybody there", response_class=PlainTextResponse)
async def ping() -> Response:
    """Says `pong` as long as the process answers at all."""
    return PlainTextResponse("pong")


@router.head("/health/ready", include_in_schema=False)
@router.get(
    "/health/ready",
    summary="Should this node get traffic",
    responses={
        200: {"model": Envelope[Ready], "description": "Yes"},
        404: {"model": Failure, "description": "The same as 503, if asked for"},
        422: {"model": Failure, "description": "Asked for another status than these"},
        503: {"model": Failure, "description": "No, for these reasons"},
    },
)
async def ready(request: Request, otherwise: Literal["404", "503"] = "503") -> Response:
    """No while the server stops, when its event loop stood still lately, and when the store takes no durable write.

    The store is asked at most once a second; answers in between repeat what it said. With `otherwise=404` a No has that status,
    by which HAProxy tells a node that should keep the connections it has from one that is gone.
    """
    readiness: Readiness = request.app.state.readiness
    reasons = await readiness.reasons()
    if reasons:
        return failure(int(otherwise), [Problem("not_ready", reason) for reason in reasons])
    return success({"ready": True})


@router.get("/metrics", summary="Figures for Prometheus", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """In Prometheus' text format."""
    collected: Metrics = request.app.state.metrics
    return Response(collected.exposition(), media_type=collected.content_type)
