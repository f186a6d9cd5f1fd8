"""The application against its own description: random requests, answered as it says and never with a 500."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chirpbird.chat.limits import ChatLimits
from chirpbird.chat.service import Chat
from chirpbird.web.application import create_app
from tests.support.chat_fakes import FakeClock, PlainHasher
from tests.support.memory_store import MemoryStore

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def make() -> tuple[FastAPI, str, str]:
    """The application, an access token, and the id of a channel that it is good for."""
    often = 1_000_000
    limits = ChatLimits(
        sends_at_once=often,
        sign_ins_per_name=often,
        sign_ins_per_address=often,
        registrations_per_address=often,
        refreshes_per_address=often,
    )
    chat = Chat(store=MemoryStore(), secret=b"s" * 32, clock=FakeClock(), hasher=PlainHasher(), limits=limits)

    async def people() -> tuple[str, str]:
        ann = await chat.accounts.register("ann", "correct horse")
        state = await chat.channels.create(ann.id, "general")
        return chat.tokens.issue(ann.id, "sign-in"), state.channel.id

    token, channel_id = asyncio.run(people())
    return create_app(chat), token, channel_id


APP, TOKEN, CHANNEL_ID = make()
schema = schemathesis.openapi.from_asgi("/openapi.json", APP)


@schema.parametrize()
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_random_requests(case: schemathesis.Case[Any]) -> None:
    parameters = cast(dict[str, object], case.path_parameters)
    if parameters and case.meta is not None and len(str(parameters.get("channel_id"))) % 2:
        parameters["channel_id"] = CHANNEL_ID
    case.call_and_validate(headers={"Authorization": f"Bearer {TOKEN}"}, checks=CHECKS)
