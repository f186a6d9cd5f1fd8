from __future__ import annotations

from chirpbird.chat.errors import NotFound, StoreFull
from chirpbird.web.responses import answers
from chirpbird.web.schemas import Failure, UserAnswer


def test_success_and_refusals_are_listed() -> None:
    responses = answers(UserAnswer, NotFound, StoreFull, status=201)
    assert set(responses) == {201, 400, 401, 404, 413, 422, 503, 507}
    assert responses[404]["model"] is Failure


def test_answers_without_content_and_without_a_token() -> None:
    assert set(answers(None, signed_in=False)) == {400, 413, 422, 503}
