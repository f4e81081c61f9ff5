"""JSON is the same with and without orjson."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import OrderedDict, namedtuple
from dataclasses import asdict, dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire import json as wire_json
from tgext.socketio.wire.errors import InvalidJSON
from tgext.socketio.wire.json import Default

from ..vectors.shapes import (
    DEEP_CLOSED_LIST,
    DEEP_LIST,
    DEEP_OBJECT,
    EMOJI,
    LONG_NUMBER,
)
from .missing import copy_without
from .strategies import (
    MANY,
    SOME,
    json_values,
    mutated,
    outcome,
    protocol_text,
)

HELPERS = ("orjson", "websockets", "websockets.speedups")


class Functions(NamedTuple):
    name: str
    loads: Any
    dumper: Any
    dumps: Any


PLAIN = copy_without(wire_json, *HELPERS)

IMPLEMENTATIONS = [
    Functions("chosen", wire_json.loads, wire_json.dumper, wire_json.dumps),
    Functions("python", wire_json.py_loads, wire_json.py_dumper, wire_json.py_dumps),
    Functions("helpers missing", PLAIN.loads, PLAIN.dumper, PLAIN.dumps),
]

implementations = pytest.mark.parametrize(
    "functions", IMPLEMENTATIONS, ids=[item.name for item in IMPLEMENTATIONS]
)


# Which functions are chosen


def test_without_helpers_python_does_the_work() -> None:
    assert PLAIN.loads is PLAIN.py_loads
    assert PLAIN.dumps is PLAIN.py_dumps


def test_orjson_is_used_where_it_is_installed() -> None:
    pytest.importorskip("orjson")
    assert wire_json.loads is not wire_json.py_loads
    assert wire_json.dumps is not wire_json.py_dumps


def test_the_protocols_run_without_helpers() -> None:
    """A fresh interpreter in which neither helper can be imported."""
    program = f"""
import sys
sys.modules.update(dict.fromkeys({HELPERS!r}))
from tgext.socketio.wire import json, masking
from tgext.socketio.wire.engineio import v4 as engineio
from tgext.socketio.wire.socketio import v1, v5
from tgext.socketio.wire.websocket import frames
assert json.dumps is json.py_dumps
assert masking.apply_mask is masking.py_apply_mask
frame = frames.encode_frame(frames.TEXT, b'42/chat,12["a",1]', b"abcd")
[(opcode, text)] = frames.FrameReader().feed(frame)
assert engineio.check_packet(text) == engineio.MESSAGE
packet = v5.decode(text, start=1)
print(v1.encode(packet))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.stdout == '5:12+:/chat:{"name":"a","args":[1]}\n'


# Reading


@implementations
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("true", True),
        ("0", 0),
        ("-1", -1),
        ("1.5", 1.5),
        ("1.0", 1.0),
        ("1e2", 100.0),
        # As JavaScript does.
        ("1e400", float("inf")),
        ("-0", 0),
        ("9007199254740993", 2**53 + 1),
        ("18446744073709551615", 2**64 - 1),
        ('""', ""),
        ('"\\u00e9\\u2603\\u2028"', "\u00e9\u2603\u2028"),
        ('"\u00e9\u2603\u2028"', "\u00e9\u2603\u2028"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ('"\\ud83d"', "\ud83d"),
        ('"\\ude00\\ud83d"', "\ude00\ud83d"),
        ('"\ud83d"', "\ud83d"),
        ('"\\u0000"', "\0"),
        ('"\x7f"', "\x7f"),
        ('"\\/\\b\\f\\n\\r\\t"', "/\b\f\n\r\t"),
        (' [ 1 , { "a" : [ ] } ]\r\n\t', [1, {"a": []}]),
        ('{"a":1,"a":2}', {"a": 2}),
        ('{"":{}}', {"": {}}),
        ("[" * 500 + "]" * 500, None),
    ],
)
def test_json_is_read(functions: Functions, text: str, value: Any) -> None:
    found = functions.loads(text)
    if text.startswith("[[["):
        assert functions.dumps(found) == text
    else:
        assert (found, type(found)) == (value, type(value))


