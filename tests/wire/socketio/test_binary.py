"""Attachments: https://github.com/socketio/socket.io-protocol, "Packet encoding"."""

from __future__ import annotations

import copy
from array import array
from collections import OrderedDict
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.wire import json as wire_json
from tgext.socketio.wire.errors import PacketError
from tgext.socketio.wire.limits import DEFAULT_LIMITS, Limits
from tgext.socketio.wire.socketio import binary
from tgext.socketio.wire.socketio import v5 as socketio_5
from tgext.socketio.wire.socketio.packet import Packet

from ...vectors.socketio_5 import PLACEHOLDERS_MALFORMED, SOCKETIO_5_MALFORMED
from ..strategies import MANY, SOME, json_values, mixed_values, outcome


class Point(NamedTuple):
    x: Any
    y: Any


def placeholder(number: Any) -> dict[str, Any]:
    return {"_placeholder": True, "num": number}


def plain(value: Any) -> Any:
    """``value`` as it arrives: tuples as lists, bytes of any type as ``bytes``."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def reassemble(
    text: str, *attachments: bytes, limits: Limits = DEFAULT_LIMITS
) -> Packet | None:
    """The result of adding the last of ``attachments``."""
    reassembler = binary.Reassembler(socketio_5.decode(text), limits)
    *before, last = attachments
    for each in before:
        assert reassembler.add(each) is None
    return reassembler.add(last)


# Bytes are taken out


@pytest.mark.parametrize(
    ("value", "left", "attachments"),
    [
        pytest.param(b"\x01", placeholder(0), [b"\x01"], id="bytes"),
        pytest.param(bytearray(b"\x01"), placeholder(0), [b"\x01"], id="bytearray"),
        pytest.param(memoryview(b"abc")[1:], placeholder(0), [b"bc"], id="memoryview"),
        pytest.param(
            memoryview(b"abcdef")[::2], placeholder(0), [b"ace"], id="view with gaps"
        ),
        pytest.param(
            memoryview(array("H", [0x0101])),
            placeholder(0),
            [b"\x01\x01"],
            id="view of numbers",
        ),
        pytest.param(b"", placeholder(0), [b""], id="no bytes"),
        pytest.param(
            ["baz", b"\x01\x02", b"\x03\x04"],
            ["baz", placeholder(0), placeholder(1)],
            [b"\x01\x02", b"\x03\x04"],
            id="list",
        ),
        pytest.param((b"a", 1), [placeholder(0), 1], [b"a"], id="tuple"),
        pytest.param(
            Point(1, b"a"), [1, placeholder(0)], [b"a"], id="tuple with names"
        ),
        pytest.param({"a": b"b"}, {"a": placeholder(0)}, [b"b"], id="dict"),
        pytest.param(
            OrderedDict(a=b"1", b=2),
            {"a": placeholder(0), "b": 2},
            [b"1"],
            id="ordered",
        ),
        pytest.param(
            [b"same", b"same"],
            [placeholder(0), placeholder(1)],
            [b"same", b"same"],
            id="the same twice",
        ),
        pytest.param(
            {"a": [{"b": (b"1", {"c": b"2"})}], "d": b"3"},
            {
                "a": [{"b": [placeholder(0), {"c": placeholder(1)}]}],
                "d": placeholder(2),
            },
            [b"1", b"2", b"3"],
            id="in the order of the text",
        ),
        pytest.param(
            [None, True, 0, 1.5, "a", [], {}],
            [None, True, 0, 1.5, "a", [], {}],
            [],
            id="none",
        ),
        pytest.param({b"a": 1}, {b"a": 1}, [], id="keys stay"),
        pytest.param(
            [{"_placeholder": True, "num": 0}, {"a": {"_placeholder": 1}}, b"b"],
            [{"num": 0}, {"a": {}}, placeholder(0)],
            [b"b"],
            id="what looks like a placeholder is none",
        ),
        pytest.param(
            {"_placeholder": b"a", "b": b"c"},
            {"b": placeholder(0)},
            [b"c"],
            id="nor are there bytes in it",
        ),
    ],
)
def test_bytes_leave_placeholders(
    value: Any, left: Any, attachments: list[bytes]
) -> None:
    found: list[bytes] = []
    assert binary.take_out(value, found) == left
    assert found == attachments
    assert all(type(each) is bytes for each in found)


def test_what_was_taken_out_before_is_counted() -> None:
    found = [b"first"]
    assert binary.take_out([b"second"], found) == [placeholder(1)]
    assert found == [b"first", b"second"]


def test_an_attachment_does_not_change_with_the_buffer_it_was() -> None:
    buffer = bytearray(b"abc")
    found: list[bytes] = []
    binary.take_out([buffer, memoryview(buffer)], found)
    buffer[0] = 0
    assert found == [b"abc", b"abc"]


@SOME
@given(mixed_values)
def test_taking_out_changes_nothing(value: Any) -> None:
    before = copy.deepcopy(plain(value))
    found: list[bytes] = []
    wire_json.dumps(binary.take_out(value, found))
    assert plain(value) == before


def test_a_value_nested_too_deep_is_refused_like_one_without_bytes() -> None:
    """With the error of :func:`wire_json.dumps`."""
    value: Any = b""
    for _ in range(100_000):
        value = [value]
    with pytest.raises(TypeError):
        binary.take_out(value, [])


# Bytes are put back


@pytest.mark.parametrize(
    ("text", "attachments", "args"),
    [
        pytest.param(
            '51-["baz",{"_placeholder":true,"num":0}]',
            [b"\x01\x02\x03\x04"],
            [b"\x01\x02\x03\x04"],
            id="event",
        ),
        pytest.param(
            '52-/admin,["baz",{"_placeholder":true,"num":0},'
            '{"_placeholder":true,"num":1}]',
            [b"\x01\x02", b"\x03\x04"],
            [b"\x01\x02", b"\x03\x04"],
            id="event of a namespace",
        ),
        pytest.param(
            '61-15["bar",{"_placeholder":true,"num":0}]',
            [b"\x01\x02\x03\x04"],
            ["bar", b"\x01\x02\x03\x04"],
            id="ack",
        ),
        pytest.param(
            '461-/admin,1[{"_placeholder":true,"num":0}]'[1:],
            [b""],
            [b""],
            id="ack of the sample session, of no bytes",
        ),
        pytest.param(
            '52-["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]',
            [b"0", b"1"],
            [b"1", b"0"],
            id="in another order",
        ),
        pytest.param(
            '52-["a",{"b":[{"num":1,"_placeholder":true}],'
            '"c":{"d":{"_placeholder":true,"num":0}}},[1,"b",null,{}]]',
            [b"0", b"1"],
            [{"b": [b"1"], "c": {"d": b"0"}}, [1, "b", None, {}]],
            id="inside other values",
        ),
        pytest.param(
            '51-["a",{"_placeholder":true,"num":0,"more":1}]',
            [b"0"],
            [b"0"],
            id="with other keys",
        ),
        pytest.param('51-["a",1]', [b"0"], [1], id="nowhere"),
        pytest.param(
            '51-["a",{"_placeholder":false,"num":0},{"_placeholder":1,"num":0},'
            '{"_placeholder":"true","num":0},{"_placeholder":null},{"num":0}]',
            [b"0"],
            [
                {"_placeholder": False, "num": 0},
                {"_placeholder": 1, "num": 0},
                {"_placeholder": "true", "num": 0},
                {"_placeholder": None},
                {"num": 0},
            ],
            id="not instead of what looks alike",
        ),
    ],
)
def test_attachments_take_their_places(
    text: str, attachments: list[bytes], args: list[Any]
) -> None:
    packet = reassemble(text, *attachments)
    assert packet is not None
    assert packet["args"] == args


def test_the_packet_is_the_one_that_was_announced() -> None:
    assert reassemble('51-/a,7["b",{"_placeholder":true,"num":0}]', b"c") == {
        "type": "event",
        "endpoint": "/a",
        "attachments": 1,
        "id": 7,
        "ack": "data",
        "name": "b",
        "args": [b"c"],
    }


def test_the_packet_comes_with_its_last_attachment() -> None:
    text = '510-["a"' + "".join(
        f',{{"_placeholder":true,"num":{number}}}' for number in range(10)
    )
    packet = reassemble(text + "]", *(bytes((number,)) for number in range(10)))
    assert packet is not None
    assert packet["args"] == [bytes((number,)) for number in range(10)]


def test_a_packet_without_attachments_is_whole() -> None:
    """``50-`` is announced as binary, and nothing follows it."""
    packet = socketio_5.decode('50-["a",{"b":1}]')
    assert binary.Reassembler(packet).packet()["args"] == [{"b": 1}]


def test_a_packet_without_attachments_has_no_places() -> None:
    packet = socketio_5.decode('50-["a",{"_placeholder":true,"num":0}]')
    reassembler = binary.Reassembler(packet)
    assert outcome(reassembler.packet) is PacketError


def test_an_attachment_is_named_once() -> None:
    place = '{"_placeholder":true,"num":0}'
    with pytest.raises(PacketError, match="attachment 0 is named twice"):
        reassemble(f'51-["a",{place},{place}]', b"b")


def test_the_malformed_placeholders_are_well_formed_until_then() -> None:
    others = {vector.data for vector in SOCKETIO_5_MALFORMED}
    assert not others & {vector.data for vector in PLACEHOLDERS_MALFORMED}


@pytest.mark.parametrize(
    ("sizes", "allowed"),
    [
        ((10,), True),
        ((11,), False),
        ((5, 5), True),
        ((5, 6), False),
        ((0, 10, 0), True),
        ((10, 0, 1), False),
        ((4, 4, 4), False),
    ],
)
def test_attachments_together_are_no_larger_than_is_allowed(
    sizes: tuple[int, ...], allowed: bool
) -> None:
    limits = Limits(max_attachments_size=10)
    packets = [bytes(size) for size in sizes]
    text = f'5{len(sizes)}-["a"]'
    packet = outcome(lambda: reassemble(text, *packets, limits=limits))
    assert isinstance(packet, dict) if allowed else packet is PacketError


def test_what_is_too_large_is_refused_before_the_last_has_come() -> None:
    reassembler = binary.Reassembler(
        socketio_5.decode('510-["a"]'), Limits(max_attachments_size=10)
    )
    assert reassembler.add(bytes(6)) is None
    with pytest.raises(PacketError, match="max_attachments_size"):
        reassembler.add(bytes(6))


def test_as_much_as_four_messages_is_allowed_by_default() -> None:
    full = [bytes(1_000_000)] * 4
    assert isinstance(reassemble('54-["a"]', *full), dict)
    assert outcome(lambda: reassemble('55-["a"]', *full, b"1")) is PacketError


@pytest.mark.parametrize("form", ["[{}]", '{{"a":{}}}'], ids=["lists", "objects"])
def test_a_place_may_be_far_inside(form: str) -> None:
    text = '{"_placeholder":true,"num":0}'
    expected: Any = b"far"
    for _ in range(100):
        text = form.format(text)
        expected = [expected] if form == "[{}]" else {"a": expected}
    packet = reassemble(f'51-["a",{text}]', b"far")
    assert packet is not None
    assert packet["args"] == [expected]


@pytest.mark.parametrize("shape", ["list", "dict", "number"])
def test_what_is_nested_too_deep_is_refused(shape: str) -> None:
    value: Any = placeholder(0)
    for _ in range(100_000):
        value = {"a": value} if shape == "dict" else [value]
    if shape == "number":
        value = placeholder(value)
    packet: Packet = {"type": "event", "name": "a", "args": [value], "attachments": 1}
    assert outcome(lambda: binary.Reassembler(packet).add(b"0")) is PacketError


@pytest.mark.parametrize("depth", [900, 1000, 1024, 5000])
@pytest.mark.parametrize(
    "loads", [wire_json.loads, wire_json.py_loads], ids=["fast", "python"]
)
def test_any_depth_that_the_parser_takes_is_put_back_or_refused(
    depth: int, loads: Any
) -> None:
    place = '{"_placeholder":true,"num":0}'
    text = f'51-["a",{"[" * depth}{place}{"]" * depth}]'

    def read() -> Packet | None:
        packet = socketio_5.decode(text, loads=loads)
        return binary.Reassembler(packet).add(b"0")

    packet = outcome(read)
    if isinstance(packet, type):
        assert issubclass(packet, PacketError)
        return
    assert packet is not None
    value = packet["args"]
    for _ in range(depth + 1):
        (value,) = value
    assert value == b"0"


# There and back


@SOME
@given(mixed_values)
def test_bytes_are_put_back_where_they_were(value: Any) -> None:
    attachments: list[bytes] = []
    text = wire_json.dumps(binary.take_out(value, attachments))
    assert binary.put_back(wire_json.loads(text), attachments) == plain(value)


@SOME
@given(st.lists(mixed_values, max_size=3), st.sampled_from(["event", "ack"]))
def test_a_packet_with_bytes_is_read_as_it_was_written(
    args: list[Any], kind: Any
) -> None:
    attachments: list[bytes] = []
    packet: Packet = {"type": kind, "endpoint": "/a", "name": "b", "ackId": 1}
    packet["args"] = binary.take_out(args, attachments)
    packet["attachments"] = len(attachments)
    text = socketio_5.encode(packet)
    found: Packet | None = socketio_5.decode(text, Limits(max_attachments=1000))
    assert found is not None
    reassembler = binary.Reassembler(found)
    if not attachments:
        found = reassembler.packet()
    for each in attachments:
        found = reassembler.add(each)
    assert found is not None
    assert found["type"] == kind
    assert found["args"] == plain(args)


numbers = st.integers(-3, 5) | json_values
keys = st.sampled_from(["_placeholder", "num", "a"])
#: Values with placeholders, and with what looks like them.
tricky_values = st.recursive(
    st.builds(placeholder, numbers) | st.booleans() | numbers,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=10,
)


@MANY
@given(tricky_values, st.lists(st.binary(max_size=5), max_size=3))
def test_any_value_is_filled_or_refused(value: Any, attachments: list[bytes]) -> None:
    # The result has no placeholders.
    filled = outcome(lambda: [binary.put_back(value, attachments)])
    if isinstance(filled, list):
        wire_json.dumps(binary.take_out(filled, []))
        assert binary.put_back(filled, []) == filled
    else:
        assert filled is PacketError
