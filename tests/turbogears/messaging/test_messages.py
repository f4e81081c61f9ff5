"""Messages of channels as text, with bytes and without."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tgext.socketio.messaging.messages import read, write
from tgext.socketio.wire.errors import InvalidJSON


@pytest.mark.parametrize("message", [None, 1, "binary x", [{"a": "é"}], {"b": [1.5]}])
def test_without_bytes_it_is_plain_json(message: Any) -> None:
    text = write(message, "news")
    assert json.loads(text) == message
    assert read(text) == read(text.encode()) == read(bytearray(text, "utf")) == message


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x00\xff",
        {"a": [b"1", {"b": b"2"}], "c": "text", "d": b"1"},
        [b"x" * 10_000],
        {"_placeholder": 5, "x": b"y"},
    ],
)
def test_bytes_come_back_as_bytes(message: Any) -> None:
    text = write(message, "news")
    expected = message
    if isinstance(message, dict):
        # Clients would take it for a place of bytes.
        expected = {key: message[key] for key in message if key != "_placeholder"}
    assert read(text) == read(text.encode()) == expected
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(text)


def test_other_types_of_bytes() -> None:
    assert read(write([bytearray(b"1"), memoryview(b"2")], "news")) == [b"1", b"2"]


@pytest.mark.parametrize("levels", [990, 1_100, 2_000])
def test_bytes_may_be_far_inside(levels: int) -> None:
    deep: Any = b"bytes"
    for _ in range(levels):
        deep = [deep]
    found = read(write(deep, "news"))
    for _ in range(levels):
        [found] = found
    assert found == b"bytes"


class Faulty:
    def __json__(self) -> Any:
        raise TypeError("a fault of the application")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (object(), "the message is of the type object, which cannot be written as"),
        ({"a": 1, "b": [object()]}, "the message, at ['b'][0], is of the type object,"),
        ({"a": b"1", "b": object()}, "the message, at ['b'], is of the type object,"),
        ({b"k": 1}, "the message is of the type dict, which cannot be written as"),
    ],
)
def test_other_values_are_refused(message: Any, said: str) -> None:
    with pytest.raises(TypeError) as refused:
        write(message, "news")
    assert str(refused.value).startswith(f"channel 'news': {said}")
    assert refused.value.__suppress_context__


def test_a_fault_of_the_application_is_raised_as_it_is() -> None:
    with pytest.raises(TypeError, match=r"^a fault of the application$"):
        write([Faulty()], "news")


@pytest.mark.parametrize(
    "data",
    [
        *("", "x", "{", b"\xff", None, 5, "binary ", "binary x", "binary []"),
        *('binary {"message": 1}', 'binary {"message": 1, "binary": 5}'),
        'binary {"message": 1, "binary": ["?"]}',
        'binary {"message": {"_placeholder": true, "num": 1}, "binary": ["YQ=="]}',
        'binary {"message": [{"_placeholder":true,"num":0},'
        '{"_placeholder":true,"num":0}], "binary": ["YQ=="]}',
    ],
)
def test_what_is_invalid_is_refused(data: Any) -> None:
    with pytest.raises(InvalidJSON):
        read(data)