@implementations
@pytest.mark.parametrize(
    "number",
    [2**64, -(2**63) - 1, 123456789012345678901234, 10**300 + 1],
    ids=["2**64", "-2**63-1", "24 digits", "301 digits"],
)
def test_an_integer_above_64_bits_is_read(functions: Functions, number: int) -> None:
    """It may be read as a float, as in JavaScript, which is close to the number."""
    found = functions.loads(f"[{number}]")[0]
    assert found == pytest.approx(number, rel=1e-15)


@implementations
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(" ", id="space"),
        pytest.param("nul", id="half a word"),
        pytest.param("undefined", id="undefined"),
        pytest.param("True", id="a word of Python"),
        pytest.param("NaN", id="NaN"),
        pytest.param("[Infinity]", id="Infinity"),
        pytest.param('{"a":-Infinity}', id="minus Infinity"),
        pytest.param("[1,]", id="comma at the end"),
        pytest.param("[1 2]", id="no comma"),
        pytest.param("[1]]", id="one bracket too many"),
        pytest.param("[1", id="one bracket too few"),
        pytest.param('{"a"}', id="no value"),
        pytest.param('{"a":1,}', id="comma at the end of an object"),
        pytest.param("{1:2}", id="number for a key"),
        pytest.param("{'a':1}", id="single quotes"),
        pytest.param('"abc', id="no closing quote"),
        pytest.param('"\x01"', id="control character"),
        pytest.param('"\n"', id="line feed in a string"),
        pytest.param('"\\x41"', id="unknown escape"),
        pytest.param('"\\u12G4"', id="not hex"),
        pytest.param('"\\u 123"', id="space for hex"),
        pytest.param('"\\u12"', id="short escape"),
        pytest.param("01", id="leading zero"),
        pytest.param("1.", id="no digit behind the point"),
        pytest.param(".5", id="no digit before the point"),
        pytest.param("+1", id="plus"),
        pytest.param("--1", id="two signs"),
        pytest.param("1e", id="no exponent"),
        pytest.param("0x10", id="hex"),
        pytest.param("1_000", id="underscore"),
        pytest.param("\u0661", id="Arabic digit"),
        pytest.param("1\u0661", id="Arabic digit behind another"),
        pytest.param("\uff11", id="fullwidth digit"),
        pytest.param("\ufeff1", id="byte order mark"),
        pytest.param("1\x00", id="NUL at the end"),
        pytest.param("1\xa0", id="no-break space at the end"),
        pytest.param("\ud800", id="lone surrogate outside a string"),
        pytest.param(LONG_NUMBER, id="10,000 digits"),
        pytest.param("-" + LONG_NUMBER, id="10,000 negative digits"),
        pytest.param(DEEP_LIST, id="100,000 lists"),
        pytest.param(DEEP_CLOSED_LIST, id="100,000 closed lists"),
        pytest.param(DEEP_OBJECT, id="100,000 objects"),
        pytest.param('[{"a":' * 50_000, id="100,000 lists and objects"),
    ],
)
def test_what_is_not_json_is_refused(functions: Functions, text: str) -> None:
    with pytest.raises(InvalidJSON):
        functions.loads(text)


# Writing


class Colour(Enum):
    RED = "red"


class Text(str, Enum):
    RED = "red"


class Number(IntEnum):
    ONE = 1


class NoNumber(Enum):
    NAN = float("nan")


class Word(str):
    """A ``str`` subclass, as template engines and translations return."""

    def __str__(self) -> str:
        return "not this"


class Whole(int):
    pass


class Real(float):
    pass


Point = namedtuple("Point", "x y")


@dataclass
class Person:
    name: Any


NAN = float("nan")
INFINITY = float("inf")
ID = UUID("12345678-1234-5678-1234-567812345678")
NOON = datetime(2024, 2, 29, 12, 0, tzinfo=timezone.utc)


