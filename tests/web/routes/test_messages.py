from __future__ import annotations

import httpx
import pytest

from chirpbird.chat.service import Chat
from tests.web.conftest import Person


@pytest.fixture
async def messages(chat: Chat, ann: Person) -> str:
    """The path of a channel's messages."""
    state = await chat.channels.create(ann.id, "general")
    return f"/channels/{state.channel.id}/messages"


async def test_sending_and_reading(http: httpx.AsyncClient, ann: Person, messages: str) -> None:
    sent = await http.post(messages, json={"data": "hi", "key": "k1"}, headers=ann.headers)
    assert sent.status_code == 201
    entry = sent.json()["data"]["message"]
    assert (entry["seq"], entry["type"], entry["data"], entry["key"]) == (2, "message", "hi", "k1")
    assert entry["sender"] == {"id": ann.id, "username": "ann", "name": "ann"}
    page = (await http.get(messages, headers=ann.headers)).json()["data"]
    assert page["messages"][-1] == entry
    assert [each["type"] for each in page["messages"]] == ["created", "message"]
    assert page["position"]["offset"] == 2
    assert not page["hasMore"]


async def test_a_retry_appends_nothing(http: httpx.AsyncClient, ann: Person, messages: str) -> None:
    body = {"data": "hi", "key": "k1"}
    first = await http.post(messages, json=body, headers=ann.headers)
    assert (await http.post(messages, json=body, headers=ann.headers)).json() == first.json()


async def test_paging(http: httpx.AsyncClient, ann: Person, messages: str) -> None:
    for number in range(2, 6):
        await http.post(messages, json={"data": str(number)}, headers=ann.headers)

    async def page(**parameters: int) -> tuple[list[int], bool]:
        data = (await http.get(messages, params=parameters, headers=ann.headers)).json()["data"]
        return [entry["seq"] for entry in data["messages"]], data["hasMore"]

    assert await page(limit=2) == ([4, 5], True)
    assert await page(before=4, limit=2) == ([2, 3], True)
    assert await page(after=3) == ([4, 5], False)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "301"}, "limit"),
        ({"before": "-1"}, "before"),
        ({"after": "x"}, "after"),
        ({"before": "9" * 100}, "before"),
        ({"before": "1", "after": "1"}, "before"),
    ],
)
async def test_bounds_that_do_not_fit(
    http: httpx.AsyncClient, ann: Person, messages: str, parameters: dict[str, str], field: str
) -> None:
    response = await http.get(messages, params=parameters, headers=ann.headers)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


async def test_too_many_at_once(http: httpx.AsyncClient, ann: Person, messages: str) -> None:
    for _ in range(20):
        assert (await http.post(messages, json={"data": "hi"}, headers=ann.headers)).status_code == 201
    response = await http.post(messages, json={"data": "hi"}, headers=ann.headers)
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")


async def test_text_that_cannot_be_said(http: httpx.AsyncClient, ann: Person, messages: str) -> None:
    for body in (
        b'{"data": "\\ud800"}',
        b'{"data": "\\u0000"}',
        b'{"data": " "}',
        b'{"data": 5}',
        b'{"data": null}',
    ):
        response = await http.post(
            messages, content=body, headers=ann.headers | {"Content-Type": "application/json"}
        )
        assert response.status_code == 422, body
        assert response.json()["errors"][0]["field"] == "data"
