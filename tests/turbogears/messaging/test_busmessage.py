"""Messages between processes are written, signed, read and checked."""

from __future__ import annotations

import json
import sys
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgext.socketio.engine.hub.roomkeys import MOST as LONGEST
from tgext.socketio.engine.hub.roomkeys import ChannelRoom, SocketRoom, UserRoom
from tgext.socketio.engine.hub.selection import Selection
from tgext.socketio.messaging.busmessage import BusCodec, BusMessage, pack, unpack
from tgext.socketio.messaging.sealed import MOST, BusMessageError
from tgext.socketio.wire.json import dumps, loads
from tgext.socketio.wire.socketio.packet import event_packet

CHANNEL = "tgext.socketio/cluster"

PLAIN = BusCodec(CHANNEL)
SIGNED = BusCodec(CHANNEL, "a secret")

texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers() | st.sampled_from([16**LONGEST - 1, -(2**53)])
rooms = (
    st.none()
    | numbers
    | texts
    | texts.map(UserRoom)
    | texts.map(SocketRoom)
    | texts.map(ChannelRoom)
)
several = st.lists(rooms, max_size=3).map(tuple)
selections = st.builds(Selection, several, several, st.just(()))


def kinds(receivers: Any) -> Any:
    """The types of rooms, which compare equal to others."""
    each = receivers if isinstance(receivers, Selection) else Selection((receivers,))
    return [[type(room) for room in rooms] for rooms in each]


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters())
)


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda each: (
            st.lists(each, max_size=3)
            | st.dictionaries(st.text(st.characters()), each, max_size=3)
        ),
        max_leaves=8,
    )


def message(**changes: Any) -> dict[str, Any]:
    packet = {"type": "event", "name": "a", "args": [], "endpoint": "/chat"}
    packet |= changes.pop("packet", {})
    whole = {"from": "x", "room": None, "packet": packet, "binary": []}
    return {**whole, **changes}


def refusal(codec: BusCodec, data: Any) -> str:
    with pytest.raises(BusMessageError) as refused:
        codec.read(data)
    return str(refused.value)


@given(
    st.sampled_from([PLAIN, SIGNED]),
    st.text(st.characters()),
    st.lists(nested(scalars | st.binary()), max_size=3),
    rooms | selections,
    st.from_regex(r"[0-9A-Za-z_-]{0,64}", fullmatch=True),
    st.text(max_size=16),
    st.booleans(),
)
def test_what_is_written_is_read(
    codec: BusCodec,
    name: str,
    args: list[Any],
    room: Any,
    sender: str,
    controller: str,
    volatile: bool,
) -> None:
    packet = event_packet("/chat", name, args, volatile)
    written = codec.write(packet, room, sender, controller)
    for data in (written, written.encode()):
        read = codec.read(data)
        packet = event_packet("/chat", name, args, volatile)
        assert read == BusMessage(sender, room, packet, controller)
        assert kinds(read.receivers) == kinds(room)


def test_the_sockets_that_a_selection_skips_stay_in_their_process() -> None:
    packet = event_packet("/chat", "a", [])
    selection = Selection(("lobby",), ("hall",), (object(),))
    read = PLAIN.read(PLAIN.write(packet, selection))
    assert read.receivers == Selection(("lobby",), ("hall",))


def test_what_looks_like_bytes_is_what_it_was_or_loses_its_looks() -> None:
    forged = {"_placeholder": True, "num": 0}
    for args, expected in (
        ([forged], [forged]),
        ([forged, b"a"], [{"num": 0}, b"a"]),
        ([b"a", [{"b": forged}]], [b"a", [{"b": {"num": 0}}]]),
    ):
        read = PLAIN.read(PLAIN.write(event_packet("/chat", "a", args), None))
        assert read.packet["args"] == expected


