"""How requests of Socket.IO are refused: the bodies that clients read."""

from __future__ import annotations

import json

import pytest

from tgext.socketio.engine.server.errors import (
    BAD_REQUEST,
    TEXT,
    UNKNOWN_SID,
    HTTPError,
    engine_error,
    refusal,
)
from tgext.socketio.wire.socketio.generations import SOCKETIO_1, SOCKETIO_4, SOCKETIO_5


@pytest.mark.parametrize("generation", [SOCKETIO_4, SOCKETIO_5, None])
def test_clients_on_engineio_read_a_code(generation: object) -> None:
    error = refusal(generation, UNKNOWN_SID)  # type: ignore[arg-type]
    assert error.status == "400 Bad Request"
    assert json.loads(error.body) == {"code": 1, "message": "Session ID unknown"}
    assert error.headers == [("Content-Type", "application/json")]
    assert error.why == "Session ID unknown"


def test_clients_0_9_read_text() -> None:
    error = refusal(SOCKETIO_1, UNKNOWN_SID)
    assert (error.status, error.body) == ("400 Bad Request", b"Session ID unknown")
    assert error.headers == [TEXT]
    assert error.why == "Session ID unknown"


@pytest.mark.parametrize("generation", [SOCKETIO_1, SOCKETIO_5])
def test_the_log_may_say_more_than_the_client_is_told(generation: object) -> None:
    error = refusal(
        generation,  # type: ignore[arg-type]
        BAD_REQUEST,
        "more than max_message_size",
        "max_message_size",
    )
    assert b"max_message_size" not in error.body
    assert error.why == "more than max_message_size"
    assert error.allow == "max_message_size"


def test_an_error_that_was_logged_is_not_logged_again() -> None:
    assert engine_error(BAD_REQUEST, why=None).why is None
    assert HTTPError("404 Not Found", why=None).why is None


def test_another_status_goes_with_a_code() -> None:
    error = engine_error(BAD_REQUEST, "413 Payload Too Large")
    assert str(error) == error.status == "413 Payload Too Large"
    assert json.loads(error.body)["code"] == 3


def test_a_body_that_is_not_utf_8_is_logged_all_the_same() -> None:
    assert HTTPError("400 Bad Request", b"\xff").why == "\ufffd"
