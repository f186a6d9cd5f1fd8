"""Health, metrics, and nothing that is not switched on."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.standalone import Box


async def test_health_and_metrics() -> None:
    async with Box(health={"enabled": True}, prometheus={"enabled": True}) as box, box.http() as http:
        assert (await http.get("/health")).json() == {}
        ann = await box.user("ann")
        await box.call("publish", channel="nothing:a", data=1)
        await box.call("info")
        assert (await http.post("/api/info")).status_code == 401
        ann.connection.close(1000, "")
        found = {
            sample.name + "".join(sample.labels.values()): sample.value
            for family in text_string_to_metric_families((await http.get("/metrics")).text)
            for sample in family.samples
        }
    assert found["chirpbird_realtime_clients"] == 1
    assert found["chirpbird_realtime_connections_total"] == 1
    assert found["chirpbird_realtime_api_calls_total102publish"] == 1
    assert found["chirpbird_realtime_api_calls_total0info"] == 1


async def test_what_is_off_is_not_there() -> None:
    async with Box() as box, box.http() as http:
        for path in ("/health", "/metrics", "/", "/admin"):
            assert (await http.get(path)).status_code == 404


async def test_paths_can_be_others() -> None:
    async with Box(health={"enabled": True, "handler_prefix": "/up"}) as box, box.http() as http:
        assert (await http.get("/up")).status_code == 200


@pytest.mark.parametrize("transport", ["uni_http_stream", "uni_sse"])
async def test_streams_are_served_where_they_are_switched_on(transport: str) -> None:
    body = {"token": "not a token"}
    async with Box(**{transport: {"enabled": True}}) as box, box.http() as http:
        answer = await http.post(f"/connection/{transport}", json=body)
        assert (answer.status_code, "invalid token" in answer.text) == (200, True)
    async with Box() as box, box.http() as http:
        assert (await http.post(f"/connection/{transport}", json=body)).status_code == 404


async def test_emulation_comes_with_the_streams_that_need_it() -> None:
    async with Box(sse={"enabled": True}) as box, box.http() as http:
        body = {"node": box.node.id, "session": "unknown", "data": ""}
        assert (await http.post("/emulation", json=body)).status_code in (204, 400)
    async with Box(uni_sse={"enabled": True}) as box, box.http() as http:
        assert (await http.post("/emulation", json={})).status_code == 404


async def test_foreign_pages_are_kept_out() -> None:
    allowed = {"allowed_origins": ["https://a.example"]}
    async with Box(client=allowed, uni_sse={"enabled": True}) as box:
        for origin, status in (("https://a.example", 200), ("https://b.example", 403)):
            async with box.http(Origin=origin) as http:
                answer = await http.post("/connection/uni_sse", json={"token": "x"})
                assert answer.status_code == status
