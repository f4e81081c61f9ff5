"""Socket.IO 0.9: packets and payloads."""

from __future__ import annotations

from tgext.socketio.wire.errors import (
    InvalidJSON,
    PacketError,
    PayloadError,
    PayloadTooLarge,
)
from tgext.socketio.wire.limits import MAX_MESSAGE_SIZE

from .shapes import (
    ARABIC_FIVE,
    DEEP_CLOSED_LIST,
    DEEP_LIST,
    DEEP_OBJECT,
    EMOJI,
    FULLWIDTH_FIVE,
    LONG_NUMBER,
    MARK,
    SEVENTEEN_DIGITS,
    SUPERSCRIPT_FIVE,
    Malformed,
    Payload,
    Valid,
)

# Packets

#: Read and written alike.
SOCKETIO_1_VALID = [
    Valid("disconnect", "0::", {"type": "disconnect", "endpoint": ""}),
    Valid(
        "disconnect of /woot", "0::/woot", {"type": "disconnect", "endpoint": "/woot"}
    ),
    Valid("connect", "1::", {"type": "connect", "endpoint": "", "qs": ""}),
    Valid(
        "connect to /tobi",
        "1::/tobi",
        {"type": "connect", "endpoint": "/tobi", "qs": ""},
    ),
    Valid(
        "connect with a query",
        "1::/test:?test=1",
        {"type": "connect", "endpoint": "/test", "qs": "?test=1"},
    ),
    Valid("heartbeat", "2::", {"type": "heartbeat", "endpoint": ""}),
    Valid("message", "3:::woot", {"type": "message", "endpoint": "", "data": "woot"}),
    Valid(
        "message with an id",
        "3:1::blabla",
        {"type": "message", "endpoint": "", "id": 1, "ack": True, "data": "blabla"},
    ),
    Valid(
        "message for a namespace, answered with data",
        "3:5+:/tobi:woot",
        {
            "type": "message",
            "endpoint": "/tobi",
            "id": 5,
            "ack": "data",
            "data": "woot",
        },
    ),
    Valid(
        "message of a line", "3:::\n", {"type": "message", "endpoint": "", "data": "\n"}
    ),
    Valid(
        "message with colons",
        "3:::a:b::c",
        {"type": "message", "endpoint": "", "data": "a:b::c"},
    ),
    Valid("json", '4:::"2"', {"type": "json", "endpoint": "", "data": "2"}),
    Valid(
        "json with an id",
        '4:1::{"a":"b"}',
        {"type": "json", "endpoint": "", "id": 1, "ack": True, "data": {"a": "b"}},
    ),
    Valid(
        "json answered with data",
        '4:1+::{"a":"b"}',
        {"type": "json", "endpoint": "", "id": 1, "ack": "data", "data": {"a": "b"}},
    ),
    Valid(
        "event without arguments",
        '5:::{"name":"woot"}',
        {"type": "event", "endpoint": "", "name": "woot", "args": []},
    ),
    Valid(
        "event with an id",
        '5:1::{"name":"tobi"}',
        {
            "type": "event",
            "endpoint": "",
            "id": 1,
            "ack": True,
            "name": "tobi",
            "args": [],
        },
    ),
    Valid(
        "event with arguments",
        '5:::{"name":"edwald","args":[{"a":"b"},2,"3"]}',
        {
            "type": "event",
            "endpoint": "",
            "name": "edwald",
            "args": [{"a": "b"}, 2, "3"],
        },
    ),
    Valid(
        "event for a namespace, answered with data",
        '5:1+:/chat:{"name":"a","args":[1]}',
        {
            "type": "event",
            "endpoint": "/chat",
            "id": 1,
            "ack": "data",
            "name": "a",
            "args": [1],
        },
    ),
    Valid(
        "event whose id has sixteen digits",
        '5:9007199254740991::{"name":"a"}',
        {
            "type": "event",
            "endpoint": "",
            "id": 2**53 - 1,
            "ack": True,
            "name": "a",
            "args": [],
        },
    ),
    Valid("ack", "6:::140", {"type": "ack", "endpoint": "", "ackId": 140, "args": []}),
    Valid(
        "ack with arguments",
        '6:::4+["A","B"]',
        {"type": "ack", "endpoint": "", "ackId": 4, "args": ["A", "B"]},
    ),
    Valid(
        "ack for a namespace",
        '6::/chat:12+["woot","wa"]',
        {"type": "ack", "endpoint": "/chat", "ackId": 12, "args": ["woot", "wa"]},
    ),
    Valid(
        "error", "7::", {"type": "error", "endpoint": "", "reason": "", "advice": ""}
    ),
    Valid(
        "error with a reason",
        "7:::0",
        {
            "type": "error",
            "endpoint": "",
            "reason": "transport not supported",
            "advice": "",
        },
    ),
    Valid(
        "error with a reason and an advice",
        "7:::2+0",
        {
            "type": "error",
            "endpoint": "",
            "reason": "unauthorized",
            "advice": "reconnect",
        },
    ),
    Valid(
        "error with an advice alone",
        "7:::+0",
        {"type": "error", "endpoint": "", "reason": "", "advice": "reconnect"},
    ),
    Valid(
        "error of a namespace",
        "7::/woot:1",
        {
            "type": "error",
            "endpoint": "/woot",
            "reason": "client not handshaken",
            "advice": "",
        },
    ),
    Valid("noop", "8::", {"type": "noop", "endpoint": ""}),
]

