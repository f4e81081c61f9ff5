"""The error of an invalid request."""

from __future__ import annotations

import pytest

from tgext.socketio.engine.http import errors
from tgext.socketio.engine.http.errors import BodyEnded, RequestError


def test_a_refused_request_is_a_bad_one_unless_it_is_said() -> None:
    error = RequestError("two lengths")
    assert (error.reason, error.status) == ("two lengths", "400 Bad Request")
    assert str(error) == "two lengths"
    assert RequestError("too long", errors.TOO_LONG).status == "414 URI Too Long"


@pytest.mark.parametrize("error", [RequestError("two lengths"), BodyEnded()])
def test_an_application_that_reads_the_body_expects_it(error: RequestError) -> None:
    """WSGI leaves open what ``read`` raises; applications catch an OSError."""
    assert isinstance(error, OSError)
    assert error.begun == b""
