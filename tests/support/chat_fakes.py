"""A clock moved by hand, a hasher that costs nothing, an audience that remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chirpbird.chat.entities import Membership, Unread, User

__all__ = ["FakeClock", "PlainHasher", "RecordingAudience"]


class FakeClock:
    """Stands still until told to move."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = self._start_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return (self._now_ms - self._start_ms) / 1000

    def forward(self, seconds: float) -> None:
        self._now_ms += round(seconds * 1000)


class PlainHasher:
    """Hashes are ``plain:`` and the password. Counts how often it was asked to verify."""

    decoy = "decoy"

    def __init__(self, prefix: str = "plain") -> None:
        self.prefix = prefix
        self.verified: list[str] = []

    async def hash(self, password: str) -> str:
        return f"{self.prefix}:{password}"

    async def verify(self, password_hash: str, password: str) -> bool:
        self.verified.append(password_hash)
        return password_hash.partition(":")[2] == password and password_hash != self.decoy

    def is_outdated(self, password_hash: str) -> bool:
        return not password_hash.startswith(f"{self.prefix}:")


class RecordingAudience:
    """Keeps what it was told, in order: ("gained" or "lost", channel id, sorted user ids)."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, list[str]]] = []
        self.reads: list[tuple[str, str, int, Unread]] = []
        self.others_read: list[tuple[str, dict[str, int], list[str]]] = []
        self.mutes: list[Membership] = []
        self.writing: list[tuple[str, str, list[str]]] = []

    async def channel_gained(self, user_ids: Sequence[str], channel_id: str) -> None:
        self.told.append(("gained", channel_id, sorted(user_ids)))

    async def channel_lost(self, user_ids: Sequence[str], channel_id: str) -> None:
        self.told.append(("lost", channel_id, sorted(user_ids)))

    async def channel_changed(self, channel_id: str) -> None:
        self.told.append(("changed", channel_id, []))

    async def read_moved(self, user_id: str, channel_id: str, seq: int, unread: Unread) -> None:
        self.reads.append((user_id, channel_id, seq, unread))

    async def read_by(self, channel_id: str, reads: Mapping[str, int], members: Sequence[str]) -> None:
        self.others_read.append((channel_id, dict(reads), sorted(members)))

    async def muted(self, membership: Membership) -> None:
        self.mutes.append(membership)

    async def typing(self, user: User, channel_id: str, members: Sequence[str]) -> None:
        self.writing.append((user.username, channel_id, sorted(members)))
