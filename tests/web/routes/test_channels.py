from __future__ import annotations

from typing import Any

import httpx

from chirpbird.chat.errors import StoreFull
from tests.support.memory_store import MemoryStore
from tests.web.conftest import Person


async def create(http: httpx.AsyncClient, person: Person, **body: Any) -> Any:
    response = await http.post("/channels", json=body, headers=person.headers)
    assert response.status_code == 201, response.text
    return response.json()["data"]["channel"]


async def test_creating_and_listing(http: httpx.AsyncClient, ann: Person, bob: Person) -> None:
    made = await create(http, ann, name="plans", isPrivate=True, participants=[bob.id])
    assert made["channel"]["kind"] == "private"
    assert made["channel"]["memberCount"] == 2
    assert made["position"]["offset"] == 1
    assert made["lastMessage"] is None
    listed = await http.get("/channels", headers=bob.headers)
    assert listed.json() == {"data": {"channels": [made | {"role": "member"}]}, "errors": []}


async def test_creating_a_public_one_that_exists_joins_it(
    http: httpx.AsyncClient, ann: Person, bob: Person
) -> None:
    first = await create(http, ann, name="General")
    again = await create(http, bob, name="general")
    assert again["channel"]["id"] == first["channel"]["id"]
    assert again["channel"]["memberCount"] == 2


async def test_a_misspelt_option_is_not_ignored(http: httpx.AsyncClient, ann: Person) -> None:
    response = await http.post("/channels", json={"name": "x", "private": True}, headers=ann.headers)
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"code": "invalid_input", "message": "private is not known here", "field": "private"}
    ]


async def test_searching_public_ones(http: httpx.AsyncClient, ann: Person, bob: Person) -> None:
    await create(http, ann, name="general")
    await create(http, ann, name="secret", isPrivate=True)
    response = await http.get("/channels/public", params={"query": "e"}, headers=bob.headers)
    assert [channel["name"] for channel in response.json()["data"]["channels"]] == ["general"]


async def test_direct_channels(http: httpx.AsyncClient, ann: Person, bob: Person) -> None:
    first = await http.post("/directs", json={"userId": bob.id}, headers=ann.headers)
    second = await http.post("/directs", json={"userId": ann.id}, headers=bob.headers)
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    people = first.json()["data"]["channel"]["channel"]["participants"]
    assert {person["username"] for person in people} == {"ann", "bob"}
    nobody = await http.post("/directs", json={"userId": "nobody"}, headers=ann.headers)
    assert nobody.status_code == 404
    assert nobody.json()["errors"] == [{"code": "not_found", "message": "no such user", "field": "userId"}]


async def test_one_channel_and_its_members(http: httpx.AsyncClient, ann: Person, bob: Person) -> None:
    channel_id = (await create(http, ann, name="general", participants=[bob.id]))["channel"]["id"]
    channel = (await http.get(f"/channels/{channel_id}", headers=ann.headers)).json()["data"]["channel"]
    assert len(channel["participants"]) == 2
    page = await http.get(f"/channels/{channel_id}/members", params={"limit": 1}, headers=ann.headers)
    assert page.json()["data"]["hasMore"]
    [first] = page.json()["data"]["members"]
    page = await http.get(
        f"/channels/{channel_id}/members", params={"after": first["id"]}, headers=ann.headers
    )
    assert not page.json()["data"]["hasMore"]
    assert len(page.json()["data"]["members"]) == 1


async def test_joining_adding_and_leaving(http: httpx.AsyncClient, ann: Person, bob: Person) -> None:
    channel_id = (await create(http, ann, name="general"))["channel"]["id"]
    members = f"/channels/{channel_id}/members"
    joined = await http.post(members, json={"userIds": [bob.id]}, headers=bob.headers)
    assert joined.json()["data"]["channel"]["position"]["offset"] == 2
    left = await http.delete(f"{members}/me", headers=bob.headers)
    assert (left.status_code, left.content) == (204, b"")
    added = await http.post(members, json={"userIds": [bob.id]}, headers=ann.headers)
    assert added.json()["data"]["channel"]["memberCount"] == 2


async def test_a_full_disk(http: httpx.AsyncClient, ann: Person, store: MemoryStore) -> None:
    store.fail(StoreFull("the disk is full"))
    response = await http.post("/channels", json={"name": "x"}, headers=ann.headers)
    assert response.status_code == 507
    assert response.json()["errors"] == [{"code": "store_full", "message": "the disk is full"}]
