"""The auth payload of a client that is back."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.recovery.auth import pid_of, without_pid

PID = "x" * 22


@pytest.mark.parametrize(
    ("auth", "shown"),
    [
        (None, None),
        ({}, {}),
        ({"pid": 5, "offset": 3}, {"pid": 5, "offset": 3}),
        ({"pid": "own", "offset": 3}, {"pid": "own", "offset": 3}),
        ({"pid": PID, "offset": "e-1"}, None),
        ({"pid": PID, "token": "t"}, {"token": "t"}),
    ],
)
def test_the_auth_payload_without_what_is_recovery_s(auth: Any, shown: Any) -> None:
    assert without_pid(auth) == shown


@pytest.mark.parametrize(
    "auth",
    [None, "x" * 22, {"pid": "x" * 23}, {"pid": "\ud800" * 22}, {"pid": 5}, {}],
)
def test_no_pid(auth: Any) -> None:
    assert pid_of(auth) == ""


def test_a_pid() -> None:
    assert pid_of({"pid": PID}) == PID
