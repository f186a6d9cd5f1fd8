from __future__ import annotations

import argon2
import pytest

from chirpbird.chat.passwords import Argon2Hasher


@pytest.fixture
def hasher() -> Argon2Hasher:
    return Argon2Hasher(memory_kib=64, passes=1)


async def test_a_password_fits_its_hash_and_no_other(hasher: Argon2Hasher) -> None:
    stored = await hasher.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert await hasher.verify(stored, "correct horse")
    assert not await hasher.verify(stored, "correct hors")


async def test_the_same_password_hashes_differently_each_time(hasher: Argon2Hasher) -> None:
    assert await hasher.hash("correct horse") != await hasher.hash("correct horse")


async def test_a_hash_that_cannot_be_read_fits_nothing(hasher: Argon2Hasher) -> None:
    assert not await hasher.verify("plain text", "plain text")
    assert not await hasher.verify("", "")


async def test_the_decoy_costs_what_a_hash_costs_and_fits_nothing(hasher: Argon2Hasher) -> None:
    stored = await hasher.hash("correct horse")
    assert argon2.extract_parameters(hasher.decoy) == argon2.extract_parameters(stored)
    assert not await hasher.verify(hasher.decoy, "")


async def test_hashes_of_other_costs_are_outdated(hasher: Argon2Hasher) -> None:
    stored = await hasher.hash("correct horse")
    assert not hasher.is_outdated(stored)
    assert Argon2Hasher(memory_kib=128, passes=1).is_outdated(stored)