#: Other spellings that are read.
SOCKETIO_1_READ = [
    # Found by fuzzing: the id says nothing.
    Valid(
        "disconnect with an id",
        "0:5::",
        {"type": "disconnect", "endpoint": "", "id": 5, "ack": True},
    ),
    Valid("heartbeat, third colon", "2:::", {"type": "heartbeat", "endpoint": ""}),
    Valid(
        "error, third colon",
        "7:::",
        {"type": "error", "endpoint": "", "reason": "", "advice": ""},
    ),
    Valid(
        "message without data",
        "3:5:/tobi",
        {"type": "message", "endpoint": "/tobi", "id": 5, "ack": True, "data": ""},
    ),
    Valid(
        "event with spaces in its JSON",
        '5::: {"args" : [ ], "name" : "a"} ',
        {"type": "event", "endpoint": "", "name": "a", "args": []},
    ),
    Valid(
        "event with escapes",
        '5:::{"name":"\\u2603","args":["\\ud83d\\ude00"]}',
        {"type": "event", "endpoint": "", "name": "\u2603", "args": [EMOJI]},
    ),
    Valid(
        "ack with an empty list",
        "6:::4+[]",
        {"type": "ack", "endpoint": "", "ackId": 4, "args": []},
    ),
]

SOCKETIO_1_MALFORMED = [
    Malformed("nothing", "", PacketError),
    Malformed("no colon", "5", PacketError),
    Malformed("one colon", "5:1", PacketError),
    Malformed("no type", "::", PacketError),
    Malformed("type 9", "9::", PacketError),
    Malformed("negative type", "-1::", PacketError),
    Malformed("letter for a type", "a::", PacketError),
    Malformed("two digits for a type", '55:::{"name":"a"}', PacketError),
    Malformed("all types at once", "012345678::", PacketError),
    Malformed("type in Arabic digits", f'{ARABIC_FIVE}:::{{"name":"a"}}', PacketError),
    Malformed("space before the type", ' 5:::{"name":"a"}', PacketError),
    Malformed("id of letters", '5:x::{"name":"a"}', PacketError),
    Malformed("plus without an id", '5:+::{"name":"a"}', PacketError),
    Malformed("two pluses", '5:1++::{"name":"a"}', PacketError),
    Malformed("negative id", '5:-1::{"name":"a"}', PacketError),
    Malformed("id with a space", '5: 1::{"name":"a"}', PacketError),
    Malformed("id with a point", '5:1.5::{"name":"a"}', PacketError),
    Malformed("id with an underscore", '5:1_0::{"name":"a"}', PacketError),
    Malformed("id in Arabic digits", f'5:{ARABIC_FIVE}::{{"name":"a"}}', PacketError),
    Malformed("superscript id", f'5:{SUPERSCRIPT_FIVE}::{{"name":"a"}}', PacketError),
    Malformed("id of 17 digits", f'5:{SEVENTEEN_DIGITS}::{{"name":"a"}}', PacketError),
    Malformed("id of 10,000 digits", f'5:{LONG_NUMBER}::{{"name":"a"}}', PacketError),
    Malformed("event without JSON", "5:::", InvalidJSON),
    Malformed("event without data", "5::", InvalidJSON),
    Malformed("event cut short", '5:::{"name":"a","args":[1', InvalidJSON),
    Malformed("event and more", '5:::{"name":"a"}}', InvalidJSON),
    Malformed("event in single quotes", "5:::{'name':'a'}", InvalidJSON),
    Malformed("event and a no-break space", '5:::{"name":"a"}\xa0', InvalidJSON),
    Malformed("event is a list", '5:::["a"]', PacketError),
    Malformed("event is a string", '5:::"a"', PacketError),
    Malformed("event is null", "5:::null", PacketError),
    Malformed("event without a name", '5:::{"args":[]}', PacketError),
    Malformed("event name is a boolean", '5:::{"name":true}', PacketError),
    Malformed("event name is null", '5:::{"name":null}', PacketError),
    Malformed("event name is a list", '5:::{"name":["a"]}', PacketError),
    Malformed("arguments are an object", '5:::{"name":"a","args":{}}', PacketError),
    Malformed("arguments are a string", '5:::{"name":"a","args":"b"}', PacketError),
    Malformed("arguments are a number", '5:::{"name":"a","args":0}', PacketError),
    Malformed("NaN in an event", '5:::{"name":"a","args":[NaN]}', InvalidJSON),
    Malformed("deep event", f'5:::{{"name":"a","args":{DEEP_LIST}', InvalidJSON),
    Malformed(
        "deep closed event",
        f'5:::{{"name":"a","args":{DEEP_CLOSED_LIST}}}',
        InvalidJSON,
    ),
    Malformed("long number", f'5:::{{"name":"a","args":[{LONG_NUMBER}]}}', InvalidJSON),
    Malformed("json without JSON", "4:::", InvalidJSON),
    Malformed("json cut short", "4:::{", InvalidJSON),
    Malformed("json is NaN", "4:::NaN", InvalidJSON),
    Malformed("json is Infinity", "4:::-Infinity", InvalidJSON),
    Malformed("deep json", "4:::" + DEEP_OBJECT, InvalidJSON),
    Malformed("json is a long number", "4:::" + LONG_NUMBER, InvalidJSON),
    Malformed("ack of nothing", "6:::", PacketError),
    Malformed("ack without data", "6::", PacketError),
    Malformed("ack of a word", "6:::x", PacketError),
    Malformed("ack of a negative id", "6:::-1", PacketError),
    Malformed("ack in Arabic digits", f"6:::{ARABIC_FIVE}", PacketError),
    Malformed("ack of 17 digits", f"6:::{SEVENTEEN_DIGITS}", PacketError),
    Malformed("ack with an object", "6:::1+{}", PacketError),
    Malformed("ack with a string", '6:::1+"a"', PacketError),
    Malformed("ack cut short", '6:::1+["a"', InvalidJSON),
    Malformed("deep ack", "6:::1+" + DEEP_LIST, InvalidJSON),
    Malformed("unknown reason", "7:::3", PacketError),
    Malformed("unknown advice", "7:::0+1", PacketError),
    Malformed("reason in words", "7:::unauthorized", PacketError),
    Malformed("negative reason", "7:::-1", PacketError),
    Malformed("advice in Arabic digits", "7:::0+\u0660", PacketError),
]


