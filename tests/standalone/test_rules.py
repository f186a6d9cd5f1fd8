"""What channel names say, and who may do what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chirpbird.realtime import ProtocolError, RecoveryMode, SubscribeOptions, errors
from chirpbird.standalone.config import parse
from chirpbird.standalone.grants import Grant, Override, Switch
from chirpbird.standalone.rules import Rules

NAMESPACES: list[dict[str, Any]] = [
    {"name": "news", "presence": True},
    {"name": "open", "allow_subscribe_for_client": True, "allow_subscribe_for_anonymous": True},
    {"name": "known", "allow_subscribe_for_client": True, "allow_user_limited_channels": True},
    {"name": "digits", "channel_regex": "^[0-9]+$"},
    {"name": "umlauts", "channel_regex": "."},
]


def rules(*, insecure: bool = False, **channel: Any) -> Rules:
    return Rules(parse({"client": {"insecure": insecure}, "channel": {"namespaces": NAMESPACES, **channel}}))


RULES = rules()


@pytest.mark.parametrize("channel", ["news:a", "$news:a", "news:", "news:a:b", "$news::"])
def test_the_namespace_is_before_the_boundary(channel: str) -> None:
    assert RULES.find(channel).options.presence


@pytest.mark.parametrize("channel", ["a", "$a", "#a", ":a", "news", "$:a", "news#a"])
def test_others_have_none(channel: str) -> None:
    assert RULES.find(channel) is RULES.find("x")


@pytest.mark.parametrize("channel", ["nothing:a", "$nothing:a", "New:a", "$$news:a"])
def test_namespaces_have_to_exist(channel: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        RULES.find(channel)
    assert caught.value is errors.UNKNOWN_CHANNEL


@pytest.mark.parametrize(
    ("channel", "good"),
    [
        ("a", True),
        ("ä", False),
        ("digits:12", True),
        ("digits:1a", False),
        ("umlauts:ä", True),
        ("", False),
        ("a" * 255, True),
        ("a" * 256, False),
    ],
)
def test_names_of_clients_are_checked(channel: str, good: bool) -> None:
    if good:
        RULES.checked(channel)
        return
    with pytest.raises(ProtocolError) as caught:
        RULES.checked(channel)
    assert caught.value is errors.BAD_REQUEST


@pytest.mark.parametrize(
    ("channel", "user", "may"),
    [
        ("open:a", "", True),
        ("open:a", "ann", True),
        ("$open:a", "ann", False),
        ("news:a", "ann", False),
        ("known:a", "ann", True),
        ("known:a", "", False),
        ("known:a#ann", "ann", True),
        ("known:a#bob,ann", "ann", True),
        ("known:a#bob", "ann", False),
        ("known:a#ann#bob", "ann", False),
        ("known:a#", "", False),
        ("known:a#annabel", "ann", False),
        ("open:a#bob", "ann", True),
        ("$known:a#ann", "ann", False),
    ],
)
def test_who_may_subscribe_without_a_token(channel: str, user: str, may: bool) -> None:
    assert RULES.may_subscribe(RULES.find(channel), channel, user) is may


def test_where_it_is_insecure_everybody_may_but_not_with_private_names() -> None:
    insecure = rules(insecure=True)
    for channel in ("a", "known:a#bob"):
        assert insecure.may_subscribe(insecure.find(channel), channel, "")
    assert not insecure.may_subscribe(insecure.find("$a"), "$a", "")


def test_boundaries_can_be_others_or_none() -> None:
    other = rules(namespace_boundary="/", private_prefix="!", user_boundary="~", user_separator="")
    assert other.find("!news/a").options.presence
    assert other.is_private("!a")
    assert not other.is_private("$a")
    assert other.may_subscribe(other.find("known/a~a,b"), "known/a~a,b", "a,b")
    none = rules(namespace_boundary="", private_prefix="", user_boundary="")
    assert none.find("nothing:a") is none.find("x")
    assert not none.is_private("$a")
    assert none.may_subscribe(none.find("a"), "a", "") is False


@pytest.mark.parametrize("what", ["publish", "presence", "history"])
@pytest.mark.parametrize(
    ("options", "user", "subscribed", "may"),
    [
        ([], "ann", True, False),
        (["client"], "ann", False, True),
        (["client"], "", False, False),
        (["client", "anonymous"], "", False, True),
        (["anonymous"], "", True, False),
        (["subscriber"], "ann", True, True),
        (["subscriber"], "ann", False, False),
        (["subscriber"], "", True, False),
        (["subscriber", "anonymous"], "", True, True),
    ],
)
def test_who_may_do_the_rest(what: str, options: list[str], user: str, subscribed: bool, may: bool) -> None:
    rule = rules(without_namespace={f"allow_{what}_for_{whom}": True for whom in options}).find("a")
    asked = {"publish": rule.may_publish, "presence": rule.may_see_presence, "history": rule.may_see_history}
    assert asked[what](user, subscribed=subscribed) is may
    insecure = rules(insecure=True).find("a")
    assert insecure.may_publish("", subscribed=False)


def test_how_somebody_is_subscribed() -> None:
    rule = rules(
        without_namespace={
            "presence": True,
            "join_leave": True,
            "history_size": 5,
            "history_ttl": "1m",
            "force_recovery": True,
            "force_recovery_mode": "cache",
            "auto_cache_recover": True,
            "allowed_delta_types": ["fossil"],
            "delta_publish": True,
            "allow_tags_filter": True,
        }
    ).find("a")
    expected = SubscribeOptions(
        presence=True,
        join_leave=True,
        recoverable=True,
        recovery_mode=RecoveryMode.CACHE,
        auto_cache_recover=True,
        allowed_delta_types=("fossil",),
        allow_tags_filter=True,
    )
    assert rule.subscription() == expected
    assert rule.subscription() is rule.subscription()
    assert rule.subscription(push_join_leave=True).push_join_leave
    assert (rule.publish.history_size, rule.publish.history_ttl, rule.publish.delta) == (5, 60, True)
    assert rule.publish.history_meta_ttl == 30 * 24 * 3600
    assert (rule.unkept.history_size, rule.unkept.delta) == (0, True)


def test_a_grant_overrides_the_namespace() -> None:
    rule = rules(without_namespace={"presence": True}).find("a")
    on, off = Switch(True), Switch(False)
    everything = Override(
        presence=off, join_leave=on, force_push_join_leave=on, force_recovery=on, force_positioning=on
    )
    assert rule.granted(Grant(b"1", b"2", everything), 5.0) == SubscribeOptions(
        info=b"1",
        data=b"2",
        expire_at=5.0,
        join_leave=True,
        push_join_leave=True,
        recoverable=True,
        positioned=True,
    )
    assert rule.granted(Grant()) == rule.subscription()


@pytest.mark.parametrize(
    ("data_format", "data", "fits"),
    [
        ("", b"\xff", True),
        ("", b"", False),
        ("binary", b"\xff", True),
        ("json", b"5", True),
        ("json", b"{", False),
        ("json", b"\xff", False),
        ("json", b"[" * 5000 + b"]" * 5000, False),
        ("json_object", b' {"a":1}', True),
        ("json_object", b"[]", False),
    ],
)
def test_what_may_be_published(data_format: str, data: bytes, fits: bool) -> None:
    assert rules(publication_data_format=data_format).find("a").data_fits(data) is fits
    own = rules(without_namespace={"publication_data_format": data_format}, publication_data_format="binary")
    assert own.find("a").data_fits(data) is (fits if data_format else bool(data))


def test_personal_channels() -> None:
    assert RULES.personal_channel("ann") == "#ann"
    personal = {"enabled": True, "personal_channel_namespace": "news"}
    config = parse(
        {"client": {"subscribe_to_user_personal_channel": personal}, "channel": {"namespaces": NAMESPACES}}
    )
    assert Rules(config).personal_channel("ann") == "news:#ann"


@given(st.text("a:$#,ä\x00", max_size=12) | st.text(max_size=300), st.text(max_size=5))
def test_any_name_has_a_rule_or_an_error(channel: str, user: str) -> None:
    try:
        rule = RULES.checked(channel)
    except ProtocolError as error:
        assert error in (errors.UNKNOWN_CHANNEL, errors.BAD_REQUEST)  # noqa: PT017 either may come
    else:
        RULES.may_subscribe(rule, channel, user)
