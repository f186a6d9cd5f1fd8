from __future__ import annotations

from chirpbird.chat.errors import InvalidInput
from chirpbird.web.envelope import Problem, failure, problem, success


def test_success() -> None:
    response = success({"ready": True}, status=201)
    assert response.status_code == 201
    assert response.body == b'{"data":{"ready":true},"errors":[]}'
    assert response.media_type == "application/json"


def test_failure() -> None:
    response = failure(422, [problem(InvalidInput("too long", field="name")), Problem("x", "y")])
    assert response.body == (
        b'{"data":null,"errors":[{"code":"invalid_input","message":"too long","field":"name"},'
        b'{"code":"x","message":"y"}]}'
    )
