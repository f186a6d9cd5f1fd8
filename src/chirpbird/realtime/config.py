"""Settings of a node. All times in seconds."""

from __future__ import annotations

import msgspec

__all__ = ["NodeConfig"]


class NodeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Defaults are those of the protocol's reference servers where they have one."""

    name: str = ""
    """For people and metrics; empty: the node's id."""
    version: str = ""
    """Told to clients in the connect result."""

    ping_interval: float = 25.0
    """0 or less: no pings."""
    pong_timeout: float = 10.0
    """Less than the interval. 0 or less: pongs are neither asked for nor minded."""
    stale_timeout: float = 15.0
    """A connection that has not got through its connect command by then is closed."""
    expire_grace: float = 25.0
    """How long an expired connection or subscription may wait for its client's refresh."""
    presence_interval: float = 25.0
    presence_ttl: float = 60.0

    client_channel_limit: int = 128
    """Subscriptions of one client that it asked for itself."""
    channel_max_length: int = 255
    """In characters."""
    command_size_limit: int = 65_536
    """Bytes of one command; transports limit the frames, in which there may be many."""
    client_concurrency: int = 128
    """Requests of one client that handlers work on at a time; further ones wait."""
    client_backlog_bytes: int = 1 << 20
    """Bytes of requests of one client that may wait; beyond, it is disconnected with 3013."""
    write_queue_limit: int = 1 << 20
    """Bytes that a client may lag behind; beyond, it is disconnected with 3008."""
    user_connection_limit: int = 0
    """Connections of one user on this node; 0: any number. Does not bind the anonymous user ""."""

    history_max_limit: int = 300
    """Most publications in one answer to a client's history request."""
    recovery_limit: int = 300
    """Most publications made up for a returning client."""
    position_check_interval: float = 25.0
    position_check_delay: float = 40.0
    """A channel with positioned subscribers that has been quiet for so long is compared with its stream's top."""
    bus_down_check_interval: float = 1.0
    """While the broker says that its bus is down, every positioned channel is compared so often."""
    lost_node_doubt: float = 120.0
    """For how long after a node fell silent it is taken to be cut off from the bus, and to append to streams unheard."""
    lost_node_check_interval: float = 2.0
    """As long as that, every positioned channel is compared so often."""
    node_doubt_after: float = 2.5
    """A node that was not heard of for so long may be cut off, too: channels are compared before it is taken for gone."""
    fill_retry_min: float = 0.05
    fill_retry_max: float = 5.0
    """How long to wait before a failed read of a channel's missing publications is tried again, doubling from min to max."""
    channel_linger: float = 1.0
    """How long the broker stays subscribed to a channel after its last subscriber on this node went."""
    announce_interval: float = 1.0
    """How often a node tells the others that it is there, and what it is doing."""
    node_ttl: float = 7.0
    """A node that was not heard of for so long is taken for gone."""
    survey_timeout: float = 10.0
    """How long the nodes may take to answer a survey."""
    shutdown_timeout: float = 5.0
    """How long ``Node.shutdown`` waits for handlers that are at work."""
