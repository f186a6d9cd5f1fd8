from __future__ import annotations

import pytest

from chirpbird.chat.entities import Channel, ChannelKind, Role
from chirpbird.chat.errors import ChatError, NotFound, NotPermitted, NotSignedIn
from chirpbird.chat.permissions import RULES, Operation, Rule, check


def channel(kind: ChannelKind) -> Channel:
    return Channel(id="C", kind=kind, name="", creator_id="U", epoch="e", created_at=0, updated_at=0)


def test_every_operation_has_a_rule() -> None:
    assert set(RULES) == set(Operation)


def outcome(operation: Operation, *, kind: ChannelKind | None, is_member: bool) -> type[ChatError] | None:
    try:
        check(
            operation,
            user_id="U",
            channel=None if kind is None else channel(kind),
            role=Role.MEMBER if is_member else None,
        )
    except ChatError as error:
        return type(error)
    return None


@pytest.mark.parametrize("operation", [o for o in Operation if RULES[o] is not Rule.ANYONE])
def test_only_what_is_for_anyone_works_without_a_token(operation: Operation) -> None:
    with pytest.raises(NotSignedIn):
        check(operation, user_id=None, channel=channel(ChannelKind.PUBLIC), role=Role.OWNER, owner_id="")


@pytest.mark.parametrize("operation", [o for o in Operation if RULES[o] is Rule.ANYONE])
def test_what_is_for_anyone_works_without_a_token(operation: Operation) -> None:
    check(operation, user_id=None)


PUBLIC, PRIVATE, DIRECT = ChannelKind.PUBLIC, ChannelKind.PRIVATE, ChannelKind.DIRECT


@pytest.mark.parametrize(
    ("rule", "kind", "is_member", "expected"),
    [
        (Rule.MEMBER, PUBLIC, True, None),
        (Rule.MEMBER, PUBLIC, False, NotPermitted),
        (Rule.MEMBER, PRIVATE, True, None),
        (Rule.MEMBER, PRIVATE, False, NotFound),
        (Rule.MEMBER, DIRECT, True, None),
        (Rule.MEMBER, DIRECT, False, NotFound),
        (Rule.MEMBER, None, False, NotFound),
        (Rule.MEMBER_OF_GROUP, PUBLIC, True, None),
        (Rule.MEMBER_OF_GROUP, PUBLIC, False, NotPermitted),
        (Rule.MEMBER_OF_GROUP, PRIVATE, True, None),
        (Rule.MEMBER_OF_GROUP, PRIVATE, False, NotFound),
        (Rule.MEMBER_OF_GROUP, DIRECT, True, NotPermitted),
        (Rule.MEMBER_OF_GROUP, DIRECT, False, NotFound),
        (Rule.MEMBER_OR_PUBLIC, PUBLIC, True, None),
        (Rule.MEMBER_OR_PUBLIC, PUBLIC, False, None),
        (Rule.MEMBER_OR_PUBLIC, PRIVATE, True, None),
        (Rule.MEMBER_OR_PUBLIC, PRIVATE, False, NotFound),
        (Rule.MEMBER_OR_PUBLIC, DIRECT, False, NotFound),
        (Rule.MEMBER_OR_PUBLIC, None, False, NotFound),
    ],
)
def test_rules_about_channels(
    rule: Rule, kind: ChannelKind | None, is_member: bool, expected: type[ChatError] | None
) -> None:
    operations = [operation for operation in Operation if RULES[operation] is rule]
    assert operations
    for operation in operations:
        assert outcome(operation, kind=kind, is_member=is_member) is expected


def test_ones_own_is_ones_own() -> None:
    check(Operation.SUBSCRIBE_PERSONAL, user_id="U", owner_id="U")
    with pytest.raises(NotPermitted):
        check(Operation.SUBSCRIBE_PERSONAL, user_id="U", owner_id="V")
    with pytest.raises(NotPermitted):
        check(Operation.SUBSCRIBE_PERSONAL, user_id="U")


def test_a_channel_that_is_not_there_and_one_that_is_hidden_look_the_same() -> None:
    with pytest.raises(NotFound) as absent:
        check(Operation.FETCH_MESSAGES, user_id="U", channel=None)
    with pytest.raises(NotFound) as hidden:
        check(Operation.FETCH_MESSAGES, user_id="U", channel=channel(PRIVATE))
    assert str(absent.value) == str(hidden.value)
