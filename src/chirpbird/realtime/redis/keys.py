"""Names of keys and channels in Redis. All of a channel's are in one slot of a cluster, as Lua needs them to be."""

from __future__ import annotations

from binascii import crc_hqx
from hashlib import blake2b

__all__ = ["SLOTS", "Keys", "slot_of"]

SLOTS = 16384


class Keys:
    """Under one prefix. Channels' names may be any text: braces in them do no harm, as the tag is never empty."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix.encode()
        self._channel = f"{prefix}:{{c:"
        self._skip = len(self._channel.encode())
        self.version = f"{prefix}:version".encode()
        """Which layout the keys have."""
        self.control = f"{prefix}:control".encode()
        """The channel on which nodes talk to each other."""

    def channel(self, name: str) -> bytes:
        """The PUB/SUB channel."""
        return f"{self._channel}{name}}}".encode()

    def name(self, channel: bytes) -> str:
        """Whose PUB/SUB channel it is."""
        return channel[self._skip : -1].decode()

    def stream(self, channel: bytes) -> bytes:
        """Kept publications. This and the others take the PUB/SUB channel."""
        return channel + b":stream"

    def meta(self, channel: bytes) -> bytes:
        """The stream's position."""
        return channel + b":meta"

    def result(self, channel: bytes, key: str) -> bytes:
        """What a publication with an idempotency key got."""
        # Hashed, so that what clients choose cannot be mistaken for the end of another key.
        return b"%b:result:%b" % (channel, blake2b(key.encode(), digest_size=16).hexdigest().encode())

    def presence(self, channel: bytes) -> list[bytes]:
        """When each client's entry runs out, each client's info, and how many clients each user has."""
        return [channel + b":until", channel + b":clients", channel + b":users"]


def slot_of(key: bytes) -> int:
    """The slot of a cluster that a key or sharded channel belongs to."""
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return crc_hqx(key, 0) % SLOTS
