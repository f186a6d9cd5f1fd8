"""What an operator can set: Centrifugo v6's option names, in JSON or YAML."""

from __future__ import annotations

from chirpbird.standalone.config.channel import ChannelNamespace, ChannelOptions, ChannelSection
from chirpbird.standalone.config.client import ClientSection, SubscriptionTokenOptions, TokenOptions
from chirpbird.standalone.config.engine import EngineSection, RedisOptions
from chirpbird.standalone.config.loading import ConfigError, load, parse
from chirpbird.standalone.config.root import Config
from chirpbird.standalone.config.server import HttpApiSection, ListenSection, TlsOptions

__all__ = [
    "ChannelNamespace",
    "ChannelOptions",
    "ChannelSection",
    "ClientSection",
    "Config",
    "ConfigError",
    "EngineSection",
    "HttpApiSection",
    "ListenSection",
    "RedisOptions",
    "SubscriptionTokenOptions",
    "TlsOptions",
    "TokenOptions",
    "load",
    "parse",
]
