from __future__ import annotations

import pytest

from chirpbird.chat.entities import User
from chirpbird.chat.errors import NotSignedIn, StoreFull
from chirpbird.chat.service import Chat
from tests.chat.conftest import Register
from tests.support.chat_fakes import FakeClock
from tests.support.memory_store import MemoryStore

DAY = 24 * 3600


@pytest.fixture
async def ann(register: Register) -> User:
    return await register("ann")


async def test_signing_in_gives_both_tokens(chat: Chat, ann: User) -> None:
    signed_in = await chat.sign_ins.start(ann)
    assert chat.tokens.verify(signed_in.access_token).user_id == ann.id
    assert (signed_in.expires_in, signed_in.refresh_expires_in) == (600, 30 * DAY)


async def test_refreshing_swaps_the_tokens_and_stays_one_sign_in(chat: Chat, ann: User) -> None:
    first = await chat.sign_ins.start(ann)
    second = await chat.sign_ins.refresh(first.refresh_token)
    assert second.refresh_token != first.refresh_token
    assert second.user == ann
    sign_ins = {chat.tokens.verify(each.access_token).sign_in for each in (first, second)}
    assert len(sign_ins) == 1


async def test_on_a_full_disk_the_refresh_token_stays_and_the_access_token_is_new(
    chat: Chat, store: MemoryStore, ann: User, clock: FakeClock
) -> None:
    first = await chat.sign_ins.start(ann)
    used = await chat.sign_ins.start(ann)
    await chat.sign_ins.refresh(used.refresh_token)
    store.fail(StoreFull("the disk is full"))
    clock.forward(DAY)
    for _ in range(2):
        again = await chat.sign_ins.refresh(first.refresh_token)
        assert again.refresh_token == first.refresh_token
        assert chat.tokens.verify(again.access_token).user_id == ann.id
        assert again.refresh_expires_in == 29 * DAY
    for refused in (used.refresh_token, "unknown"):
        with pytest.raises(StoreFull):
            await chat.sign_ins.refresh(refused)
    store.fail(None)
    assert (await chat.sign_ins.refresh(first.refresh_token)).refresh_token != first.refresh_token


async def test_a_used_token_works_for_the_grace_time(chat: Chat, ann: User, clock: FakeClock) -> None:
    first = await chat.sign_ins.start(ann)
    await chat.sign_ins.refresh(first.refresh_token)
    clock.forward(30)
    await chat.sign_ins.refresh(first.refresh_token)


async def test_a_token_used_again_later_ends_the_sign_in(chat: Chat, ann: User, clock: FakeClock) -> None:
    first = await chat.sign_ins.start(ann)
    second = await chat.sign_ins.refresh(first.refresh_token)
    clock.forward(31)
    for token in (first.refresh_token, second.refresh_token):
        with pytest.raises(NotSignedIn):
            await chat.sign_ins.refresh(token)


async def test_a_device_that_stays_away_is_signed_out(chat: Chat, ann: User, clock: FakeClock) -> None:
    signed_in = await chat.sign_ins.start(ann)
    clock.forward(30 * DAY)
    with pytest.raises(NotSignedIn):
        await chat.sign_ins.refresh(signed_in.refresh_token)


async def test_a_device_that_comes_back_stays_signed_in(chat: Chat, ann: User, clock: FakeClock) -> None:
    signed_in = await chat.sign_ins.start(ann)
    for _ in range(3):
        clock.forward(29 * DAY)
        signed_in = await chat.sign_ins.refresh(signed_in.refresh_token)


async def test_signing_out_ends_this_device_only(chat: Chat, ann: User) -> None:
    phone, laptop = await chat.sign_ins.start(ann), await chat.sign_ins.start(ann)
    await chat.sign_ins.end(phone.refresh_token)
    await chat.sign_ins.end(phone.refresh_token)
    with pytest.raises(NotSignedIn):
        await chat.sign_ins.refresh(phone.refresh_token)
    await chat.sign_ins.refresh(laptop.refresh_token)


@pytest.mark.parametrize("token", ["", "never issued", "x" * 100_000, "\ud800"])
async def test_what_is_no_token_is_refused(chat: Chat, token: str) -> None:
    with pytest.raises(NotSignedIn):
        await chat.sign_ins.refresh(token)
    await chat.sign_ins.end(token)
