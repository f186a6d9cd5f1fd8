"""All options together."""

from __future__ import annotations

from pydantic import model_validator

from chirpbird.standalone.config import server
from chirpbird.standalone.config.channel import ChannelSection
from chirpbird.standalone.config.client import ClientSection
from chirpbird.standalone.config.engine import EngineSection
from chirpbird.standalone.config.values import Section

__all__ = ["Config"]


class Config(Section):
    """A whole configuration. It is consistent in itself; whether files, ports and servers that it names are there, starting
    will show."""

    http_server: server.ListenSection = server.ListenSection()
    log: server.LogSection = server.LogSection()
    node: server.NodeSection = server.NodeSection()
    engine: EngineSection = EngineSection()
    client: ClientSection = ClientSection()
    channel: ChannelSection = ChannelSection()
    rpc: server.RpcSection = server.RpcSection()
    http_api: server.HttpApiSection = server.HttpApiSection()
    websocket: server.WebSocketSection = server.WebSocketSection()
    http_stream: server.HttpStreamSection = server.HttpStreamSection()
    sse: server.SseSection = server.SseSection()
    emulation: server.EmulationSection = server.EmulationSection()
    uni_websocket: server.UniWebSocketSection = server.UniWebSocketSection()
    uni_http_stream: server.UniHttpStreamSection = server.UniHttpStreamSection()
    uni_sse: server.UniSseSection = server.UniSseSection()
    health: server.HealthSection = server.HealthSection()
    prometheus: server.PrometheusSection = server.PrometheusSection()
    shutdown: server.ShutdownSection = server.ShutdownSection()
    admin: server.AdminSection = server.AdminSection()
    swagger: server.NotServed = server.NotServed()
    debug: server.NotServed = server.NotServed()
    grpc_api: server.NotServed = server.NotServed()
    uni_grpc: server.NotServed = server.NotServed()
    webtransport: server.NotServed = server.NotServed()
    graphite: server.NotServed = server.NotServed()
    opentelemetry: server.NotServed = server.NotServed()
    usage_stats: server.UsageStatsSection = server.UsageStatsSection()

    @model_validator(mode="after")
    def _fit(self) -> Config:
        problems = [*self._personal_problems(), *self._path_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _personal_problems(self) -> list[str]:
        personal = self.client.subscribe_to_user_personal_channel
        if not personal.enabled:
            return []
        wanted = personal.personal_channel_namespace
        options = next(
            (namespace for namespace in self.channel.namespaces if namespace.name == wanted),
            None if wanted else self.channel.without_namespace,
        )
        where = "client.subscribe_to_user_personal_channel"
        if options is None:
            return [f"{where}.personal_channel_namespace is {wanted!r}, expected the name of a namespace"]
        if personal.single_connection and not options.presence:
            return [f"{where}.single_connection needs presence in the namespace of personal channels"]
        return []

    def _path_problems(self) -> list[str]:
        """Two things cannot be at one path."""
        taken: dict[str, str] = {}
        problems = []
        for name, path in self.paths().items():
            if path in taken:
                problems.append(
                    f"{name} and {taken[path]} are both served at {path}, expected different paths"
                )
            taken[path] = name
        return problems

    def listening_on(self, host: str | None, port: int | None) -> Config:
        """With another address or port, where given."""
        given = {name: value for name, value in (("address", host), ("port", port)) if value is not None}
        return self.model_copy(update={"http_server": self.http_server.model_copy(update=given)})

    def paths(self) -> dict[str, str]:
        """What is served, by its section's name, and where."""
        paths = {}
        if not self.websocket.disabled:
            paths["websocket"] = self.websocket.handler_prefix
        if not self.http_api.disabled:
            paths["http_api"] = self.http_api.handler_prefix
        if self.http_stream.enabled or self.sse.enabled:
            paths["emulation"] = self.emulation.handler_prefix
        for name in _SWITCHED:
            section = getattr(self, name)
            if section.enabled:
                paths[name] = section.handler_prefix
        return paths


_SWITCHED = ("http_stream", "sse", "uni_websocket", "uni_http_stream", "uni_sse", "health", "prometheus")
