"""The options of brokers: unknown ones, types, bounds."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.backends.errors import BackendOptionError
from tgext.socketio.backends.options import PORT, TEXT, read_options
from tgext.socketio.engine.hub.options import SECONDS_OR_0

KINDS = {"port": PORT, "password": TEXT, "heartbeat": SECONDS_OR_0}


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("port", "1", 1),
        ("port", "65535", 65535),
        ("port", 6379, 6379),
        ("password", "12 345", "12 345"),
        ("password", "", ""),
        ("password", 12345, "12345"),
        ("heartbeat", "0", 0.0),
        ("heartbeat", 0, 0.0),
        ("heartbeat", "1.5", 1.5),
    ],
)
def test_what_is_read(name: str, given: Any, value: Any) -> None:
    assert read_options("a", KINDS, {name: given}) == {name: value}


def test_what_is_not_set_is_not_read() -> None:
    assert read_options("a", KINDS, {"port": None}) == {}


@pytest.mark.parametrize(
    ("name", "given", "problem"),
    [
        ("port", "0", "0 is not greater than 0"),
        ("port", "65536", "65536 is more than 65535"),
        ("port", True, "True is not a whole number"),
        ("port", float("inf"), "inf is not a whole number"),
        ("heartbeat", False, "False is not a number"),
        ("heartbeat", "-1", "-1.0 is not greater than 0"),
        ("heartbeat", "nan", "nan is not greater than 0"),
        ("heartbeat", "inf", "inf is more than 1000000"),
    ],
)
def test_what_is_invalid_is_named(name: str, given: Any, problem: str) -> None:
    with pytest.raises(BackendOptionError) as raised:
        read_options("a", KINDS, {name: given})
    assert str(raised.value) == f"anypubsub.{name}: {problem}"
    assert raised.value.name == f"anypubsub.{name}"


def test_an_unknown_option_is_named_with_those_that_there_are() -> None:
    with pytest.raises(BackendOptionError) as raised:
        read_options("a", KINDS, {"prot": "1"})
    assert str(raised.value) == (
        "anypubsub.prot: is not an option of the a backend (did you mean "
        "anypubsub.port?); there are: heartbeat, password, port"
    )