FIELDS: dict[str, Any] = {
    "no sender": message(**{"from": None}),
    "a sender that is a number": message(**{"from": 5}),
    "a sender of any length": message(**{"from": "x" * 65}),
    "a controller that is a number": message(to=5),
    "a room that is a float": message(room=1.0),
    "a room that is true": message(room=True),
    "a room that is a list": message(room=["A"]),
    "a room that is an object": message(room={"int": 5}),
    "a room that is no number": message(room={"int": "0xg"}),
    "a room whose number is long": message(room={"int": "0x" + "f" * (LONGEST + 1)}),
    "a room whose long number is JSON": message(room=16**LONGEST),
    "a channel that is a list": message(room={"channel": ["news"]}),
    "a user that is a number": message(room={"user": 5}),
    "a user that is half of a surrogate pair": message(room={"user": "\ud800"}),
    "a socket that is a list": message(room={"socket": []}),
    "a room that is two": message(room={"user": "anna", "socket": "x"}),
    "a room of another kind": message(room={"admin": "anna"}),
    "a room that is half of a surrogate pair": message(room="\ud800"),
    "a room that is a large float": message(room=2.0**70),
    "rooms that are a text": message(rooms="lobby"),
    "rooms that are nothing": message(rooms=None),
    "rooms with a float": message(rooms=["lobby", 1.0]),
    "rooms with a list": message(rooms=[["lobby"]]),
    "an exception that is a text": message(rooms=[], **{"except": "lobby"}),
    "an exception with an object": message(rooms=[], **{"except": [{}]}),
    "a packet that is a list": {**message(), "packet": []},
    "a packet that is a message": message(packet={"type": "message", "data": "hi"}),
    "a packet that disconnects": message(packet={"type": "disconnect"}),
    "a packet that acknowledges": message(packet={"type": "ack", "ackId": 1}),
    "a packet that is an error": message(packet={"type": "error", "reason": "x"}),
    "a type that is a list": message(packet={"type": ["event"]}),
    "a name that is a number": message(packet={"name": 5}),
    "a name that is nothing": message(packet={"name": None}),
    "volatile by a number": message(packet={"volatile": 1}),
    "arguments in an object": message(packet={"args": {"a": 1}}),
    "arguments that are text": message(packet={"args": "abc"}),
    "a namespace that is a number": message(packet={"endpoint": 5}),
    "bytes that are no list": message(binary="AAAA"),
    "bytes that are no base64": message(binary=["?"]),
    "bytes that are a number": message(binary=[5]),
    "bytes that nothing names": message(binary=["AAAA"]),
    "bytes that are named twice": message(
        packet={"args": [{"_placeholder": True, "num": 0}] * 2}, binary=["AAAA"]
    ),
    "bytes that are not there": message(
        packet={"args": [{"_placeholder": True, "num": 7}]}, binary=["AAAA"]
    ),
    "bytes that are minus one": message(
        packet={"args": [{"_placeholder": True, "num": -1}]}, binary=["AAAA"]
    ),
}

TEXTS: dict[str, Any] = {
    "nothing": "",
    "half an object": "{",
    "a number": "5",
    "null": "null",
    "a list": "[]",
    "an empty object": "{}",
    "NaN": json.dumps(message(packet={"args": [float("nan")]})),
    "infinity": json.dumps(message(packet={"args": [float("inf")]})),
    "a number that Python does not read": "9" * 5000,
    "deep": "[" * 100_000,
    "deep to the end": "[" * 100_000 + "]" * 100_000,
    "deep arguments with bytes": '{"from":"","room":null,"binary":["AAAA"],"packet":'
    '{"type":"event","name":"a","endpoint":"","args":[' + "[" * 990 + "]" * 990 + "]}}",
    "Latin-1": json.dumps(message()).encode() + b"\xe9",
    "no text": 5,
    "nothing at all": None,
    "more than a message may have": json.dumps(message()) + " " * MOST,
    "more bytes than a message may have": b" " * (MOST + 100),
}

