"""What every presence store promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chirpbird.realtime import ClientInfo, PresenceStats, PresenceStore
from chirpbird.realtime.core import settled

if TYPE_CHECKING:
    from tests.realtime.contract.conftest import Later

ANNA_1 = ClientInfo("anna", "c1", b'{"n":1}', b"2")
ANNA_2 = ClientInfo("anna", "c2")
BERT = ClientInfo("bert", "c3")


async def test_who_is_put_is_there(presence: PresenceStore) -> None:
    await settled(presence.put([("ch", ANNA_1), ("ch", ANNA_2), ("ch", BERT), ("other", BERT)], 60))
    assert await presence.get("ch") == {"c1": ANNA_1, "c2": ANNA_2, "c3": BERT}
    assert await presence.stats("ch") == PresenceStats(num_clients=3, num_users=2)
    assert await presence.get("other") == {"c3": BERT}


async def test_nobody_is_in_an_unknown_channel(presence: PresenceStore) -> None:
    assert await presence.get("ch") == {}
    assert await presence.stats("ch") == PresenceStats(0, 0)


async def test_who_is_removed_is_gone(presence: PresenceStore) -> None:
    await settled(presence.put([("ch", ANNA_1), ("ch", BERT)], 60))
    await settled(presence.remove("ch", ANNA_1))
    assert await presence.get("ch") == {"c3": BERT}
    await settled(presence.remove("ch", ANNA_1))
    await settled(presence.remove("ch", BERT))
    await settled(presence.remove("never heard of", BERT))
    assert await presence.get("ch") == {}


async def test_who_is_not_put_again_goes(presence: PresenceStore, later: Later) -> None:
    await settled(presence.put([("ch", ANNA_1), ("ch", BERT)], 60))
    await later(40)
    await settled(presence.put([("ch", BERT)], 60))
    await later(30)
    assert await presence.get("ch") == {"c3": BERT}
    assert await presence.stats("ch") == PresenceStats(1, 1)
    await later(30)
    assert await presence.stats("ch") == PresenceStats(0, 0)


async def test_the_last_put_counts(presence: PresenceStore) -> None:
    await settled(presence.put([("ch", ClientInfo("anna", "c1", b"1"))], 60))
    await settled(presence.put([("ch", ClientInfo("anna", "c1", b"2"))], 60))
    assert (await presence.get("ch"))["c1"].conn_info == b"2"
