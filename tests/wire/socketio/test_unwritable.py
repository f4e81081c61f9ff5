"""An error names the value that cannot be written as JSON: its place and its type."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tgext.socketio.wire import json as own
from tgext.socketio.wire.socketio.unwritable import explain


class Ticket:
    pass


class Failing:
    """Its own method for JSON has a fault."""


def of_application(value: Any) -> Any:
    if isinstance(value, Failing):
        raise TypeError("a fault of the application")
    raise TypeError(f"Object of type {type(value).__name__}")


def explained(args: list[Any], dumps: Any = own.dumps) -> str | None:
    with pytest.raises(TypeError) as raised:
        dumps(["name", *args])
    found = explain(raised.value, "event 'a'", args, dumps)
    return None if found is None else str(found)


TICKET = (
    f"{__name__}.Ticket, which cannot be written as JSON. Send a dict, or give the "
)


@pytest.mark.parametrize("dumps", [own.dumps, own.py_dumps, json.dumps])
@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([Ticket()], f"event 'a': argument 1 is of the type {TICKET}"),
        ([1, "x", Ticket()], f"argument 3 is of the type {TICKET}"),
        ([{"a": [0, {"b": Ticket()}]}], f"argument 1, at ['a'][1]['b'], is of {'the'}"),
        ([1, {1, 2}], "argument 2 is of the type set, which cannot be"),
        ([(1, object())], "argument 1, at [1], is of the type object,"),
        ([{(1, 2): 3}], "argument 1 is of the type dict, which cannot be written as"),
    ],
)
def test_it_names_the_argument(dumps: Any, args: list[Any], message: str) -> None:
    said = explained(args, dumps)
    assert said is not None
    assert message in said


def test_bytes_are_for_the_generations_of_clients_to_decide_about() -> None:
    """Most receive them; others have a message of their own."""
    assert explained([1, b"x"]) is None
    assert "argument 2 is of the type set" in (explained([b"x", {1}]) or "")


def test_a_coroutine_is_that_of_an_async_handler() -> None:
    async def handler() -> None: ...

    made = handler()
    try:
        said = explained([made])
    finally:
        made.close()
    assert "type coroutine" in (said or "")
    assert "define the handler with def, not async def" in (said or "")


def test_a_fault_of_the_application_is_not_explained() -> None:
    """Its traceback shows where it is."""
    assert explained([Failing()], own.dumper(of_application)) is None


def test_it_ends_for_what_is_very_deep() -> None:
    value: Any = Ticket()
    for _ in range(100):
        value = [value]
    assert "argument 1, at [0][0]" in (explained([value]) or "")


def test_what_is_too_deep_to_be_looked_at_is_not_explained() -> None:
    value: Any = []
    for _ in range(60_000):
        value = [value]
    assert explained([value]) is None