BAD = {
    **{name: json.dumps(value) for name, value in FIELDS.items()},
    **TEXTS,
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_an_invalid_broadcast_is_refused(data: Any) -> None:
    assert len(refusal(PLAIN, data)) < 300


@given(
    st.sampled_from(["from", "room", "rooms", "except", "packet", "binary"])
    | st.sampled_from(["type", "endpoint", "name", "args"]),
    nested(scalars),
)
def test_whatever_a_field_holds_it_is_right_or_refused(field: str, value: Any) -> None:
    whole = message()
    if field == "except":
        whole["rooms"] = []
    (whole["packet"] if field in whole["packet"] else whole)[field] = value
    try:
        sender, receivers, packet, controller = PLAIN.read(json.dumps(whole))
    except BusMessageError:
        return
    assert isinstance(sender, str)
    assert isinstance(controller, str)
    for each in chain.from_iterable(kinds(receivers)):
        assert each in (type(None), str, int, UserRoom, SocketRoom, ChannelRoom)
    assert packet["type"] == "event"
    assert set(packet) == {"type", "endpoint", "name", "args"}
    assert isinstance(packet["endpoint"], str)
    assert isinstance(packet["name"], str)
    assert isinstance(packet["args"], list)


def test_what_a_packet_holds_besides_is_left_out() -> None:
    text = json.dumps(message(packet={"id": 5, "ack": "data", "attachments": 9}))
    assert PLAIN.read(text).packet == event_packet("/chat", "a", [])


@pytest.mark.parametrize("room", [1, "1", 0, "", -5, 2**53, -(2**80), "é"])
def test_a_room_is_the_same_in_another_process(room: Any) -> None:
    read: Any = PLAIN.read(PLAIN.write(event_packet("", "a", []), room)).receivers
    assert (read, type(read)) == (room, type(room))


def test_a_broadcast_that_is_too_large_is_not_sent() -> None:
    with pytest.raises(ValueError, match="more than 16777216"):
        PLAIN.write(event_packet("", "a", ["x" * MOST]), None)


def wrapped(value: Any, levels: int) -> Any:
    for number in range(levels):
        value = [value] if number % 2 else {"in": value}
    return value


#: Around the limits of Python, and of the writer with more calls.
DEPTHS = [*range(900, 1010, 7), 1_100, 2_000, *range(2_490, 2_502), 2_800]
DEPTHS += range(2_960, 3_010)


@pytest.mark.parametrize("leaf", [1, b"bytes"], ids=["text", "bytes"])
def test_whatever_is_nested_so_deep_that_it_is_written_is_read(leaf: Any) -> None:
    written = []
    for levels in DEPTHS:
        deep = wrapped(leaf, levels)
        try:
            broadcast = PLAIN.write(event_packet("/chat", "deep", [deep]), None)
            packed = loads(dumps(pack(deep)))
        except TypeError:
            continue
        written.append(levels)
        found = [*PLAIN.read(broadcast).packet["args"], unpack(packed)]
        for value in found:
            inner = value
            for _ in range(levels):
                [inner] = inner.values() if isinstance(inner, dict) else inner
            assert inner == leaf
    assert max(written) > 2_300


class Faulty:
    def __json__(self) -> Any:
        raise TypeError("a fault of the application")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            {"b": object()},
            "^event 'a': argument 2, at \\['b'\\], is of the type object",
        ),
        ([b"bytes", {1}], "^event 'a': argument 2, at \\[1\\], is of the type set, "),
        (Faulty(), "^a fault of the application$"),
    ],
)
def test_what_is_no_json_is_named(value: Any, said: str) -> None:
    """Also for namespaces whose clients recover, and whose log has it."""
    with pytest.raises(TypeError, match=said):
        PLAIN.write(event_packet("/chat", "a", [1, value]), None)


def test_numbers_are_what_json_makes_of_them() -> None:
    big = 10 ** min(400, sys.get_int_max_str_digits() or 400)
    args = PLAIN.read(PLAIN.write(event_packet("", "a", [big]), None)).packet["args"]
    assert args[0] in (big, float("inf"))


@given(nested(scalars | st.binary()))
def test_a_packed_value_is_what_it_was(value: Any) -> None:
    assert unpack(json.loads(json.dumps(pack(value)))) == value


@pytest.mark.parametrize(
    "packed",
    [
        None,
        [],
        [1],
        [1, None],
        [1, ["?"]],
        [1, ["AAAA"]],
        [{"_placeholder": True, "num": 7}, ["AAAA"]],
        {"0": 1, "1": []},
    ],
)
def test_what_was_not_packed_is_refused(packed: Any) -> None:
    with pytest.raises(BusMessageError):
        unpack(packed)