# Payloads


def _framed(*packets: str) -> bytes:
    """A payload whose lengths count characters, which is right up to U+FFFF."""
    return "".join(f"{MARK}{len(text)}{MARK}{text}" for text in packets).encode()


#: Read and written alike; lengths are as JavaScript's ``length`` counts.
SOCKETIO_1_PAYLOADS = [
    Payload("one packet stands alone", b"5:::{}", ["5:::{}"]),
    Payload(
        "three packets",
        "\ufffd5\ufffd3:::5\ufffd7\ufffd3:::53d\ufffd3\ufffd0::".encode(),
        ["3:::5", "3:::53d", "0::"],
    ),
    Payload(
        "an empty packet among others",
        "\ufffd0\ufffd\ufffd3\ufffd2::".encode(),
        ["", "2::"],
    ),
    Payload(
        "e with an accent is one unit",
        "\ufffd5\ufffd3:::\u00e9\ufffd3\ufffd2::".encode(),
        ["3:::\u00e9", "2::"],
    ),
    Payload(
        "kanji are one unit each",
        "\ufffd6\ufffd3:::\u6f22\u5b57\ufffd3\ufffd2::".encode(),
        ["3:::\u6f22\u5b57", "2::"],
    ),
    Payload(
        "a snowman is one unit",
        "\ufffd5\ufffd3:::\u2603\ufffd3\ufffd2::".encode(),
        ["3:::\u2603", "2::"],
    ),
    Payload(
        "a line separator is one unit",
        "\ufffd5\ufffd3:::\u2028\ufffd3\ufffd2::".encode(),
        ["3:::\u2028", "2::"],
    ),
    Payload(
        "an emoji is two units",
        "\ufffd6\ufffd3:::\U0001f600\ufffd3\ufffd2::".encode(),
        ["3:::\U0001f600", "2::"],
    ),
    Payload(
        "an emoji of several characters",
        "\ufffd9\ufffd3:::\U0001f469\u200d\U0001f680\ufffd4\ufffd3:::".encode(),
        ["3:::\U0001f469\u200d\U0001f680", "3:::"],
    ),
    Payload(
        "the mark inside a packet",
        "\ufffd7\ufffd3:::\ufffd9\ufffd\ufffd3\ufffd2::".encode(),
        ["3:::\ufffd9\ufffd", "2::"],
    ),
    Payload(
        "the mark beside an emoji",
        "\ufffd8\ufffd3:::\ufffd\U0001f600\ufffd\ufffd3\ufffd2::".encode(),
        ["3:::\ufffd\U0001f600\ufffd", "2::"],
    ),
    Payload(
        "two digits of length",
        "\ufffd12\ufffd3:::abcdefgh\ufffd3\ufffd2::".encode(),
        ["3:::abcdefgh", "2::"],
    ),
]

