"""A server library for the Centrifuge client protocol. It knows nothing of chat, storage or settings."""

from __future__ import annotations

from chirpbird.realtime.broker import Broker, BrokerEvents
from chirpbird.realtime.client import Client
from chirpbird.realtime.clock import Clock
from chirpbird.realtime.cluster import (
    NotificationEvent,
    SurveyEvent,
    SurveyIncomplete,
    SurveyReply,
    UnknownNode,
)
from chirpbird.realtime.config import NodeConfig
from chirpbird.realtime.events import (
    ConnectingEvent,
    ConnectReply,
    DisconnectEvent,
    HistoryEvent,
    HistoryReply,
    MessageEvent,
    PresenceEvent,
    PresenceReply,
    PresenceStatsEvent,
    PublishEvent,
    PublishReply,
    RefreshEvent,
    RefreshReply,
    RpcEvent,
    RpcReply,
    SubRefreshEvent,
    SubRefreshReply,
    SubscribeEvent,
    SubscribeReply,
    UnsubscribeEvent,
)
from chirpbird.realtime.history import BatchHistory, History
from chirpbird.realtime.memory_broker import MemoryBroker
from chirpbird.realtime.memory_presence import MemoryPresence
from chirpbird.realtime.node import Node
from chirpbird.realtime.options import PublishOptions, RecoveryMode, SubscribeOptions
from chirpbird.realtime.presence import PresenceEntry, PresenceStore
from chirpbird.realtime.protocol import disconnects, errors
from chirpbird.realtime.protocol.codes import Disconnect, ProtocolError, RealtimeError, Unsubscribe
from chirpbird.realtime.stats import Counters, NodeInfo, NodesInfo, NodeStats
from chirpbird.realtime.types import (
    ClientInfo,
    HistoryResult,
    MaybeAwaitable,
    PresenceStats,
    Publication,
    PublishResult,
    StreamPosition,
)

__all__ = [
    "BatchHistory",
    "Broker",
    "BrokerEvents",
    "Client",
    "ClientInfo",
    "Clock",
    "ConnectReply",
    "ConnectingEvent",
    "Counters",
    "Disconnect",
    "DisconnectEvent",
    "History",
    "HistoryEvent",
    "HistoryReply",
    "HistoryResult",
    "MaybeAwaitable",
    "MemoryBroker",
    "MemoryPresence",
    "MessageEvent",
    "Node",
    "NodeConfig",
    "NodeInfo",
    "NodeStats",
    "NodesInfo",
    "NotificationEvent",
    "PresenceEntry",
    "PresenceEvent",
    "PresenceReply",
    "PresenceStats",
    "PresenceStatsEvent",
    "PresenceStore",
    "ProtocolError",
    "Publication",
    "PublishEvent",
    "PublishOptions",
    "PublishReply",
    "PublishResult",
    "RealtimeError",
    "RecoveryMode",
    "RefreshEvent",
    "RefreshReply",
    "RpcEvent",
    "RpcReply",
    "StreamPosition",
    "SubRefreshEvent",
    "SubRefreshReply",
    "SubscribeEvent",
    "SubscribeOptions",
    "SubscribeReply",
    "SurveyEvent",
    "SurveyIncomplete",
    "SurveyReply",
    "UnknownNode",
    "Unsubscribe",
    "UnsubscribeEvent",
    "disconnects",
    "errors",
]