def isoformat(item: Any) -> Any:
    if isinstance(item, date):
        return item.isoformat()
    raise TypeError(f"cannot write {item!r}")


class Row(NamedTuple):
    name: str
    value: Any
    expected: Any
    default: Default | None = None


ROWS = [
    Row("null", None, None),
    Row("booleans", [True, False], [True, False]),
    Row("integers", [0, -1, 2**53, 2**63], [0, -1, 2**53, 2**63]),
    Row("floats", [0.5, -0.0, 1e-7, 1e16, 1e300], [0.5, -0.0, 1e-7, 1e16, 1e300]),
    Row(
        "other scripts", "\u00e9\u6f22\u2028\U0001f600", "\u00e9\u6f22\u2028\U0001f600"
    ),
    Row("control characters", "\0\n\x1e\x7f", "\0\n\x1e\x7f"),
    Row("markup", '</script>"\\', '</script>"\\'),
    Row("NaN", NAN, None),
    Row("infinities", [INFINITY, -INFINITY], [None, None]),
    Row("NaN inside", {"a": [1, {"b": (NAN, 2)}]}, {"a": [1, {"b": [None, 2]}]}),
    Row("lone surrogate", "a\ud83db", "a\ud83db"),
    Row("lone surrogate in a key", {"\udc00": 1}, {"\udc00": 1}),
    Row("lone surrogate and NaN", ["\ud83d", NAN], ["\ud83d", None]),
    Row("integers past 64 bits", [2**64, -(2**70)], [2**64, -(2**70)]),
    Row(
        "integer past 64 bits and NaN", {"a": 2**64, "b": NAN}, {"a": 2**64, "b": None}
    ),
    Row("integer keys", {1: "a", -2: "b"}, {"1": "a", "-2": "b"}),
    Row("integer keys and NaN", {1: NAN}, {"1": None}),
    Row("other keys", {None: 1, True: 2, 1.5: 3}, {"null": 1, "true": 2, "1.5": 3}),
    Row("a str subclass for a key", {Word("a"): 1}, {"a": 1}),
    Row("str subclass", Word("a\u00e9"), "a\u00e9"),
    Row("str subclass with a lone surrogate", Word("\ud83d"), "\ud83d"),
    Row("int subclass", [Whole(5), Whole(2**64)], [5, 2**64]),
    Row("float subclass", Real(1.5), 1.5),
    Row("float subclass and a default", Real(1.5), 1.5, repr),
    Row("float subclass, NaN", Real("nan"), None),
    Row("dict subclass", OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    Row("tuple", (1, (2, ())), [1, [2, []]]),
    Row("named tuple", Point(1, 2), [1, 2]),
    Row("named tuple and a default", [Point(1, 2)], [[1, 2]], repr),
    Row("Enum", [Colour.RED], ["red"]),
    Row("Enum that is a string", Text.RED, "red"),
    Row("IntEnum", Number.ONE, 1),
    Row("Enum of NaN", NoNumber.NAN, None),
    Row("UUID", {"id": ID}, {"id": "12345678-1234-5678-1234-567812345678"}),
    Row("UUID beside an integer key", {1: ID}, {"1": str(ID)}),
    Row("datetime", NOON, "2024-02-29T12:00:00+00:00", isoformat),
    Row("date", {"a": [NOON.date()]}, {"a": ["2024-02-29"]}, isoformat),
    Row(
        "datetime beside an integer key", {1: NOON}, {"1": NOON.isoformat()}, isoformat
    ),
    Row("Decimal", Decimal("1.10"), "1.10", str),
    Row("Decimal NaN as a float", [Decimal("nan")], [None], float),
    Row("dataclass", Person("a"), {"name": "a"}, asdict),
    Row("dataclass of NaN", [Person(NAN)], [{"name": None}], asdict),
    Row("set", {1}, [1], list),
    Row("bytes", b"\x01", "01", bytes.hex),
    Row("default that gives an Enum", {1}, "red", lambda item: Colour.RED),
    Row("default that gives an integer key", {1}, {"2": 3}, lambda item: {2: 3}),
]


@implementations
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_value_is_written_as_javascript_reads_it(
    functions: Functions, row: Row
) -> None:
    """The bytes may differ (``1e-7`` and ``1e-07``), what is read may not."""
    text = functions.dumper(row.default)(row.value)
    assert json.loads(text) == row.expected


@implementations
def test_nothing_is_written_but_json(functions: Functions) -> None:
    assert functions.dumps({"a": [1, "b", None, True]}) == '{"a":[1,"b",null,true]}'


@implementations
def test_text_is_written_as_it_is_and_half_a_pair_as_its_escape(
    functions: Functions,
) -> None:
    assert functions.dumps(["é☃\u2028😀"]) == '["é☃\u2028😀"]'
    assert functions.dumps(["é", "\ud83d"]) == r'["\u00e9","\ud83d"]'


@implementations
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(object(), id="object"),
        pytest.param([b"a"], id="bytes"),
        pytest.param({1, 2}, id="set"),
        pytest.param(NOON, id="datetime without a default"),
        pytest.param(Person("a"), id="dataclass without a default"),
        pytest.param({(1, 2): 3}, id="tuple for a key"),
        pytest.param({Colour.RED: 1}, id="Enum for a key"),
        pytest.param({b"a": 1}, id="bytes for a key"),
        pytest.param([NAN, object()], id="object beside NaN"),
    ],
)
def test_a_value_that_is_not_json_is_a_type_error(
    functions: Functions, value: Any
) -> None:
    with pytest.raises(TypeError):
        functions.dumps(value)


