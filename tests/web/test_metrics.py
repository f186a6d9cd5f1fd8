from __future__ import annotations

import httpx
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from chirpbird.chat.service import Chat
from chirpbird.web.application import create_app
from chirpbird.web.metrics import Metrics
from tests.web.conftest import Person


async def test_labels_are_templates_and_few(chat: Chat, ann: Person) -> None:
    metrics = Metrics()
    app = create_app(chat, metrics=metrics)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://chat.test") as http:
        for number in range(3):
            await http.get(f"/channels/channel{number}/messages", headers=ann.headers)
            await http.get(f"/nowhere/{number}")
            await http.request(f"MADE-UP-{number}", "/ping")
    figures = metrics.exposition().decode()
    route = "/channels/{channel_id}/messages"
    assert f'requests_total{{method="GET",route="{route}",status="404"}} 3.0' in figures
    assert f'request_seconds_count{{method="GET",route="{route}"}} 3.0' in figures
    assert 'requests_total{method="GET",route="other",status="404"} 3.0' in figures
    assert 'method="other"' in figures
    assert "nowhere" not in figures
    assert "MADE-UP" not in figures


def test_figures_of_others_can_be_added() -> None:
    class Engine(Collector):
        def collect(self) -> list[GaugeMetricFamily]:
            return [GaugeMetricFamily("chirpbird_channels", "Channels.", value=7)]

    metrics = Metrics()
    metrics.gauge("clients", "Connected clients.", lambda: 5)
    metrics.register(Engine())
    figures = metrics.exposition().decode()
    assert "chirpbird_clients 5.0" in figures
    assert "chirpbird_channels 7.0" in figures
