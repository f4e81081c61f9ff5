"""Deeply nested JSON is read and written; circular values are refused."""

from __future__ import annotations

import sys
from threading import Event, Thread

import pytest

from tgext.socketio.wire import depth
from tgext.socketio.wire import json as wire_json
from tgext.socketio.wire.depth import MORE, deep, deepest
from tgext.socketio.wire.errors import InvalidJSON, PacketError
from tgext.socketio.wire.socketio import v5 as socketio_5
from tgext.socketio.wire.socketio.binary import Reassembler, take_out

DEPTH = 2400


def nested(depth: int, core: str = "1", key: bool = False) -> str:
    begin, end = ('{"a":', "}") if key else ("[", "]")
    return begin * depth + core + end * depth


@pytest.mark.parametrize("key", [False, True])
@pytest.mark.parametrize("loads", [wire_json.loads, wire_json.py_loads])
@pytest.mark.parametrize("dumps", [wire_json.dumps, wire_json.py_dumps])
def test_thousands_of_levels(
    loads: wire_json.Loads, dumps: wire_json.Dumps, key: bool
) -> None:
    text = nested(DEPTH, key=key)
    assert dumps(loads(text)) == text


@pytest.mark.parametrize("key", [False, True])
@pytest.mark.parametrize("loads", [wire_json.loads, wire_json.py_loads])
def test_a_hundred_thousand_levels(loads: wire_json.Loads, key: bool) -> None:
    limit = sys.getrecursionlimit()
    with pytest.raises(InvalidJSON):
        loads(nested(100_000, key=key))
    assert sys.getrecursionlimit() == limit


def test_what_is_too_deep_to_be_written() -> None:
    value: object = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(TypeError, match="nested too deep"):
        wire_json.dumps(value)
    with pytest.raises(TypeError, match="nested too deep"):
        take_out(value, [])


def test_bytes_that_are_deep() -> None:
    text = nested(DEPTH, '{"_placeholder":true,"num":0}')
    packet = socketio_5.decode(f'51-["a",{text}]')
    whole = Reassembler(packet).add(b"data")
    assert whole is not None
    attachments: list[bytes] = []
    assert wire_json.dumps(take_out(whole["args"], attachments)) == f"[{text}]"
    assert attachments == [b"data"]


def test_bytes_that_are_too_deep() -> None:
    value: object = {"_placeholder": True, "num": 0}
    for _ in range(100_000):
        value = [value]
    with pytest.raises(PacketError, match="nested too deep"):
        Reassembler({"args": value, "attachments": 1}).add(b"data")


def test_a_bound_that_was_raised_is_lowered_again() -> None:
    limit = sys.getrecursionlimit()
    with pytest.raises(ZeroDivisionError):
        deep(lambda: 1 // 0)
    assert sys.getrecursionlimit() == limit


def test_calls_that_end_in_another_order_leave_the_limit() -> None:
    """A function of the application that is called may wait."""
    limit = sys.getrecursionlimit()
    limits: list[int] = []

    def inside(begun: Event, end: Event) -> None:
        limits.append(sys.getrecursionlimit())
        begun.set()
        end.wait()
        limits.append(sys.getrecursionlimit())

    calls = []
    for _ in range(3):
        begun, end = Event(), Event()
        calls.append((end, Thread(target=deep, args=(inside, begun, end))))
        calls[-1][1].start()
        begun.wait()
    for end, call in calls:
        end.set()
        call.join()
    assert sys.getrecursionlimit() == limit
    assert set(limits) == {limit + MORE}


def stuck() -> str:
    raise RecursionError


def test_python_does_what_c_code_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depth, "C_HAS_ITS_OWN", True)
    assert deepest(lambda: "C", stuck) == "C"
    assert deepest(stuck, lambda: "Python") == "Python"
    with pytest.raises(RecursionError):
        deepest(stuck, stuck)


def test_python_does_not_try_what_has_one_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would fail too, and be slow: a client could make all others wait."""
    monkeypatch.setattr(depth, "C_HAS_ITS_OWN", False)
    with pytest.raises(RecursionError):
        deepest(stuck, lambda: "Python")
