"""The API over HTTP: the key, the methods, their errors, and bodies of any kind."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chirpbird.standalone.api import requests
from chirpbird.standalone.api.endpoint import MAX_BODY
from tests.support.standalone import API_KEY, Box, sign

KEY = {"X-API-Key": API_KEY}
CHANNELS: dict[str, Any] = {
    "without_namespace": {
        "presence": True,
        "history_size": 10,
        "history_ttl": "60s",
        "allow_subscribe_for_client": True,
    },
    "namespaces": [
        {"name": "plain", "allow_subscribe_for_client": True},
        {"name": "object", "publication_data_format": "json_object"},
    ],
}


@pytest.fixture
async def box() -> AsyncIterator[Box]:
    async with Box(channel=CHANNELS) as box:
        yield box


def failed(code: int) -> dict[str, Any]:
    messages = {
        100: "internal server error",
        102: "unknown channel",
        104: "method not found",
        107: "bad request",
        108: "not available",
        112: "unrecoverable position",
    }
    return {"error": {"code": code, "message": messages[code]}}


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        (KEY, "", 200),
        ({"Authorization": f"apikey {API_KEY}"}, "", 200),
        ({"Authorization": f"ApiKey  {API_KEY}"}, "", 200),
        ({}, f"?api_key={API_KEY}", 200),
        ({"X-API-Key": "wrong"}, f"?api_key={API_KEY}", 200),
        ({}, "", 401),
        ({"X-API-Key": ""}, "", 401),
        ({"X-API-Key": "wrong"}, "", 401),
        ({"X-API-Key": "wrong", "Authorization": f"apikey {API_KEY}"}, "", 401),
        ({"Authorization": f"Bearer {API_KEY}"}, "", 401),
        ({"Authorization": "apikey"}, "", 401),
        ({}, "?api_key=%ff", 401),
        ({}, "?api_key=", 401),
    ],
)
async def test_the_key(box: Box, headers: dict[str, str], query: str, status: int) -> None:
    async with box.http(**headers) as http:
        assert (await http.post(f"/api/info{query}", json={})).status_code == status


async def test_without_a_key_nobody_but_where_it_is_open_everybody() -> None:
    async with Box(http_api={"key": ""}) as closed, closed.http(**{"X-API-Key": ""}) as http:
        assert (await http.post("/api/info", json={})).status_code == 401
    async with Box(http_api={"insecure": True}) as box, box.http() as http:
        assert (await http.post("/api/info", json={})).status_code == 200


async def test_what_is_not_there(box: Box) -> None:
    async with box.http(**KEY) as http:
        assert (await http.post("/api/nothing", json={})).status_code == 404
        assert (await http.get("/api/info")).status_code == 405
        assert (await http.get("/health")).status_code == 404
    async with Box(http_api={"disabled": True}) as without, without.http(**KEY) as http:
        assert (await http.post("/api/info", json={})).status_code == 404
    async with Box(http_api={"handler_prefix": "/inner/api"}) as moved, moved.http(**KEY) as http:
        assert (await http.post("/inner/api/info", json={})).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"5", b"\xff", b'{"channel":5}', b'{"tags":{"a":1}}', b"[" * 100_000, b'{"version":-1}'],
)
async def test_what_cannot_be_read(box: Box, body: bytes) -> None:
    async with box.http(**KEY) as http:
        response = await http.post("/api/publish", content=body)
    assert (response.status_code, response.text[:11]) == (400, "bad request")


async def test_no_body_is_an_empty_one(box: Box) -> None:
    async with box.http(**KEY) as http:
        assert (await http.post("/api/info")).json()["result"]["nodes"]


async def test_a_body_has_a_limit(box: Box) -> None:
    async with box.http(**KEY) as http:
        response = await http.post("/api/publish", content=b" " * (MAX_BODY + 1))
    assert response.status_code == 413


async def test_errors_may_be_statuses(box: Box) -> None:
    async with box.http(**KEY, **{"X-Centrifugo-Error-Mode": "transport"}) as http:
        for body, status in (({"channel": "nothing:a"}, 404), ({}, 400), ({"channel": "plain:a"}, 400)):
            assert (await http.post("/api/history", json=body)).status_code == status
        since = {"channel": "a", "limit": 1, "since": {"offset": 1, "epoch": "other"}}
        assert (await http.post("/api/history", json=since)).status_code == 416
    async with Box(http_api={"error_mode": "transport"}) as always, always.http(**KEY) as http:
        assert (await http.post("/api/presence", json={"channel": "a"})).status_code == 400


async def test_a_failure_is_an_internal_error_and_is_counted(
    box: Box, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_channel: str) -> None:
        raise ConnectionError("the store is away")

    monkeypatch.setattr(box.broker, "remove_history", fail)
    assert await box.call("history_remove", channel="a") == failed(100)
    assert "the store is away" in caplog.text


# Methods


async def test_publish(box: Box) -> None:
    ann = await box.user("ann")
    await ann.subscribe("a")
    first = (await box.call("publish", channel="a", data={"x": 1}, tags={"t": "1"}))["result"]
    assert first["offset"] == 1
    assert (await box.call("publish", channel="a", data=None))["result"]["offset"] == 2
    assert (await box.call("publish", channel="a", b64data="NQ=="))["result"]["offset"] == 3
    assert [(pub.get("data"), pub.get("tags")) for pub in ann.pubs("a")] == [
        ({"x": 1}, {"t": "1"}),
        (None, None),
        (5, None),
    ]


async def test_publish_once_and_in_versions(box: Box) -> None:
    for _ in range(2):
        result = (await box.call("publish", channel="a", data=1, idempotency_key="k"))["result"]
        assert result["offset"] == 1
    for version, offset in ((5, 2), (5, 2), (4, 2), (6, 3)):
        await box.call("publish", channel="a", data=version, version=version)
        assert (await box.call("history", channel="a"))["result"]["offset"] == offset


async def test_publish_past_history(box: Box) -> None:
    ann = await box.user("ann")
    await ann.subscribe("a")
    assert (await box.call("publish", channel="a", data=1, skip_history=True))["result"] == {}
    assert [pub["data"] for pub in ann.pubs("a")] == [1]
    assert (await box.call("history", channel="a", limit=5))["result"]["publications"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"data": 1}, 107),
        ({"channel": "a"}, 107),
        ({"channel": "a", "b64data": "?"}, 107),
        ({"channel": "a" * 256, "data": 1}, 107),
        ({"channel": "nothing:a", "data": 1}, 102),
        ({"channel": "object:a", "data": 1}, 107),
    ],
)
async def test_publications_that_are_refused(box: Box, body: dict[str, Any], code: int) -> None:
    assert await box.call("publish", **body) == failed(code)


async def test_broadcast(box: Box) -> None:
    answer = await box.call("broadcast", channels=["a", "", "nothing:a", "plain:b", "object:a"], data=1)
    responses = answer["result"]["responses"]
    assert responses[0]["result"]["offset"] == 1
    assert responses[1:] == [failed(107), failed(102), {"result": {}}, failed(107)]
    assert await box.call("broadcast", data=1) == failed(107)
    many = await box.call("broadcast", channels=[f"c{number}" for number in range(600)], data=1)
    assert len(many["result"]["responses"]) == 600


async def test_a_broadcast_goes_on_where_one_channel_fails(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    publish = box.broker.publish

    async def fail() -> None:
        raise ConnectionError

    monkeypatch.setattr(
        box.broker, "publish", lambda channel, *rest: fail() if channel == "b" else publish(channel, *rest)
    )
    responses = (await box.call("broadcast", channels=["a", "b", "c"], data=1))["result"]["responses"]
    assert ["result" in response for response in responses] == [True, False, True]
    assert responses[1] == failed(100)


async def test_subscribe_and_unsubscribe(box: Box) -> None:
    ann = await box.user("ann")
    override = {"presence": {"value": True}, "force_recovery": {"value": False}}
    body = {"user": "ann", "channel": "plain:a", "data": {"d": 1}, "info": {"i": 1}, "override": override}
    assert await box.call("subscribe", **body) == {"result": {}}
    [told] = ann.told()
    assert told["push"] == {"channel": "plain:a", "subscribe": {"data": {"d": 1}}}
    assert await box.call("unsubscribe", user="ann", channel="plain:a") == {"result": {}}
    [told] = ann.told()
    assert told["push"]["unsubscribe"]["code"] == 2000
    await ann.subscribe("a")
    assert await box.call("unsubscribe", user="ann", channel="") == {"result": {}}
    assert ann.told()[0]["push"]["channel"] == "a"
    assert await box.call("subscribe", user="ann") == failed(107)
    assert await box.call("subscribe", user="ann", channel="nothing:a") == failed(102)
    assert await box.call("subscribe", user="ann", channel="a", b64data="?") == failed(107)
    assert await box.call("unsubscribe", user="ann", channel="nothing:a") == failed(102)


async def test_subscribe_from_a_position(box: Box) -> None:
    ann = await box.user("ann")
    first = (await box.call("publish", channel="a", data=1))["result"]
    await box.call("publish", channel="a", data=2)
    await box.call(
        "subscribe",
        user="ann",
        channel="a",
        recover_since=first,
        override={"force_recovery": {"value": True}},
    )
    told = ann.told()
    assert [message["push"].get("pub", {}).get("data") for message in told] == [None, 2]


async def test_disconnect(box: Box) -> None:
    first, second = await box.user("ann"), box.peer()
    whitelist = [(await second.connect(sign(sub="ann")))["client"]]
    told = {"code": 4001, "reason": "elsewhere"}
    assert await box.call("disconnect", user="ann", disconnect=told, whitelist=whitelist) == {"result": {}}
    assert (first.ended, second.ended) == ((4001, "elsewhere"), None)
    await box.call("disconnect", user="ann")
    assert second.ended == (3503, "force disconnect")
    for bad in ({"code": 1, "reason": "x"}, {"code": 4000, "reason": "x" * 200}):
        assert await box.call("disconnect", user="ann", disconnect=bad) == failed(107)


async def test_refresh(box: Box) -> None:
    ann, bob = await box.user("ann"), await box.user("bob")
    now = int(box.clock.time())
    assert await box.call("refresh", user="ann", expire_at=now + 30) == {"result": {}}
    assert ann.told()[0]["push"]["refresh"] == {"expires": True, "ttl": 30}
    assert await box.call("refresh", user="bob", expired=True) == {"result": {}}
    assert bob.ended == (3005, "connection expired")


async def test_presence(box: Box) -> None:
    ann = await box.user("ann", info={"n": 1})
    await ann.subscribe("a")
    presence = (await box.call("presence", channel="a"))["result"]["presence"]
    [(client, info)] = presence.items()
    assert info == {"user": "ann", "client": client, "conn_info": {"n": 1}}
    stats = await box.call("presence_stats", channel="a")
    assert stats == {"result": {"num_clients": 1, "num_users": 1}}
    for method in ("presence", "presence_stats"):
        assert await box.call(method, channel="empty") in (
            {"result": {"presence": {}}},
            {"result": {"num_clients": 0, "num_users": 0}},
        )
        assert await box.call(method, channel="plain:a") == failed(108)
        assert await box.call(method) == failed(107)


async def test_history(box: Box) -> None:
    for number in range(1, 6):
        await box.call("publish", channel="a", data=number)
    top = (await box.call("history", channel="a"))["result"]
    assert (top["publications"], top["offset"]) == ([], 5)

    async def page(**body: Any) -> list[int]:
        result = (await box.call("history", channel="a", **body))["result"]
        return [pub["data"] for pub in result["publications"]]

    assert await page(limit=-1) == [1, 2, 3, 4, 5]
    assert await page(limit=2, reverse=True) == [5, 4]
    assert await page(limit=2, since={"offset": 2, "epoch": top["epoch"]}) == [3, 4]
    assert await box.call("history", channel="a", limit=1, since={"offset": 2, "epoch": "x"}) == failed(112)
    assert await box.call("history", channel="a", limit=1, since={}, reverse=True) == failed(107)
    assert await box.call("history", channel="plain:a") == failed(108)
    assert await box.call("history_remove", channel="a") == {"result": {}}
    assert (await page(limit=-1), (await box.call("history", channel="a"))["result"]["offset"]) == ([], 5)
    assert await box.call("history_remove", channel="plain:a") == failed(108)


async def test_what_is_not_json_is_told_in_base64(box: Box) -> None:
    await box.call("publish", channel="a", b64data="/w==")
    [publication] = (await box.call("history", channel="a", limit=1))["result"]["publications"]
    assert publication == {"data": None, "offset": 1, "b64data": "/w=="}
    ann = await box.user("ann", b64info="/w==")
    await ann.subscribe("a")
    [info] = (await box.call("presence", channel="a"))["result"]["presence"].values()
    assert (info.get("conn_info"), info["b64conn_info"]) == (None, "/w==")


async def test_channels_and_info(box: Box) -> None:
    ann = await box.user("ann")
    await ann.subscribe("a")
    await ann.subscribe("plain:a")
    assert (await box.call("channels"))["result"]["channels"] == {
        "a": {"num_clients": 1},
        "plain:a": {"num_clients": 1},
    }
    assert list((await box.call("channels", pattern="plain:*"))["result"]["channels"]) == ["plain:a"]
    [node] = (await box.call("info"))["result"]["nodes"]
    assert (node["num_clients"], node["num_users"], node["num_channels"], node["num_subs"]) == (1, 1, 2, 2)
    assert node["metrics"]["items"]["connections"] == 1


async def test_rpc_has_no_methods(box: Box) -> None:
    assert await box.call("rpc", method="x") == failed(104)


@pytest.mark.parametrize("parallel", [False, True])
async def test_batch(box: Box, parallel: bool) -> None:
    commands: list[dict[str, Any] | None] = [
        {"publish": {"channel": "a", "data": 1}},
        {"publish": {"channel": "nothing:a", "data": 1}},
        {"presence_stats": {"channel": "a"}},
        {"unknown": {}},
        None,
        {"info": {}},
    ]
    replies = (await box.call("batch", commands=commands, parallel=parallel))["replies"]
    assert replies[0]["publish"]["offset"] == 1
    assert replies[1:5] == [
        failed(102),
        {"presence_stats": {"num_clients": 0, "num_users": 0}},
        failed(104),
        failed(107),
    ]
    assert replies[5]["info"]["nodes"]
    assert await box.call("batch") == {"replies": []}


async def test_a_batch_has_a_limit(box: Box) -> None:
    async with box.http(**KEY) as http:
        body: dict[str, Any] = {"commands": [{}] * (requests.MAX_BATCH + 1)}
        assert (await http.post("/api/batch", json=body)).status_code == 400


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_METHODS = sorted({field.name for field in msgspec.structs.fields(requests.Command)} | {"batch"})
_FIELDS = sorted(
    {
        "commands",
        "parallel",
        "channels",
        "pattern",
        "disconnect",
        "whitelist",
        "recover_since",
        "override",
        "since",
    }
    | {field.name for field in msgspec.structs.fields(requests.PublishRequest)}
    | {field.name for field in msgspec.structs.fields(requests.HistoryRequest)}
    | {field.name for field in msgspec.structs.fields(requests.RefreshRequest)}
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(_METHODS), st.dictionaries(st.sampled_from(_FIELDS), _json, max_size=5))
async def test_any_request_has_a_defined_answer(method: str, body: dict[str, Any]) -> None:
    async with Box(channel=CHANNELS) as box, box.http(**KEY) as http:
        response = await http.post(f"/api/{method}", content=json.dumps(body).encode())
        assert response.status_code in (200, 400)
        if response.status_code == 200:
            answer = response.json()
            assert set(answer) <= {"result", "error", "replies"}
            assert answer.get("error", {}).get("code") != 100
