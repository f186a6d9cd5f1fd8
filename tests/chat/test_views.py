from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from chirpbird.chat import views
from chirpbird.chat.entities import Channel, ChannelKind, Entry, EntryKind, User

ANN = User(
    id="U1",
    username="ann",
    name="Ann Lee",
    password_hash="secret",
    created_at=1_700_000_000_007,
    updated_at=0,
)
BOB = User(id="U2", username="bob", name="Bob", password_hash="secret", created_at=0, updated_at=0)
CHANNEL = Channel(
    id="C1",
    kind=ChannelKind.PUBLIC,
    name="general",
    creator_id="U1",
    epoch="e",
    created_at=0,
    updated_at=1_700_000_000_250,
    member_count=2,
)


def entry(kind: EntryKind = EntryKind.MESSAGE, *, text: str = "", key: str = "") -> Entry:
    return Entry(
        channel_id="C1",
        seq=3,
        kind=kind,
        sender_id="U1",
        key=key,
        text=text,
        members=(),
        created_at=1_700_000_000_007,
        message_number=1,
    )


def test_times_are_rfc_3339_with_milliseconds() -> None:
    assert views.timestamp(0) == "1970-01-01T00:00:00.000Z"
    assert views.timestamp(1_700_000_000_007) == "2023-11-14T22:13:20.007Z"


def test_a_message() -> None:
    rendered = views.render_entry(entry(text="hi 😀", key="k1"), ANN, CHANNEL)
    assert json.loads(rendered) == {
        "id": "C1.3",
        "seq": 3,
        "type": "message",
        "sender": {"id": "U1", "username": "ann", "name": "Ann Lee"},
        "channel": {"id": "C1", "name": "general"},
        "createdAt": "2023-11-14T22:13:20.007Z",
        "data": "hi 😀",
        "key": "k1",
    }


def test_a_message_without_a_key_has_none() -> None:
    assert "key" not in json.loads(views.render_entry(entry(text="hi"), ANN, CHANNEL))


def test_an_entry_about_members() -> None:
    rendered = json.loads(views.render_entry(entry(EntryKind.JOINED), ANN, CHANNEL, [BOB]))
    assert rendered["type"] == "joined"
    assert rendered["members"] == [{"id": "U2", "username": "bob", "name": "Bob"}]
    assert rendered.keys() == {"id", "seq", "type", "sender", "channel", "createdAt", "members"}


def test_a_user_without_secrets() -> None:
    assert json.loads(views.encode(views.user_view(ANN))) == {
        "id": "U1",
        "username": "ann",
        "name": "Ann Lee",
        "createdAt": "2023-11-14T22:13:20.007Z",
        "updatedAt": "1970-01-01T00:00:00.000Z",
    }


def test_a_channel_with_and_without_participants() -> None:
    bare = json.loads(views.encode(views.channel_view(CHANNEL)))
    assert bare == {
        "id": "C1",
        "kind": "public",
        "name": "general",
        "topic": "",
        "isPrivate": False,
        "creatorId": "U1",
        "createdAt": "1970-01-01T00:00:00.000Z",
        "updatedAt": "2023-11-14T22:13:20.250Z",
        "memberCount": 2,
    }
    full = json.loads(views.encode(views.channel_view(CHANNEL, [ANN, BOB])))
    assert [person["username"] for person in full["participants"]] == ["ann", "bob"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_was_said_comes_out_as_it_went_in(text: str) -> None:
    assert json.loads(views.render_entry(entry(text=text), ANN, CHANNEL))["data"] == text