@implementations
def test_the_error_names_the_culprit_in_a_line(functions: Functions) -> None:
    with pytest.raises(TypeError, match=r"^bytes b'xxx") as caught:
        functions.dumps({"args": [1, b"x" * 100_000]})
    assert len(str(caught.value)) < 160


@implementations
def test_a_default_that_gives_up_is_a_type_error(functions: Functions) -> None:
    with pytest.raises(TypeError, match="cannot write"):
        functions.dumper(isoformat)([object()])


@implementations
def test_a_circle_is_refused(functions: Functions) -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises((TypeError, ValueError)):
        functions.dumps(circle)


def nested(depth: int, core: Any) -> Any:
    for _ in range(depth):
        core = [core]
    return core


@implementations
@pytest.mark.parametrize("depth", [300, 500])
def test_a_deep_value_is_written(functions: Functions, depth: int) -> None:
    """orjson itself stops at 254."""
    assert functions.dumps(nested(depth, 1)) == "[" * depth + "1" + "]" * depth


@implementations
@pytest.mark.parametrize("core", [1, NAN], ids=["number", "NaN"])
def test_a_value_too_deep_is_a_type_error(functions: Functions, core: Any) -> None:
    """As any other value that cannot be written."""
    with pytest.raises(TypeError):
        functions.dumps(nested(100_000, core))


@implementations
@pytest.mark.parametrize("core", ["1", "1e400"], ids=["number", "infinity"])
def test_what_was_read_can_be_written(functions: Functions, core: str) -> None:
    """A handler that echoes a deeply nested argument does not fail."""
    text = "[" * 600 + core + "]" * 600
    value = outcome(lambda: functions.loads(text))
    if value is not InvalidJSON:
        expected = text.replace("1e400", "null")
        assert functions.dumps(value) == expected


@pytest.mark.parametrize(
    ("version", "used"),
    [("3.9.14", False), ("3.8.3", False), ("3.9.15", True), ("3.10.0rc1", True)],
)
def test_an_orjson_that_a_client_can_crash_is_not_used_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, version: str, used: bool
) -> None:
    """It recurses without limit while it reads (CVE-2024-27454)."""
    orjson = pytest.importorskip("orjson")
    monkeypatch.setattr(orjson, "__version__", version)
    copy = copy_without(wire_json, "websockets")
    assert (copy.loads is not copy.py_loads) is used


