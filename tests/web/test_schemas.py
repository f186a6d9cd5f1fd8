"""The models that describe answers, held against real answers."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
from pydantic import BaseModel

from chirpbird.chat import views
from chirpbird.chat.service import Chat
from chirpbird.web import schemas
from tests.web.conftest import Person


@pytest.mark.parametrize(
    ("view", "model"),
    [
        (views.UserView, schemas.UserModel),
        (views.PersonView, schemas.PersonModel),
        (views.ChannelView, schemas.ChannelModel),
        (views.ChannelRef, schemas.ChannelRefModel),
        (views.EntryView, schemas.EntryModel),
        (views.PositionView, schemas.PositionModel),
        (views.ChannelStateView, schemas.ChannelStateModel),
        (views.MembersView, schemas.MembersAnswer),
        (views.MessagesView, schemas.MessagesAnswer),
    ],
)
def test_models_name_what_the_views_send(view: type[msgspec.Struct], model: type[BaseModel]) -> None:
    sent = {field.encode_name for field in msgspec.structs.fields(view)}
    assert sent == {field.alias or name for name, field in model.model_fields.items()}


async def test_real_answers_fit_the_models(
    http: httpx.AsyncClient, chat: Chat, ann: Person, bob: Person
) -> None:
    channel_id = (await chat.channels.create(ann.id, "general", participants=[bob.id])).channel.id
    await chat.channels.open_direct(ann.id, bob.id)
    await chat.messages.send_checked(ann.id, channel_id, "hi", "k1")

    async def data(path: str) -> Any:
        return (await http.get(path, headers=ann.headers)).json()["data"]

    for path, model in (
        ("/users/me", schemas.UserAnswer),
        ("/users", schemas.UsersAnswer),
        ("/channels", schemas.ChannelStatesAnswer),
        ("/channels/public", schemas.ChannelsAnswer),
        ("/search?query=hi", schemas.SearchAnswer),
        (f"/channels/{channel_id}", schemas.ChannelAnswer),
        (f"/channels/{channel_id}/members", schemas.MembersAnswer),
        (f"/channels/{channel_id}/messages", schemas.MessagesAnswer),
        ("/health/ready", schemas.Ready),
    ):
        model.model_validate(await data(path), strict=True)


def test_passwords_do_not_show_in_representations() -> None:
    body = schemas.Credentials(username="ann", password="hunter2")
    assert "hunter2" not in repr(body)
