"""JSON that Python code reads and writes: the same as with C code, but deeper."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire import json as wire_json
from tgext.socketio.wire.depth import deep
from tgext.socketio.wire.nested import LEVELS, PythonDecoder, write

from .strategies import MANY, json_values


def refuse(name: str) -> NoReturn:
    raise ValueError(name)


loads = PythonDecoder(refuse).decode
keys = st.text() | st.integers() | st.booleans() | st.none() | st.floats(-9, 9)
values = st.recursive(
    json_values | st.dictionaries(keys, json_values, max_size=3),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)


@MANY
@given(values)
def test_it_is_written_as_c_code_writes_it(value: Any) -> None:
    assert write(value, wire_json.py_dumps) == wire_json.py_dumps(value)


def read(decode: Callable[[str], Any], text: str) -> Any:
    """The representation of a value, or the error."""
    try:
        value = decode(text)
    except ValueError as error:
        return str(error)
    return repr(value)


@MANY
@given(
    json_values.map(json.dumps)
    | st.text(st.sampled_from('[]{},:"1a \\\n')).filter(str.strip)
    | st.sampled_from(["NaN", "[Infinity]", '{"a":-Infinity}', ""])
)
def test_it_is_read_as_c_code_reads_it(text: str) -> None:
    c_code = json.JSONDecoder(parse_constant=refuse).decode
    assert read(loads, text) == read(c_code, text)


@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}")])
def test_thousands_of_levels(begin: str, end: str) -> None:
    text = begin * 2400 + "1" + end * 2400
    assert deep(write, deep(loads, text), wire_json.py_dumps) == text


def test_what_is_written_can_be_read() -> None:
    value: object = 1
    for _ in range(LEVELS):
        value = [value]
    text = deep(write, value, wire_json.py_dumps)
    assert deep(write, deep(loads, text), wire_json.py_dumps) == text
    with pytest.raises(RecursionError, match=str(LEVELS)):
        deep(write, [value], wire_json.py_dumps)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000])
def test_a_hundred_thousand_levels(text: str) -> None:
    with pytest.raises(RecursionError):
        deep(loads, text)


@pytest.mark.parametrize("value", [{(1, 2): 3}, {b"a": 1}, [object()], {"a": b"b"}])
def test_what_cannot_be_written(value: Any) -> None:
    with pytest.raises(TypeError):
        write(value, wire_json.py_dumps)
