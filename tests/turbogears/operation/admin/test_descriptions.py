"""What administrators see, and what they do not see."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire.strategies import MANY, examples
from tgext.socketio.operation.admin.descriptions import (
    ENTRIES,
    HIDDEN,
    TEXT,
    describe,
    endpoint_of,
    moment,
    name_of,
    shown,
    shown_event,
)

from .fakes import FakeSocket


def handshake(**environ: Any) -> dict[str, Any]:
    found: dict[str, Any] = describe(FakeSocket(**environ), "/chat", 0.0, [])[
        "handshake"
    ]
    return found


def test_a_socket() -> None:
    environ = {"REMOTE_ADDR": "192.0.2.1", "HTTP_ORIGIN": "https://a.example"}
    socket = FakeSocket(user="ann", **environ)
    told = describe(socket, "", 1.5, [None, "lobby", 7])
    assert told["nsp"] == "/"
    assert told["rooms"] == ["lobby", 7]
    assert told["data"] == {"user": "ann", "client": "3.x/4.x"}
    assert told["handshake"]["issued"] == 1500
    assert told["handshake"]["time"] == "1970-01-01T00:00:01.500Z"
    assert told["handshake"]["xdomain"] is True
    assert told["handshake"]["address"] == "192.0.2.1"


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("HTTP_COOKIE", "cookie"),
        ("HTTP_AUTHORIZATION", "authorization"),
        ("HTTP_PROXY_AUTHORIZATION", "proxy-authorization"),
        ("HTTP_X_CSRF_TOKEN", "x-csrf-token"),
        ("HTTP_X_API_KEY", "x-api-key"),
    ],
)
def test_headers_that_let_somebody_be_a_user(name: str, header: str) -> None:
    told = handshake(**{name: "swordfish", "HTTP_USER_AGENT": "Mozilla"})
    assert told["headers"] == {header: HIDDEN, "user-agent": "Mozilla"}


def test_parameters_of_applications_and_the_session_id() -> None:
    told = handshake(QUERY_STRING="EIO=4&transport=polling&sid=abc&token=swordfish&a=")
    protocol = {"EIO": "4", "transport": "polling"}
    assert told["query"] == {**protocol, "sid": HIDDEN, "token": HIDDEN, "a": HIDDEN}


def test_too_many_parameters() -> None:
    assert handshake(QUERY_STRING="a=1&" * 1000)["query"] == {}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a" * (TEXT + 1), "a" * TEXT + "…"),
        (b"abc", "(3 bytes)"),
        (float("nan"), "nan"),
        (2**60, hex(2**60)),
        (object(), "(object)"),
        ([[[[[1]]]]], [[[["(1 entries)"]]]]),
        ({"a": {"b": {"c": {"d": {}}}}}, {"a": {"b": {"c": {"d": "(0 entries)"}}}}),
        ("\ud800", "\\ud800"),
    ],
)
def test_values_are_cut(value: Any, expected: Any) -> None:
    assert shown(value) == expected


def test_long_lists_are_cut() -> None:
    assert shown(range(3)) == "(range)"
    assert shown([0] * (ENTRIES + 5)) == [*[0] * ENTRIES, "(and 5 more)"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner)
    ),
    max_leaves=50,
)


@settings(MANY, max_examples=examples(50))
@given(VALUES)
def test_all_values_can_be_sent(value: Any) -> None:
    json.dumps(shown(value), allow_nan=False).encode()


def test_events_and_messages() -> None:
    event: Any = {"type": "event", "name": "say", "args": ("a", [1])}
    assert shown_event(event) == ["say", "a", [1]]
    message: Any = {"type": "message", "data": b"ab"}
    assert shown_event(message) == ["message", "(2 bytes)"]


@pytest.mark.parametrize("endpoint", ["", "/chat", "/a/b"])
def test_names_of_namespaces(endpoint: str) -> None:
    assert endpoint_of(name_of(endpoint)) == endpoint


def test_times() -> None:
    assert moment(1e9) == "2001-09-09T01:46:40.000Z"