# Masking


# Reading and writing


@MANY
@given(
    protocol_text
    | mutated(
        ['{"name":"a","args":[1.5,true,null]}', '["\\ud83d",[[]]]'], protocol_text
    )
)
def test_any_text_is_json_for_all_or_for_none(text: str) -> None:
    # The values may differ: some parsers read integers of more than 64 bits as floats.
    outcomes = [outcome(partial(each.loads, text)) for each in IMPLEMENTATIONS]
    assert len({isinstance(each, type) for each in outcomes}) == 1


#: Values that an application may send, and JSON cannot write exactly.
loose_values = st.recursive(
    json_values | st.floats() | st.integers() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)


@SOME
@given(loose_values)
def test_what_is_written_reads_the_same(value: Any) -> None:
    first, *others = (json.loads(f.dumps(value)) for f in IMPLEMENTATIONS)
    assert all(other == first for other in others)


@SOME
@given(json_values)
def test_json_is_read_as_it_was_written(value: Any) -> None:
    for functions in IMPLEMENTATIONS:
        assert functions.loads(functions.dumps(value)) == value


# Text in ASCII


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        pytest.param('["a"]', '["a"]', id="ASCII"),
        pytest.param("", "", id="nothing"),
        pytest.param('["\x7f"]', '["\x7f"]', id="the last of ASCII"),
        pytest.param('["\x80"]', '["\\u0080"]', id="the first beyond"),
        pytest.param('["caf\xe9"]', '["caf\\u00e9"]', id="an accent"),
        pytest.param('["\u2603"]', '["\\u2603"]', id="a snowman"),
        pytest.param('["\u6f22\u5b57"]', '["\\u6f22\\u5b57"]', id="kanji"),
        pytest.param('["\u2028"]', '["\\u2028"]', id="a line separator"),
        pytest.param('["\uffff"]', '["\\uffff"]', id="the last unit"),
        pytest.param('["\U00010000"]', '["\\ud800\\udc00"]', id="the first pair"),
        pytest.param(f'["{EMOJI}"]', '["\\ud83d\\ude00"]', id="an emoji"),
        pytest.param('["\ud83d"]', '["\\ud83d"]', id="half a pair"),
        pytest.param('["\\u00e9\xe9"]', '["\\u00e9\\u00e9"]', id="escaped before"),
        pytest.param('["\\\\\xe9"]', '["\\\\\\u00e9"]', id="behind a backslash"),
        pytest.param(
            '[\n\t"\xe9\\n\\t",\r"\\""]', '[\n\t"\\u00e9\\n\\t",\r"\\""]', id="lines"
        ),
        pytest.param('{"\xe9":"\u20ac"}', '{"\\u00e9":"\\u20ac"}', id="a key"),
    ],
)
def test_what_is_not_ascii_is_escaped(text: str, escaped: str) -> None:
    assert wire_json.in_ascii(text) == escaped
    if text:
        assert wire_json.py_loads(escaped) == wire_json.py_loads(text)


@SOME
@given(json_values)
def test_escaped_json_means_the_same(value: Any) -> None:
    text = wire_json.dumps(value)
    escaped = wire_json.in_ascii(text)
    assert escaped.isascii()
    assert wire_json.loads(escaped) == wire_json.loads(text)


def calls_of(text: str) -> int:
    """How many functions are called to write a text in ASCII."""
    seen: list[str] = []

    def note(frame: object, event: str, arg: object) -> None:
        if event in ("call", "c_call"):
            seen.append(event)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        wire_json.in_ascii(text)
    finally:
        sys.setprofile(before)
    return len(seen)


@pytest.mark.parametrize("piece", ["\xe9", "a\xe9", EMOJI, "\u2028\xe9"])
def test_the_characters_of_a_message_take_no_call_each(piece: str) -> None:
    """Nobody else is served meanwhile."""
    assert calls_of(f'["{piece}"]') == calls_of(f'["{piece * 1000}"]')
