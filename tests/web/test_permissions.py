"""Every route, tried as everybody. A route without an operation, or without an attempt here, fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from chirpbird.chat.permissions import Operation
from chirpbird.chat.service import Chat
from chirpbird.web.application import create_app
from chirpbird.web.authentication import Anyone, Permit
from tests.support.memory_store import MemoryStore
from tests.support.permission_matrix import Answer, Case, Person, World, cases, expected, make_world

NEW_ACCOUNT = {"username": "newcomer", "password": "correct horse"}

Body = Callable[[World], dict[str, Any]]


def nothing(_world: World) -> dict[str, Any]:
    return {}


ATTEMPTS: dict[tuple[str, str], Body] = {
    ("POST", "/users"): lambda _: NEW_ACCOUNT,
    ("GET", "/users/me"): nothing,
    ("GET", "/users"): nothing,
    ("POST", "/sessions"): lambda _: {"username": "member", "password": "correct horse"},
    ("POST", "/sessions/refresh"): nothing,
    ("DELETE", "/sessions/current"): nothing,
    ("GET", "/channels"): nothing,
    ("GET", "/channels/public"): nothing,
    ("GET", "/search"): lambda _: {"query": "anything"},
    ("POST", "/channels"): lambda _: {"name": "another", "isPrivate": True},
    ("POST", "/directs"): lambda world: {"userId": world.bystander.id},
    ("GET", "/channels/{channel_id}"): nothing,
    ("GET", "/channels/{channel_id}/members"): nothing,
    ("POST", "/channels/{channel_id}/members"): lambda world: {"userIds": [world.bystander.id]},
    ("DELETE", "/channels/{channel_id}/members/me"): nothing,
    ("GET", "/channels/{channel_id}/messages"): nothing,
    ("POST", "/channels/{channel_id}/messages"): lambda _: {"data": "hi"},
    ("PATCH", "/channels/{channel_id}/messages/{seq}"): lambda _: {"data": "hey"},
    ("DELETE", "/channels/{channel_id}/messages/{seq}"): nothing,
    ("PUT", "/channels/{channel_id}/messages/{seq}/reactions/{emoji}"): nothing,
    ("DELETE", "/channels/{channel_id}/messages/{seq}/reactions/{emoji}"): nothing,
    ("PUT", "/channels/{channel_id}/messages/{seq}/pin"): nothing,
    ("DELETE", "/channels/{channel_id}/messages/{seq}/pin"): nothing,
    ("GET", "/channels/{channel_id}/messages/{seq}/edits"): nothing,
    ("GET", "/channels/{channel_id}/pins"): nothing,
    ("POST", "/channels/{channel_id}/read"): lambda _: {"seq": 1},
    ("GET", "/channels/{channel_id}/reads"): nothing,
    ("POST", "/channels/{channel_id}/typing"): nothing,
    ("PUT", "/channels/{channel_id}/mute"): lambda _: {"mute": "all"},
    ("GET", "/users/last-seen"): nothing,
    ("DELETE", "/channels/{channel_id}/members/{user_id}"): nothing,
    ("PATCH", "/channels/{channel_id}/members/{user_id}"): lambda _: {"role": "admin"},
    ("PATCH", "/channels/{channel_id}"): lambda _: {"topic": "birds"},
    ("GET", "/ping"): nothing,
    ("HEAD", "/ping"): nothing,
    ("GET", "/health/ready"): nothing,
    ("HEAD", "/health/ready"): nothing,
    ("GET", "/metrics"): nothing,
    ("GET", "/openapi.json"): nothing,
    ("GET", "/docs"): nothing,
    ("GET", "/docs/start.js"): nothing,
}
"""What each route is sent that is in order but for who sends it."""


def all_routes(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from all_routes(included.routes)


def guards(dependant: Dependant) -> Iterator[Operation]:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Permit | Anyone):
            yield dependency.call.operation
        yield from guards(dependency)


def operation_of(route: APIRoute) -> Operation:
    """The operation that a route names. Errors: AssertionError when it names none, or several."""
    found = list(guards(route.dependant))
    assert len(found) == 1, f"{route.methods} {route.path} names {found}, exactly one operation is expected"
    return found[0]


def guarded_routes(app: FastAPI) -> list[tuple[str, str, Operation]]:
    """(method, path template, operation) of everything that the application routes."""
    found = []
    for route in all_routes(app.routes):
        assert isinstance(route, APIRoute), f"{route} cannot name an operation"
        assert route.methods
        found += [(method, route.path, operation_of(route)) for method in sorted(route.methods)]
    return found


ROUTES = guarded_routes(create_app(Chat(store=MemoryStore(), secret=b"s" * 32)))
TRIALS = [
    pytest.param(method, path, case, id=f"{method}-{path}-{case.role}-{case.place}")
    for method, path, operation in ROUTES
    for case in cases([operation])
]


def test_every_route_has_an_attempt() -> None:
    assert {(method, path) for method, path, _ in ROUTES} == set(ATTEMPTS)


def test_a_route_without_an_operation_is_noticed(app: FastAPI) -> None:
    @app.get("/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(AssertionError, match="exactly one operation is expected"):
        guarded_routes(app)


def test_a_guard_of_the_wrong_kind_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="fetch_me is not for anyone"):
        Anyone(Operation.FETCH_ME)
    with pytest.raises(ValueError, match="register is for anyone"):
        Permit(Operation.REGISTER)


@pytest.fixture
async def world(chat: Chat) -> World:
    return await make_world(chat)


async def credentials(method: str, path: str, person: Person | None, chat: Chat) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {person.token}"} if person is not None else {}
    if (method, path) == ("POST", "/sessions/refresh"):
        # Its credential is the refresh token, whoever else one claims to be.
        member = await chat.accounts.sign_in("member", "correct horse")
        headers["Cookie"] = f"chirpbird_refresh={(await chat.sign_ins.start(member)).refresh_token}"
    return headers


@pytest.mark.parametrize(("method", "path", "case"), TRIALS)
async def test_routes_keep_to_the_rules(
    http: httpx.AsyncClient, chat: Chat, world: World, method: str, path: str, case: Case
) -> None:
    person = world.people.get(case.role)
    body = ATTEMPTS[method, path](world)
    response = await http.request(
        method,
        filled(path, world, case),
        json=body or None if method != "GET" else None,
        params=body or None if method == "GET" else None,
        headers=await credentials(method, path, person, chat),
    )
    assert answer(response) is expected(case)


def filled(path: str, world: World, case: Case) -> str:
    path = path.replace("{channel_id}", world.channels.get(case.place, ""))
    path = path.replace("{seq}", str(world.messages.get(case.place, 1)))
    path = path.replace("{user_id}", world.guest.id).replace("{emoji}", "👋")
    return f"{path}?ids={world.guest.id}" if path.endswith("last-seen") else path


def answer(response: httpx.Response) -> Answer:
    if response.is_success:
        return Answer.ALLOWED
    [error] = response.json()["errors"]
    return Answer(error["code"])


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "", "é"])
async def test_forged_tokens_are_nobody(http: httpx.AsyncClient, token: str) -> None:
    response = await http.get("/users/me", headers={b"authorization": f"Bearer {token}".encode()})
    assert answer(response) is Answer.NOT_SIGNED_IN
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("scheme", ["Basic", "bearerx"])
async def test_other_schemes_are_nobody(http: httpx.AsyncClient, world: World, scheme: str) -> None:
    response = await http.get("/users/me", headers={"Authorization": f"{scheme} {world.bystander.token}"})
    assert answer(response) is Answer.NOT_SIGNED_IN


async def test_joining_through_ones_own_id_keeps_to_its_rule(http: httpx.AsyncClient, world: World) -> None:
    for case in cases([Operation.JOIN_CHANNEL]):
        person = world.people.get(case.role)
        response = await http.post(
            f"/channels/{world.channels[case.place]}/members",
            json={"userIds": [person.id if person is not None else world.bystander.id]},
            headers={"Authorization": f"Bearer {person.token}"} if person is not None else {},
        )
        assert answer(response) is expected(case), case
