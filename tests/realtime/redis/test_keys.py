from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chirpbird.realtime.redis.keys import Keys, slot_of

KEYS = Keys("birds")


def test_slots_are_those_of_redis() -> None:
    # From Redis's own documentation of the hash: the checksum of "123456789" is 0x31C3.
    assert slot_of(b"123456789") == 0x31C3
    assert slot_of(b"{user1000}.following") == slot_of(b"{user1000}.followers") == slot_of(b"user1000")
    assert slot_of(b"foo{}{bar}") != slot_of(b"bar")
    assert slot_of(b"foo{{bar}}zap") == slot_of(b"{bar")


@given(st.text(), st.text())
def test_all_keys_of_a_channel_are_in_its_slot_whatever_it_is_called(channel: str, key: str) -> None:
    name = KEYS.channel(channel)
    assert KEYS.name(name) == channel
    keys = [KEYS.stream(name), KEYS.meta(name), KEYS.result(name, key), *KEYS.presence(name)]
    assert {slot_of(one) for one in keys} == {slot_of(name)}
    assert len({*keys, name}) == len(keys) + 1


@given(st.text(), st.text(), st.text(), st.text())
def test_no_two_channels_share_a_key(one: str, other: str, key: str, another: str) -> None:
    first, second = KEYS.channel(one), KEYS.channel(other)
    if one != other:
        mine = {KEYS.stream(first), KEYS.meta(first), KEYS.result(first, key), *KEYS.presence(first)}
        theirs = {
            KEYS.stream(second),
            KEYS.meta(second),
            KEYS.result(second, another),
            *KEYS.presence(second),
        }
        assert not mine & theirs
