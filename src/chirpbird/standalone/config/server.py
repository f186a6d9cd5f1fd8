"""Options of the port and of what is served on it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from chirpbird.standalone.config.values import Duration, Off, Path, Section

__all__ = [
    "AdminSection",
    "EmulationSection",
    "HealthSection",
    "HttpApiSection",
    "HttpStreamSection",
    "ListenSection",
    "LogSection",
    "NodeSection",
    "NotServed",
    "PingMethod",
    "PrometheusSection",
    "RpcSection",
    "ShutdownSection",
    "SseSection",
    "TlsOptions",
    "UniHttpStreamSection",
    "UniSseSection",
    "UniWebSocketSection",
    "UsageStatsSection",
    "WebSocketSection",
]

_Size = Annotated[int, Field(ge=1024, le=1 << 30)]


class TlsOptions(Section):
    """Certificate and key: each the path of a file in PEM, or its text."""

    enabled: bool = False
    cert_pem: str = ""
    key_pem: str = ""

    @model_validator(mode="after")
    def _complete(self) -> TlsOptions:
        if self.enabled and not (self.cert_pem and self.key_pem):
            raise ValueError("enabled needs cert_pem and key_pem")
        return self


class ListenSection(Section):
    """``http_server``"""

    address: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    tls: TlsOptions = TlsOptions()


class LogSection(Section):
    """``log``"""

    level: Literal["none", "trace", "debug", "info", "warn", "error"] = "info"


class WebSocketSection(Section):
    """``websocket``"""

    disabled: bool = False
    handler_prefix: Path = "/connection/websocket"
    message_size_limit: _Size = 65_536
    compression: Off = False


class HttpStreamSection(Section):
    """``http_stream``"""

    enabled: bool = False
    handler_prefix: Path = "/connection/http_stream"
    max_request_body_size: _Size = 65_536


class SseSection(Section):
    """``sse``"""

    enabled: bool = False
    handler_prefix: Path = "/connection/sse"
    max_request_body_size: _Size = 65_536


class EmulationSection(Section):
    """``emulation``: where clients of ``http_stream`` and ``sse`` send."""

    handler_prefix: Path = "/emulation"
    max_request_body_size: _Size = 65_536


class UniWebSocketSection(Section):
    """``uni_websocket``"""

    enabled: bool = False
    handler_prefix: Path = "/connection/uni_websocket"
    message_size_limit: _Size = 65_536
    compression: Off = False


class UniHttpStreamSection(Section):
    """``uni_http_stream``"""

    enabled: bool = False
    handler_prefix: Path = "/connection/uni_http_stream"
    max_request_body_size: _Size = 65_536


class UniSseSection(Section):
    """``uni_sse``"""

    enabled: bool = False
    handler_prefix: Path = "/connection/uni_sse"
    max_request_body_size: _Size = 65_536


class HttpApiSection(Section):
    """``http_api``"""

    disabled: bool = False
    handler_prefix: Path = "/api"
    key: str = ""
    insecure: bool = False
    error_mode: Literal["", "transport"] = ""


class HealthSection(Section):
    """``health``"""

    enabled: bool = False
    handler_prefix: Path = "/health"


class PrometheusSection(Section):
    """``prometheus``"""

    enabled: bool = False
    handler_prefix: Path = "/metrics"


class AdminSection(Section):
    """``admin``. There is no admin page; what was set for one may stay in the file."""

    enabled: Off = False
    handler_prefix: str = ""
    password: str = ""
    secret: str = ""
    insecure: bool = False
    external: bool = False


class NotServed(Section):
    """A part of Centrifugo that is not here, switched off."""

    enabled: Off = False


class UsageStatsSection(Section):
    """``usage_stats``: none are sent, whatever this says."""

    disabled: bool = True


class PingMethod(Section):
    """An RPC method that does nothing."""

    enabled: bool = False
    method: Annotated[str, Field(min_length=1)] = "ping"


class RpcSection(Section):
    """``rpc``"""

    ping: PingMethod = PingMethod()


class NodeSection(Section):
    """``node``"""

    name: str = ""


class ShutdownSection(Section):
    """``shutdown``"""

    timeout: Duration = 30.0