#: Other spellings that are read.
SOCKETIO_1_PAYLOADS_READ = [
    Payload("one packet, framed", _framed("2::"), ["2::"]),
    Payload(
        "one emoji, framed", "\ufffd6\ufffd3:::\U0001f600".encode(), ["3:::\U0001f600"]
    ),
    Payload("leading zeros", "\ufffd003\ufffd2::".encode(), ["2::"]),
    Payload(
        "the mark not in front", "3:::\ufffd3\ufffd".encode(), ["3:::\ufffd3\ufffd"]
    ),
]

SOCKETIO_1_PAYLOADS_MALFORMED = [
    Malformed("mark alone", MARK.encode(), PayloadError),
    Malformed("two marks", (MARK * 2).encode(), PayloadError),
    Malformed("many marks", (MARK * 1000).encode(), PayloadError),
    Malformed("length without its end", f"{MARK}3".encode(), PayloadError),
    Malformed("no length", f"{MARK}{MARK}2::".encode(), PayloadError),
    Malformed(
        "negative length",
        f"{MARK}-1{MARK}2::".encode(),
        PayloadError,
        "the length of a packet is missing: '-1'",
    ),
    Malformed(
        "negative length that goes back to the start",
        f"{MARK}3{MARK}2::{MARK}-6{MARK}2::".encode(),
        PayloadError,
    ),
    Malformed("length with a sign", f"{MARK}+3{MARK}2::".encode(), PayloadError),
    Malformed("length of letters", f"{MARK}abc{MARK}2::".encode(), PayloadError),
    Malformed("length in hex", f"{MARK}0x3{MARK}2::".encode(), PayloadError),
    Malformed("length with a point", f"{MARK}3.0{MARK}2::".encode(), PayloadError),
    Malformed("length with an exponent", f"{MARK}3e0{MARK}2::".encode(), PayloadError),
    Malformed("length with a space", f"{MARK} 3{MARK}2::".encode(), PayloadError),
    Malformed(
        "length with an underscore", f"{MARK}0_3{MARK}2::".encode(), PayloadError
    ),
    Malformed("length NaN", f"{MARK}NaN{MARK}2::".encode(), PayloadError),
    Malformed(
        "length in Arabic digits",
        f"{MARK}{ARABIC_FIVE}{MARK}3:::a".encode(),
        PayloadError,
    ),
    Malformed(
        "length in fullwidth digits",
        f"{MARK}{FULLWIDTH_FIVE}{MARK}3:::a".encode(),
        PayloadError,
    ),
    Malformed(
        "length in superscript",
        f"{MARK}{SUPERSCRIPT_FIVE}{MARK}3:::a".encode(),
        PayloadError,
    ),
    Malformed(
        "length in Arabic digits beside an emoji",
        f"{MARK}6{MARK}3:::{EMOJI}{MARK}{ARABIC_FIVE}{MARK}3:::a".encode(),
        PayloadError,
    ),
    Malformed(
        "huge length",
        f"{MARK}9999999999{MARK}2::".encode(),
        PayloadError,
        "the payload is shorter than its lengths say",
    ),
    Malformed(
        "length of 17 digits",
        f"{MARK}{SEVENTEEN_DIGITS}{MARK}2::".encode(),
        PayloadError,
    ),
    Malformed(
        "length of 10,000 digits",
        f"{MARK}{LONG_NUMBER}{MARK}2::".encode(),
        PayloadError,
    ),
    Malformed("truncated packet", f"{MARK}4{MARK}2::".encode(), PayloadError),
    Malformed("truncated second packet", _framed("2::", "3:::abc")[:-1], PayloadError),
    Malformed(
        "truncated second length", f"{MARK}3{MARK}2::{MARK}3".encode(), PayloadError
    ),
    Malformed("trailing mark", f"{MARK}3{MARK}2::{MARK}".encode(), PayloadError),
    Malformed("length too small", f"{MARK}2{MARK}2::".encode(), PayloadError),
    Malformed("packet without a frame", f"{MARK}3{MARK}2::2::".encode(), PayloadError),
    Malformed(
        "another character for a mark",
        f"{MARK}3{MARK}2::x3{MARK}2::".encode(),
        PayloadError,
    ),
    Malformed(
        "half an emoji for a mark",
        f"{MARK}1{MARK}{EMOJI}3{MARK}2::".encode(),
        PayloadError,
    ),
    Malformed(
        "length that counts bytes of UTF-8",
        f"{MARK}10{MARK}3:::\u6f22\u5b57{MARK}3{MARK}2::".encode(),
        PayloadError,
    ),
    Malformed(
        "length that counts an emoji once",
        f"{MARK}5{MARK}3:::{EMOJI}{MARK}3{MARK}2::".encode(),
        PayloadError,
    ),
    Malformed(
        "length that counts a snowman twice",
        f"{MARK}6{MARK}3:::\u2603{MARK}3{MARK}2::".encode(),
        PayloadError,
    ),
    Malformed(
        "length that cuts a surrogate pair",
        f"{MARK}1{MARK}{EMOJI}".encode(),
        PayloadError,
    ),
    Malformed(
        "length that cuts a pair before a mark",
        f"{MARK}6{MARK}3:::{EMOJI}{MARK}1{MARK}{EMOJI}{MARK}3{MARK}2::".encode(),
        PayloadError,
    ),
    Malformed("not UTF-8", b"3:::\xff", PayloadError, "the payload is not UTF-8"),
    Malformed("a surrogate in UTF-8", b"3:::\xed\xa0\x80", PayloadError),
    Malformed("UTF-8 cut short", f"3:::{EMOJI}".encode()[:-1], PayloadError),
    Malformed("UTF-16", _framed("2::").decode().encode("utf-16"), PayloadError),
    Malformed("too large", b"3:::" + b"x" * (MAX_MESSAGE_SIZE - 3), PayloadTooLarge),
    Malformed(
        "too large, not UTF-8", b"\xff" * (MAX_MESSAGE_SIZE + 1), PayloadTooLarge
    ),
]
