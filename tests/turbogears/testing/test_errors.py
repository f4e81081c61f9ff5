"""The texts of the errors."""

from __future__ import annotations

from tgext.socketio.testing import ConnectRefused, EventError, NotReceived


def test_a_refusal_says_what_the_client_is_told() -> None:
    error = ConnectRefused("/queue", "no", {"retry": False})
    assert str(error) == "/queue was refused: no {'retry': False}"
    assert str(ConnectRefused("/", "no", status=401)) == "/ was refused: HTTP 401: no"


def test_a_page_is_cut_in_the_text() -> None:
    error = ConnectRefused("/", "x" * 1000, status=500)
    assert len(str(error)) < 250
    assert len(error.message) == 1000


def test_an_event_error() -> None:
    assert str(EventError("denied", "ask ann")) == "denied: ask ann"


def test_what_has_not_come_is_a_failed_assertion() -> None:
    assert issubclass(NotReceived, AssertionError)
