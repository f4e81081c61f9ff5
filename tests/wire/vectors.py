"""Golden vectors of every protocol, as plain data.

*Valid* vectors are literal packets of the published protocols with the value they stand
for; most are examples of the documents or of the reference parsers' own tests.
*Malformed* ones name the error that answers them. A server must survive each of them
as well, so its tests may send them over a connection: packets go into a text message
(Socket.IO 5 packets behind Engine.IO's ``4``), payloads are the body of a POST, frames
are what a client writes to its socket, and closes are the payload of a close frame.
"""

from __future__ import annotations

from typing import NamedTuple

from tgext.socketio.wire.errors import (
    FrameError,
    InvalidFramePayload,
    InvalidJSON,
    MessageTooBig,
    PacketError,
    PayloadError,
    PayloadTooLarge,
    ProtocolError,
)
from tgext.socketio.wire.limits import MAX_MESSAGE_SIZE
from tgext.socketio.wire.packet import Packet


class Valid(NamedTuple):
    """A packet and its meaning."""

    name: str
    text: str
    packet: Packet


class Malformed(NamedTuple):
    """Text that no peer may send."""

    name: str
    text: str
    error: type[ProtocolError]


class MalformedBytes(NamedTuple):
    """Bytes that no peer may send."""

    name: str
    data: bytes
    error: type[ProtocolError]


MARK = "\ufffd"
EMOJI = "\U0001f600"
ARABIC_FIVE = "\u0665"
FULLWIDTH_FIVE = "\uff15"
SUPERSCRIPT_FIVE = "\u2075"

#: Deeper than any parser goes, and longer than Python reads.
DEEP_LIST = "[" * 100_000
DEEP_CLOSED_LIST = "[" * 100_000 + "]" * 100_000
DEEP_OBJECT = '{"a":' * 100_000
LONG_NUMBER = "1" * 10_000
SEVENTEEN_DIGITS = "12345678901234567"


# Socket.IO 0.9, packets

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
    Malformed("event name is a number", '5:::{"name":1}', PacketError),
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


# Socket.IO 0.9, payloads


def _framed(*packets: str) -> bytes:
    """A payload whose lengths count characters, which is right up to U+FFFF."""
    return "".join(f"{MARK}{len(text)}{MARK}{text}" for text in packets).encode()


class ValidPayload(NamedTuple):
    """The body of a POST and the packets in it."""

    name: str
    data: bytes
    packets: list[str]


#: Read and written alike; lengths are as JavaScript's ``length`` counts.
SOCKETIO_1_PAYLOADS = [
    ValidPayload("one packet stands alone", b"5:::{}", ["5:::{}"]),
    ValidPayload(
        "three packets",
        "\ufffd5\ufffd3:::5\ufffd7\ufffd3:::53d\ufffd3\ufffd0::".encode(),
        ["3:::5", "3:::53d", "0::"],
    ),
    ValidPayload(
        "an empty packet among others",
        "\ufffd0\ufffd\ufffd3\ufffd2::".encode(),
        ["", "2::"],
    ),
    ValidPayload(
        "e with an accent is one unit",
        "\ufffd5\ufffd3:::\u00e9\ufffd3\ufffd2::".encode(),
        ["3:::\u00e9", "2::"],
    ),
    ValidPayload(
        "kanji are one unit each",
        "\ufffd6\ufffd3:::\u6f22\u5b57\ufffd3\ufffd2::".encode(),
        ["3:::\u6f22\u5b57", "2::"],
    ),
    ValidPayload(
        "a snowman is one unit",
        "\ufffd5\ufffd3:::\u2603\ufffd3\ufffd2::".encode(),
        ["3:::\u2603", "2::"],
    ),
    ValidPayload(
        "a line separator is one unit",
        "\ufffd5\ufffd3:::\u2028\ufffd3\ufffd2::".encode(),
        ["3:::\u2028", "2::"],
    ),
    ValidPayload(
        "an emoji is two units",
        "\ufffd6\ufffd3:::\U0001f600\ufffd3\ufffd2::".encode(),
        ["3:::\U0001f600", "2::"],
    ),
    ValidPayload(
        "an emoji of several characters",
        "\ufffd9\ufffd3:::\U0001f469\u200d\U0001f680\ufffd4\ufffd3:::".encode(),
        ["3:::\U0001f469\u200d\U0001f680", "3:::"],
    ),
    ValidPayload(
        "the mark inside a packet",
        "\ufffd7\ufffd3:::\ufffd9\ufffd\ufffd3\ufffd2::".encode(),
        ["3:::\ufffd9\ufffd", "2::"],
    ),
    ValidPayload(
        "the mark beside an emoji",
        "\ufffd8\ufffd3:::\ufffd\U0001f600\ufffd\ufffd3\ufffd2::".encode(),
        ["3:::\ufffd\U0001f600\ufffd", "2::"],
    ),
    ValidPayload(
        "two digits of length",
        "\ufffd12\ufffd3:::abcdefgh\ufffd3\ufffd2::".encode(),
        ["3:::abcdefgh", "2::"],
    ),
]

#: Other spellings that are read.
SOCKETIO_1_PAYLOADS_READ = [
    ValidPayload("one packet, framed", _framed("2::"), ["2::"]),
    ValidPayload(
        "one emoji, framed", "\ufffd6\ufffd3:::\U0001f600".encode(), ["3:::\U0001f600"]
    ),
    ValidPayload("leading zeros", "\ufffd003\ufffd2::".encode(), ["2::"]),
    ValidPayload(
        "the mark not in front", "3:::\ufffd3\ufffd".encode(), ["3:::\ufffd3\ufffd"]
    ),
]

SOCKETIO_1_PAYLOADS_MALFORMED = [
    MalformedBytes("mark alone", MARK.encode(), PayloadError),
    MalformedBytes("two marks", (MARK * 2).encode(), PayloadError),
    MalformedBytes("many marks", (MARK * 1000).encode(), PayloadError),
    MalformedBytes("length without its end", f"{MARK}3".encode(), PayloadError),
    MalformedBytes("no length", f"{MARK}{MARK}2::".encode(), PayloadError),
    MalformedBytes("negative length", f"{MARK}-1{MARK}2::".encode(), PayloadError),
    MalformedBytes(
        "negative length that goes back to the start",
        f"{MARK}3{MARK}2::{MARK}-6{MARK}2::".encode(),
        PayloadError,
    ),
    MalformedBytes("length with a sign", f"{MARK}+3{MARK}2::".encode(), PayloadError),
    MalformedBytes("length of letters", f"{MARK}abc{MARK}2::".encode(), PayloadError),
    MalformedBytes("length in hex", f"{MARK}0x3{MARK}2::".encode(), PayloadError),
    MalformedBytes("length with a point", f"{MARK}3.0{MARK}2::".encode(), PayloadError),
    MalformedBytes(
        "length with an exponent", f"{MARK}3e0{MARK}2::".encode(), PayloadError
    ),
    MalformedBytes("length with a space", f"{MARK} 3{MARK}2::".encode(), PayloadError),
    MalformedBytes(
        "length with an underscore", f"{MARK}0_3{MARK}2::".encode(), PayloadError
    ),
    MalformedBytes("length NaN", f"{MARK}NaN{MARK}2::".encode(), PayloadError),
    MalformedBytes(
        "length in Arabic digits",
        f"{MARK}{ARABIC_FIVE}{MARK}3:::a".encode(),
        PayloadError,
    ),
    MalformedBytes(
        "length in fullwidth digits",
        f"{MARK}{FULLWIDTH_FIVE}{MARK}3:::a".encode(),
        PayloadError,
    ),
    MalformedBytes(
        "length in superscript",
        f"{MARK}{SUPERSCRIPT_FIVE}{MARK}3:::a".encode(),
        PayloadError,
    ),
    MalformedBytes(
        "length in Arabic digits beside an emoji",
        f"{MARK}6{MARK}3:::{EMOJI}{MARK}{ARABIC_FIVE}{MARK}3:::a".encode(),
        PayloadError,
    ),
    MalformedBytes("huge length", f"{MARK}9999999999{MARK}2::".encode(), PayloadError),
    MalformedBytes(
        "length of 17 digits",
        f"{MARK}{SEVENTEEN_DIGITS}{MARK}2::".encode(),
        PayloadError,
    ),
    MalformedBytes(
        "length of 10,000 digits",
        f"{MARK}{LONG_NUMBER}{MARK}2::".encode(),
        PayloadError,
    ),
    MalformedBytes("truncated packet", f"{MARK}4{MARK}2::".encode(), PayloadError),
    MalformedBytes(
        "truncated second packet", _framed("2::", "3:::abc")[:-1], PayloadError
    ),
    MalformedBytes(
        "truncated second length", f"{MARK}3{MARK}2::{MARK}3".encode(), PayloadError
    ),
    MalformedBytes("trailing mark", f"{MARK}3{MARK}2::{MARK}".encode(), PayloadError),
    MalformedBytes("length too small", f"{MARK}2{MARK}2::".encode(), PayloadError),
    MalformedBytes(
        "packet without a frame", f"{MARK}3{MARK}2::2::".encode(), PayloadError
    ),
    MalformedBytes(
        "another character for a mark",
        f"{MARK}3{MARK}2::x3{MARK}2::".encode(),
        PayloadError,
    ),
    MalformedBytes(
        "half an emoji for a mark",
        f"{MARK}1{MARK}{EMOJI}3{MARK}2::".encode(),
        PayloadError,
    ),
    MalformedBytes(
        "length that counts bytes of UTF-8",
        f"{MARK}10{MARK}3:::\u6f22\u5b57{MARK}3{MARK}2::".encode(),
        PayloadError,
    ),
    MalformedBytes(
        "length that counts an emoji once",
        f"{MARK}5{MARK}3:::{EMOJI}{MARK}3{MARK}2::".encode(),
        PayloadError,
    ),
    MalformedBytes(
        "length that counts a snowman twice",
        f"{MARK}6{MARK}3:::\u2603{MARK}3{MARK}2::".encode(),
        PayloadError,
    ),
    MalformedBytes(
        "length that cuts a surrogate pair",
        f"{MARK}1{MARK}{EMOJI}".encode(),
        PayloadError,
    ),
    MalformedBytes(
        "length that cuts a pair before a mark",
        f"{MARK}6{MARK}3:::{EMOJI}{MARK}1{MARK}{EMOJI}{MARK}3{MARK}2::".encode(),
        PayloadError,
    ),
    MalformedBytes("not UTF-8", b"3:::\xff", PayloadError),
    MalformedBytes("a surrogate in UTF-8", b"3:::\xed\xa0\x80", PayloadError),
    MalformedBytes("UTF-8 cut short", f"3:::{EMOJI}".encode()[:-1], PayloadError),
    MalformedBytes("UTF-16", _framed("2::").decode().encode("utf-16"), PayloadError),
    MalformedBytes(
        "too large", b"3:::" + b"x" * (MAX_MESSAGE_SIZE - 3), PayloadTooLarge
    ),
    MalformedBytes(
        "too large, not UTF-8", b"\xff" * (MAX_MESSAGE_SIZE + 1), PayloadTooLarge
    ),
]


# Engine.IO 4

ENGINEIO_MALFORMED = [
    Malformed("nothing", "", PayloadError),
    Malformed("type 7", "7", PayloadError),
    Malformed("type 9", "9hello", PayloadError),
    Malformed("letters", "abc", PayloadError),
    Malformed("negative type", "-1", PayloadError),
    Malformed("space before the type", " 4hello", PayloadError),
    Malformed("type in Arabic digits", "\u0664hello", PayloadError),
    Malformed("separator for a type", "\x1e4hello", PayloadError),
    Malformed("a long type", "x" * 100_000, PayloadError),
]

ENGINEIO_PAYLOADS_MALFORMED = [
    MalformedBytes("nothing", b"", PayloadError),
    MalformedBytes("separator alone", b"\x1e", PayloadError),
    MalformedBytes("separator in front", b"\x1e4hello", PayloadError),
    MalformedBytes("separator at the end", b"4hello\x1e", PayloadError),
    MalformedBytes("two separators", b"4hello\x1e\x1e4world", PayloadError),
    MalformedBytes("separators alone", b"\x1e" * 1000, PayloadError),
    MalformedBytes("unknown type", b"abc", PayloadError),
    MalformedBytes("unknown type among others", b"4hello\x1e7\x1e4world", PayloadError),
    MalformedBytes("lengths of Engine.IO 3", b"\x00\x06\xff4hello", PayloadError),
    MalformedBytes("base64 of one character", b"bA", PayloadError),
    MalformedBytes("base64 without its padding", b"bAQ", PayloadError),
    MalformedBytes("base64 and more", b"bAQ==!", PayloadError),
    MalformedBytes("base64 with a space", b"bAQID BA==", PayloadError),
    MalformedBytes("base64 of URLs", b"b_-8=", PayloadError),
    MalformedBytes("base64 beyond ASCII", "b\u00e9\u00e9==".encode(), PayloadError),
    MalformedBytes("base64 as Engine.IO 3 has it", b"b4AQIDBA==", PayloadError),
    MalformedBytes("bad base64 among others", b"4a\x1eb====\x1e4b", PayloadError),
    MalformedBytes("not UTF-8", b"4hello\xff", PayloadError),
    MalformedBytes("a surrogate in UTF-8", b"4\xed\xa0\x80", PayloadError),
    MalformedBytes("UTF-8 cut short", f"4{EMOJI}".encode()[:-1], PayloadError),
    MalformedBytes("too large", b"4" * (MAX_MESSAGE_SIZE + 1), PayloadTooLarge),
    MalformedBytes(
        "too large, not UTF-8", b"\xff" * (MAX_MESSAGE_SIZE + 1), PayloadTooLarge
    ),
]


# Engine.IO 3


class MixedPayload(NamedTuple):
    """The body of a POST or a poll, and its packets; bytes are those of a message."""

    name: str
    data: bytes
    packets: list[str | bytes]


class Dialects(NamedTuple):
    """What clients of Engine.IO 3 write for the same packets.

    As their parsers do: engine.io-parser 1.3.2 for 1.x, 2.2.1 for 2.x.
    """

    name: str
    packets: list[str | bytes]
    #: 1.x, as text: UTF-8 twice, and the length counts the bytes of the first time.
    twice: bytes
    #: 2.x, as text: UTF-8 once, and the length counts UTF-16 units.
    once: bytes
    #: As bytes, where both agree: UTF-8 once, and the length counts its bytes.
    binary: bytes


#: Text in ASCII, read and written alike.
ENGINEIO_3_PAYLOADS = [
    MixedPayload(
        "open, of the sample session",
        b'96:0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],'
        b'"pingInterval":25000,"pingTimeout":5000}',
        [
            '0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],'
            '"pingInterval":25000,"pingTimeout":5000}'
        ],
    ),
    MixedPayload("message in, of the sample session", b"4:4hey", ["4hey"]),
    MixedPayload(
        "messages out, of the sample session",
        b"6:4hello6:4world",
        ["4hello", "4world"],
    ),
    MixedPayload("ping and pong", b"1:21:3", ["2", "3"]),
    MixedPayload("probes", b"6:2probe6:3probe", ["2probe", "3probe"]),
    MixedPayload("colons and digits", b"4:4:1:6:42:0::", ["4:1:", "42:0::"]),
    MixedPayload("two digits of length", b'13:42["a","b:1"]', ['42["a","b:1"]']),
    MixedPayload("bytes", b"10:b4AQIDBA==", [b"\x01\x02\x03\x04"]),
    MixedPayload("no bytes", b"2:b4", [b""]),
    MixedPayload("every bit", b"6:b4////", [b"\xff\xff\xff"]),
    MixedPayload(
        "a packet and its attachments",
        b'41:451-["baz",{"_placeholder":true,"num":0}]' + b"6:b4+/8=1:2",
        ['451-["baz",{"_placeholder":true,"num":0}]', b"\xfb\xff", "2"],
    ),
]

ENGINEIO_3_DIALECTS = [
    Dialects(
        "ASCII",
        ["4hello", "4world"],
        b"6:4hello6:4world",
        b"6:4hello6:4world",
        b"\x00\x06\xff4hello\x00\x06\xff4world",
    ),
    Dialects(
        "the euro of the document",
        ["4hello", "4\u20ac"],
        b"6:4hello4:4\xc3\xa2\xc2\x82\xc2\xac",
        b"6:4hello2:4\xe2\x82\xac",
        b"\x00\x06\xff4hello\x00\x04\xff4\xe2\x82\xac",
    ),
    Dialects(
        "an accent",
        ["4caf\u00e9"],
        b"6:4caf\xc3\x83\xc2\xa9",
        b"5:4caf\xc3\xa9",
        b"\x00\x06\xff4caf\xc3\xa9",
    ),
    Dialects(
        "a snowman",
        ["4\u2603"],
        b"4:4\xc3\xa2\xc2\x98\xc2\x83",
        b"2:4\xe2\x98\x83",
        b"\x00\x04\xff4\xe2\x98\x83",
    ),
    Dialects(
        "kanji",
        ["4\u6f22\u5b57"],
        b"7:4\xc3\xa6\xc2\xbc\xc2\xa2\xc3\xa5\xc2\xad\xc2\x97",
        b"3:4\xe6\xbc\xa2\xe5\xad\x97",
        b"\x00\x07\xff4\xe6\xbc\xa2\xe5\xad\x97",
    ),
    Dialects(
        "an emoji is two units",
        ["4\U0001f600"],
        b"5:4\xc3\xb0\xc2\x9f\xc2\x98\xc2\x80",
        b"3:4\xf0\x9f\x98\x80",
        b"\x00\x05\xff4\xf0\x9f\x98\x80",
    ),
    Dialects(
        "a line separator",
        ["4a\u2028b"],
        b"6:4a\xc3\xa2\xc2\x80\xc2\xa8b",
        b"4:4a\xe2\x80\xa8b",
        b"\x00\x06\xff4a\xe2\x80\xa8b",
    ),
    Dialects(
        "an accent, then an emoji of several characters",
        ["4caf\u00e9", "4\U0001f469\u200d\U0001f680"],
        b"6:4caf\xc3\x83\xc2\xa912:4\xc3\xb0\xc2\x9f\xc2\x91\xc2\xa9"
        b"\xc3\xa2\xc2\x80\xc2\x8d\xc3\xb0\xc2\x9f\xc2\x9a\xc2\x80",
        b"5:4caf\xc3\xa96:4\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80",
        b"\x00\x06\xff4caf\xc3\xa9"
        b"\x00\x01\x02\xff4\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80",
    ),
    Dialects(
        "an accent and bytes",
        ["4caf\u00e9", b"\x01\x02\x03\x04"],
        b"6:4caf\xc3\x83\xc2\xa910:b4AQIDBA==",
        b"5:4caf\xc3\xa910:b4AQIDBA==",
        b"\x00\x06\xff4caf\xc3\xa9\x01\x05\xff\x04\x01\x02\x03\x04",
    ),
    Dialects(
        "bytes",
        [b"\x01\x02\x03\x04"],
        b"10:b4AQIDBA==",
        b"10:b4AQIDBA==",
        b"\x01\x05\xff\x04\x01\x02\x03\x04",
    ),
]

ENGINEIO_3_PAYLOADS_MALFORMED = [
    MalformedBytes("nothing", b"", PayloadError),
    MalformedBytes("no length", b"4hello", PayloadError),
    MalformedBytes("colon alone", b":", PayloadError),
    MalformedBytes("colon in front", b":4hello", PayloadError),
    MalformedBytes("length alone", b"6", PayloadError),
    MalformedBytes("length without its packet", b"6:", PayloadError),
    MalformedBytes("length of the second packet missing", b"1:24hello", PayloadError),
    MalformedBytes("length after the last packet", b"1:26", PayloadError),
    MalformedBytes("negative length", b"-1:4hello", PayloadError),
    MalformedBytes(
        "negative length that goes back to the start", b"1:2-4:2", PayloadError
    ),
    MalformedBytes("length with a sign", b"+6:4hello", PayloadError),
    MalformedBytes("length with a space", b" 6:4hello", PayloadError),
    MalformedBytes("length and a line end", b"6\n:4hello", PayloadError),
    MalformedBytes("length with a point", b"6.0:4hello", PayloadError),
    MalformedBytes("length with an exponent", b"6e0:4hello", PayloadError),
    MalformedBytes("length with an underscore", b"0_6:4hello", PayloadError),
    MalformedBytes("length in hex", b"0x6:4hello", PayloadError),
    MalformedBytes("length of letters", b"abc:4hello", PayloadError),
    MalformedBytes("length NaN", b"NaN:4hello", PayloadError),
    MalformedBytes(
        "length in Arabic digits", f"{ARABIC_FIVE}:4hell".encode(), PayloadError
    ),
    MalformedBytes(
        "length in fullwidth digits", f"{FULLWIDTH_FIVE}:4hell".encode(), PayloadError
    ),
    MalformedBytes(
        "length in superscript", f"{SUPERSCRIPT_FIVE}:4hell".encode(), PayloadError
    ),
    MalformedBytes("a byte order mark", b"\xef\xbb\xbf6:4hello", PayloadError),
    MalformedBytes("emoji for a length", f"{EMOJI}:4hello".encode(), PayloadError),
    MalformedBytes("length too large by one", b"7:4hello", PayloadError),
    MalformedBytes("length too small", b"5:4hello", PayloadError),
    MalformedBytes("huge length", b"9999999999:4hello", PayloadError),
    MalformedBytes("length of sixteen digits", b"9" * 16 + b":4hello", PayloadError),
    MalformedBytes(
        "length of 17 digits", f"{SEVENTEEN_DIGITS}:4hello".encode(), PayloadError
    ),
    MalformedBytes(
        "length of 17 digits, mostly zeros", b"0" * 16 + b"1:2", PayloadError
    ),
    MalformedBytes(
        "length of 10,000 digits", f"{LONG_NUMBER}:4hello".encode(), PayloadError
    ),
    MalformedBytes("digits alone", b"1" * 100_000, PayloadError),
    MalformedBytes("truncated second packet", b"6:4hello6:4worl", PayloadError),
    MalformedBytes(
        "length of 2.x that counts bytes", "4:4\u20ac1:2".encode(), PayloadError
    ),
    MalformedBytes(
        "length of 1.x that counts characters",
        b"2:4\xc3\xa2\xc2\x82\xc2\xac1:2",
        PayloadError,
    ),
    MalformedBytes(
        "length that counts an emoji once", f"2:4{EMOJI}1:2".encode(), PayloadError
    ),
    MalformedBytes(
        "length that cuts a surrogate pair", f"2:4{EMOJI}".encode(), PayloadError
    ),
    MalformedBytes(
        "length that begins inside a pair", f"2:4{EMOJI}1:2".encode(), PayloadError
    ),
    MalformedBytes("base64 without the 4", b"9:bAQIDBA==", PayloadError),
    MalformedBytes("base64 of a ping", b"6:b2AQ==", PayloadError),
    MalformedBytes("b alone", b"1:b", PayloadError),
    MalformedBytes("base64 of one character", b"3:b4A", PayloadError),
    MalformedBytes("base64 without its padding", b"4:b4AQ", PayloadError),
    MalformedBytes("base64 and more", b"7:b4AQ==!", PayloadError),
    MalformedBytes("base64 with a line end", b"7:b4AQ==\n", PayloadError),
    MalformedBytes("base64 of URLs", b"6:b4_-8=", PayloadError),
    MalformedBytes("base64 beyond ASCII", "6:b4\u00e9\u00e9==".encode(), PayloadError),
    MalformedBytes("base64 cut short", b"5:b4AQ=", PayloadError),
    MalformedBytes("bytes", b"\x00\x06\xff4hello", PayloadError),
    MalformedBytes("separators of Engine.IO 4", b"4hello\x1e4world", PayloadError),
    MalformedBytes("not UTF-8", b"2:4\xff", PayloadError),
    MalformedBytes("a surrogate in UTF-8", b"2:4\xed\xa0\x80", PayloadError),
    MalformedBytes("UTF-8 cut short", f"3:4{EMOJI}".encode()[:-1], PayloadError),
    MalformedBytes("UTF-16", "6:4hello".encode("utf-16"), PayloadError),
    MalformedBytes(
        "too large", b"999993:4" + b"x" * (MAX_MESSAGE_SIZE - 7), PayloadTooLarge
    ),
    MalformedBytes(
        "too large, not UTF-8", b"\xff" * (MAX_MESSAGE_SIZE + 1), PayloadTooLarge
    ),
]

#: Bodies of the type ``application/octet-stream``.
ENGINEIO_3_BINARY_MALFORMED = [
    MalformedBytes("nothing", b"", PayloadError),
    MalformedBytes("kind alone", b"\x00", PayloadError),
    MalformedBytes("kind 2", b"\x02\x01\xff2", PayloadError),
    MalformedBytes("kind 255", b"\xff\x01\xff2", PayloadError),
    MalformedBytes("kind as a character", b"0\x01\xff2", PayloadError),
    MalformedBytes("no length", b"\x00\xff2", PayloadError),
    MalformedBytes("length without its end", b"\x00\x01", PayloadError),
    MalformedBytes("length without its end, then a packet", b"\x00\x012", PayloadError),
    MalformedBytes("digit 10", b"\x00\x0a\xff" + b"4" * 10, PayloadError),
    MalformedBytes("digit 254", b"\x00\xfe\xff" + b"4" * 254, PayloadError),
    MalformedBytes("negative length", b"\x00-\x01\xff2", PayloadError),
    MalformedBytes("length in characters", b"\x001\xff2", PayloadError),
    MalformedBytes("length too large by one", b"\x00\x02\xff2", PayloadError),
    MalformedBytes("length too small", b"\x00\x05\xff4hello", PayloadError),
    MalformedBytes("huge length", b"\x00" + b"\x09" * 10 + b"\xff4hello", PayloadError),
    MalformedBytes(
        "length of sixteen digits", b"\x00" + b"\x09" * 16 + b"\xff2", PayloadError
    ),
    MalformedBytes(
        "length of 17 digits, mostly zeros",
        b"\x00" + b"\x00" * 16 + b"\x01\xff2",
        PayloadError,
    ),
    MalformedBytes(
        "length of 10,000 digits", b"\x00" + b"\x01" * 10_000 + b"\xff2", PayloadError
    ),
    MalformedBytes("zeros alone", bytes(100_000), PayloadError),
    MalformedBytes("truncated text", b"\x00\x06\xff4hell", PayloadError),
    MalformedBytes("truncated bytes", b"\x01\x05\xff\x04\x01\x02\x03", PayloadError),
    MalformedBytes("truncated second length", b"\x00\x01\xff2\x00\x01", PayloadError),
    MalformedBytes("bytes without a type", b"\x01\x00\xff", PayloadError),
    MalformedBytes("bytes of a ping", b"\x01\x02\xff\x02\x01", PayloadError),
    MalformedBytes("type of bytes as a character", b"\x01\x02\xff4\x01", PayloadError),
    MalformedBytes("text is not UTF-8", b"\x00\x02\xff4\xff", PayloadError),
    MalformedBytes("text is latin-1", b"\x00\x05\xff4caf\xe9", PayloadError),
    MalformedBytes("length that cuts UTF-8", b"\x00\x03\xff4\xe2\x98", PayloadError),
    MalformedBytes("text in its place", b"6:4hello", PayloadError),
    MalformedBytes(
        "too large",
        b"\x00\x09\x09\x09\x09\x09\x03\xff4" + b"x" * (MAX_MESSAGE_SIZE - 7),
        PayloadTooLarge,
    ),
    MalformedBytes(
        "too large, nothing of it right",
        b"\xff" * (MAX_MESSAGE_SIZE + 1),
        PayloadTooLarge,
    ),
]


# Socket.IO 5

#: Read and written alike.
SOCKETIO_5_VALID = [
    Valid("connect", "0", {"type": "connect", "endpoint": "", "data": None}),
    Valid(
        "connect to /admin",
        "0/admin,",
        {"type": "connect", "endpoint": "/admin", "data": None},
    ),
    Valid(
        "connect with auth",
        '0{"token":"123"}',
        {"type": "connect", "endpoint": "", "data": {"token": "123"}},
    ),
    Valid(
        "connect to /admin with auth",
        '0/admin,{"token":"123"}',
        {"type": "connect", "endpoint": "/admin", "data": {"token": "123"}},
    ),
    Valid("disconnect", "1", {"type": "disconnect", "endpoint": ""}),
    Valid(
        "disconnect of /admin", "1/admin,", {"type": "disconnect", "endpoint": "/admin"}
    ),
    Valid(
        "event",
        '2["foo"]',
        {"type": "event", "endpoint": "", "name": "foo", "args": []},
    ),
    Valid(
        "event of /admin",
        '2/admin,["bar"]',
        {"type": "event", "endpoint": "/admin", "name": "bar", "args": []},
    ),
    Valid(
        "event with arguments",
        '2["message",1,"2",{"3":[true]}]',
        {
            "type": "event",
            "endpoint": "",
            "name": "message",
            "args": [1, "2", {"3": [True]}],
        },
    ),
    Valid(
        "event with an id",
        '212["foo"]',
        {
            "type": "event",
            "endpoint": "",
            "id": 12,
            "ack": "data",
            "name": "foo",
            "args": [],
        },
    ),
    Valid(
        "event with the id 0",
        '20["foo"]',
        {
            "type": "event",
            "endpoint": "",
            "id": 0,
            "ack": "data",
            "name": "foo",
            "args": [],
        },
    ),
    Valid(
        "event of /chat with an id",
        '2/chat,12["a",1]',
        {
            "type": "event",
            "endpoint": "/chat",
            "id": 12,
            "ack": "data",
            "name": "a",
            "args": [1],
        },
    ),
    Valid(
        "event whose id has sixteen digits",
        '29007199254740991["a"]',
        {
            "type": "event",
            "endpoint": "",
            "id": 2**53 - 1,
            "ack": "data",
            "name": "a",
            "args": [],
        },
    ),
    Valid(
        "event with commas and slashes in its data",
        '2["a","/x,y",[1,2]]',
        {"type": "event", "endpoint": "", "name": "a", "args": ["/x,y", [1, 2]]},
    ),
    Valid("ack", "312[]", {"type": "ack", "endpoint": "", "ackId": 12, "args": []}),
    Valid(
        "ack of /admin",
        '3/admin,13["bar"]',
        {"type": "ack", "endpoint": "/admin", "ackId": 13, "args": ["bar"]},
    ),
]

#: Other spellings, and what only clients send.
SOCKETIO_5_READ = [
    Valid(
        "connect, no comma",
        "0/random",
        {"type": "connect", "endpoint": "/random", "data": None},
    ),
    Valid("connect to /", "0/,", {"type": "connect", "endpoint": "", "data": None}),
    Valid(
        "connect with a query, as 1.x and 2.x send it",
        "0/chat?token=abc&x=1,",
        {"type": "connect", "endpoint": "/chat", "qs": "token=abc&x=1", "data": None},
    ),
    Valid(
        "connect, auth is null",
        "0null",
        {"type": "connect", "endpoint": "", "data": None},
    ),
    Valid(
        "disconnect, no comma",
        "1/custom",
        {"type": "disconnect", "endpoint": "/custom"},
    ),
    Valid(
        "event of /",
        '2/,["a"]',
        {"type": "event", "endpoint": "", "name": "a", "args": []},
    ),
    Valid(
        "event with spaces in its JSON",
        '2 [ "a" , 1 ] ',
        {"type": "event", "endpoint": "", "name": "a", "args": [1]},
    ),
    Valid(
        "event with escapes",
        '2["\\u2603","\\ud83d\\ude00"]',
        {"type": "event", "endpoint": "", "name": "\u2603", "args": [EMOJI]},
    ),
    Valid(
        "binary event",
        '51-["baz",{"_placeholder":true,"num":0}]',
        {
            "type": "event",
            "endpoint": "",
            "attachments": 1,
            "name": "baz",
            "args": [{"_placeholder": True, "num": 0}],
        },
    ),
    Valid(
        "binary event of /admin",
        '52-/admin,["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
        {
            "type": "event",
            "endpoint": "/admin",
            "attachments": 2,
            "name": "baz",
            "args": [
                {"_placeholder": True, "num": 0},
                {"_placeholder": True, "num": 1},
            ],
        },
    ),
    Valid(
        "binary event with an id",
        '51-14["foo",{"_placeholder":true,"num":0}]',
        {
            "type": "event",
            "endpoint": "",
            "attachments": 1,
            "id": 14,
            "ack": "data",
            "name": "foo",
            "args": [{"_placeholder": True, "num": 0}],
        },
    ),
    Valid(
        "binary event without attachments",
        '50-["a"]',
        {"type": "event", "endpoint": "", "attachments": 0, "name": "a", "args": []},
    ),
    Valid(
        "binary ack",
        '61-15["bar",{"_placeholder":true,"num":0}]',
        {
            "type": "ack",
            "endpoint": "",
            "attachments": 1,
            "ackId": 15,
            "args": ["bar", {"_placeholder": True, "num": 0}],
        },
    ),
    Valid(
        "binary ack of /admin",
        '61-/admin,15[{"_placeholder":true,"num":0}]',
        {
            "type": "ack",
            "endpoint": "/admin",
            "attachments": 1,
            "ackId": 15,
            "args": [{"_placeholder": True, "num": 0}],
        },
    ),
]

SOCKETIO_5_MALFORMED = [
    Malformed("nothing", "", PacketError),
    Malformed("type 7", '7["a"]', PacketError),
    Malformed("letters", "abc", PacketError),
    Malformed("negative type", '-2["a"]', PacketError),
    Malformed("space before the type", ' 2["a"]', PacketError),
    Malformed("type in Arabic digits", '\u0662["a"]', PacketError),
    Malformed("JSON alone", '["a"]', PacketError),
    Malformed("event without data", "2", InvalidJSON),
    Malformed("event of a namespace without data", "2/chat,", InvalidJSON),
    Malformed("event with an id and no data", "212", InvalidJSON),
    Malformed("namespace without a comma", '2/chat["a"]', InvalidJSON),
    Malformed("namespace without a slash", '2chat,["a"]', InvalidJSON),
    Malformed("event cut short", '2["a",1', InvalidJSON),
    Malformed("event and more", '2["a"]]', InvalidJSON),
    Malformed("no-break space at the end", '2["a"]\xa0', InvalidJSON),
    Malformed("NUL at the end", '2["a"]\0', InvalidJSON),
    Malformed("empty list", "2[]", PacketError),
    Malformed("event is an object", '2{"name":"a"}', PacketError),
    Malformed("event is a string", '2"a"', PacketError),
    Malformed("event is null", "2null", PacketError),
    Malformed("event name is a number", "2[1]", PacketError),
    Malformed("event name is null", "2[null]", PacketError),
    Malformed("event name is a list", '2[["a"]]', PacketError),
    Malformed("event name is an object", "2[{}]", PacketError),
    Malformed("negative id", '2-1["a"]', InvalidJSON),
    Malformed("id in Arabic digits", f'2{ARABIC_FIVE}["a"]', InvalidJSON),
    Malformed("id with a point", '21.5["a"]', InvalidJSON),
    Malformed("id of 17 digits", f'2{SEVENTEEN_DIGITS}["a"]', PacketError),
    Malformed("id of 10,000 digits", f'2{LONG_NUMBER}["a"]', PacketError),
    Malformed("NaN", '2["a",NaN]', InvalidJSON),
    Malformed("Infinity", '2["a",Infinity]', InvalidJSON),
    Malformed("deep list", '2["a",' + DEEP_LIST, InvalidJSON),
    Malformed("deep closed list", f'2["a",{DEEP_CLOSED_LIST}]', InvalidJSON),
    Malformed("deep object", '2["a",' + DEEP_OBJECT, InvalidJSON),
    Malformed("long number", f'2["a",{LONG_NUMBER}]', InvalidJSON),
    Malformed("attachments of a plain event", '21-["a"]', PacketError),
    Malformed("attachments of a connect", "01-", PacketError),
    Malformed("attachments of a disconnect", "11-", PacketError),
    Malformed("attachments of an ack", "31-12[]", PacketError),
    Malformed("binary event without a count", '5["a"]', PacketError),
    Malformed("binary event with a dash alone", '5-["a"]', PacketError),
    Malformed("binary event with an id for a count", '51["a"]', PacketError),
    Malformed("binary event without data", "50-", InvalidJSON),
    Malformed("binary ack without data", "61-15", InvalidJSON),
    Malformed("65 attachments", '565-["a"]', PacketError),
    Malformed("9999999999 attachments", '59999999999-["a"]', PacketError),
    Malformed("attachments of 10,000 digits", f'5{LONG_NUMBER}-["a"]', PacketError),
    Malformed("negative attachments", '5-1-["a"]', PacketError),
    Malformed("attachments in Arabic digits", f'5{ARABIC_FIVE}-["a"]', PacketError),
    Malformed("binary ack without a count", "615[]", PacketError),
    Malformed("binary ack without an id", "61-[]", PacketError),
    Malformed("ack without an id", '3["a"]', PacketError),
    Malformed("ack without data", "312", InvalidJSON),
    Malformed("ack is an object", "312{}", PacketError),
    Malformed("ack is a string", '312"a"', PacketError),
    Malformed("ack of 17 digits", f"3{SEVENTEEN_DIGITS}[]", PacketError),
    Malformed("auth is a list", '0["a"]', PacketError),
    Malformed("auth is a string", '0"a"', PacketError),
    Malformed("auth is false", "0false", PacketError),
    Malformed("auth cut short", '0{"token":', InvalidJSON),
    Malformed("deep auth", "0" + DEEP_OBJECT, InvalidJSON),
    Malformed("connect with an id", "012", PacketError),
    Malformed("disconnect with data", '1["a"]', PacketError),
    Malformed("disconnect with a space", "1 ", PacketError),
    Malformed("disconnect with an id", "112", PacketError),
    Malformed("connect error", '4{"message":"a"}', PacketError),
]


#: Packets that announce one attachment and name another: refused when it has come.
PLACEHOLDERS_MALFORMED = [
    *(
        Malformed(
            f"attachment {name}",
            f'51-["a",{{"_placeholder":true,"num":{number}}}]',
            PacketError,
        )
        for name, number in (
            ("-1", "-1"),
            ("out of range", "1"),
            ("far out of range", "9007199254740991"),
            ("past 64 bits", "18446744073709551616"),
            ("far below", "-9223372036854775808"),
            ("0.0", "0.0"),
            ("0.5", "0.5"),
            ("1e4", "1e4"),
            ("in a string", '"0"'),
            ("true", "true"),
            ("false", "false"),
            ("null", "null"),
            ("in a list", "[0]"),
            ("in an object", '{"num":0}'),
            ("a placeholder", '{"_placeholder":true,"num":0}'),
            ("a long string", '"' + "0" * 100_000 + '"'),
        )
    ),
    Malformed("attachment missing", '51-["a",{"_placeholder":true}]', PacketError),
    Malformed(
        "attachment misspelt", '51-["a",{"_placeholder":true,"Num":0}]', PacketError
    ),
    Malformed(
        "second attachment of one",
        '51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
        PacketError,
    ),
    Malformed(
        "attachment of an ack", '61-1[{"_placeholder":true,"num":1}]', PacketError
    ),
    Malformed(
        "attachment far inside",
        '51-["a",{"b":[[{"c":{"_placeholder":true,"num":-1}}]]}]',
        PacketError,
    ),
]


# Socket.IO 3 and 4

#: Read and written alike, beside what they share with 5.
SOCKETIO_4_VALID = [
    Valid("connect", "0", {"type": "connect", "endpoint": ""}),
    Valid("connect to /admin", "0/admin,", {"type": "connect", "endpoint": "/admin"}),
]

#: What 1.x and 2.x clients write: socket.io-parser 2.3.1 and 3.3.6.
SOCKETIO_4_READ = [
    Valid("connect of 1.x", "0/admin", {"type": "connect", "endpoint": "/admin"}),
    Valid(
        "connect of 1.x with a query",
        "0/admin?token=abc",
        {"type": "connect", "endpoint": "/admin", "qs": "token=abc"},
    ),
    Valid(
        "connect of 2.x with a query",
        "0/admin?token=abc,",
        {"type": "connect", "endpoint": "/admin", "qs": "token=abc"},
    ),
    Valid("disconnect of 1.x", "1/admin", {"type": "disconnect", "endpoint": "/admin"}),
    Valid(
        "bytes inside an object",
        '52-/admin,3["baz",{"_placeholder":true,"num":0},'
        '{"a":{"_placeholder":true,"num":1}}]',
        {
            "type": "event",
            "endpoint": "/admin",
            "attachments": 2,
            "id": 3,
            "ack": "data",
            "name": "baz",
            "args": [
                {"_placeholder": True, "num": 0},
                {"a": {"_placeholder": True, "num": 1}},
            ],
        },
    ),
]

#: What 5 has and these have not.
SOCKETIO_4_MALFORMED = [
    Malformed("connect with auth", '0{"token":"123"}', PacketError),
    Malformed("connect with empty auth", "0{}", PacketError),
    Malformed("connect to /admin with auth", '0/admin,{"token":"123"}', PacketError),
    Malformed(
        "connect with a query and auth", '0/admin?a=1,{"token":"123"}', PacketError
    ),
    Malformed("error of a client", '4"Not authorized"', PacketError),
]


# WebSocket

#: The mask of the examples in RFC 6455, section 5.7.
MASK = b"\x37\xfa\x21\x3d"

FIN = 0x80


def client_frame(first: int, payload: bytes = b"", mask: bytes = MASK) -> bytes:
    """A masked frame with ``first`` as its first byte, whatever that says."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 1 << 16:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    masked = bytes(byte ^ mask[at & 3] for at, byte in enumerate(payload))
    return bytes([first]) + length + mask + masked


def _reserved(bit: int) -> bytes:
    return client_frame(FIN | bit | 0x1, b"Hello")


_HELLO = b"Hello"
_OPEN_TEXT = client_frame(0x1, b"Hel")
_HALF = b"\x82\xff" + (600_000).to_bytes(8, "big") + bytes(4 + 600_000)

#: What a client may not write, each named with its section of RFC 6455.
FRAMES_MALFORMED = [
    MalformedBytes("5.2 first reserved bit", _reserved(0x40), FrameError),
    MalformedBytes("5.2 second reserved bit", _reserved(0x20), FrameError),
    MalformedBytes("5.2 third reserved bit", _reserved(0x10), FrameError),
    MalformedBytes("5.2 reserved bit of a ping", client_frame(FIN | 0x49), FrameError),
    *(
        MalformedBytes(
            f"5.2 opcode {code:X}", client_frame(FIN | code, _HELLO), FrameError
        )
        for code in (0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF)
    ),
    MalformedBytes("5.1 unmasked text", b"\x81\x05Hello", FrameError),
    MalformedBytes("5.1 unmasked ping", b"\x89\x05Hello", FrameError),
    MalformedBytes("5.1 unmasked close", b"\x88\x02\x03\xe8", FrameError),
    MalformedBytes("5.1 unmasked continuation", _OPEN_TEXT + b"\x80\x02lo", FrameError),
    MalformedBytes("5.5 fragmented close", client_frame(0x8, b"\x03\xe8"), FrameError),
    MalformedBytes("5.5 fragmented ping", client_frame(0x9, _HELLO), FrameError),
    MalformedBytes("5.5 fragmented pong", client_frame(0xA, _HELLO), FrameError),
    MalformedBytes(
        "5.5 ping of 126 bytes", client_frame(FIN | 0x9, b"x" * 126), FrameError
    ),
    MalformedBytes(
        "5.5 pong of 65536 bytes", client_frame(FIN | 0xA, bytes(65536)), FrameError
    ),
    MalformedBytes(
        "5.5 close of 126 bytes",
        client_frame(FIN | 0x8, b"\x03\xe8" + b"x" * 124),
        FrameError,
    ),
    MalformedBytes(
        "5.4 continuation of nothing", client_frame(FIN, _HELLO), FrameError
    ),
    MalformedBytes(
        "5.4 open continuation of nothing", client_frame(0x0, _HELLO), FrameError
    ),
    MalformedBytes(
        "5.4 text inside a fragmented message",
        _OPEN_TEXT + client_frame(FIN | 0x1, b"lo"),
        FrameError,
    ),
    MalformedBytes(
        "5.4 binary inside a fragmented message",
        _OPEN_TEXT + client_frame(FIN | 0x2, b"lo"),
        FrameError,
    ),
    MalformedBytes(
        "5.4 second first fragment", _OPEN_TEXT + client_frame(0x1, b"lo"), FrameError
    ),
    MalformedBytes(
        "5.4 text after an empty first fragment",
        client_frame(0x1) + client_frame(FIN | 0x1, b"lo"),
        FrameError,
    ),
    MalformedBytes(
        "5.2 most significant bit of a length", b"\x82\xff\x80" + bytes(7), FrameError
    ),
    MalformedBytes("5.2 every bit of a length", b"\x82\xff" + b"\xff" * 8, FrameError),
    MalformedBytes(
        "10.4 3 GB", b"\x82\xff" + (3 << 30).to_bytes(8, "big"), MessageTooBig
    ),
    MalformedBytes(
        "10.4 2**63 - 1 bytes", b"\x81\xff\x7f" + b"\xff" * 7, MessageTooBig
    ),
    MalformedBytes(
        "10.4 one byte too many",
        b"\x82\xff" + (MAX_MESSAGE_SIZE + 1).to_bytes(8, "big"),
        MessageTooBig,
    ),
    MalformedBytes(
        "10.4 two fragments too large together",
        b"\x02" + _HALF[1:] + b"\x80" + _HALF[1:10],
        MessageTooBig,
    ),
    MalformedBytes(
        "8.1 text of 0xFF", client_frame(FIN | 0x1, b"a\xff"), InvalidFramePayload
    ),
    MalformedBytes(
        "8.1 overlong slash", client_frame(FIN | 0x1, b"\xc0\xaf"), InvalidFramePayload
    ),
    MalformedBytes(
        "8.1 surrogate", client_frame(FIN | 0x1, b"\xed\xa0\x80"), InvalidFramePayload
    ),
    MalformedBytes(
        "8.1 past U+10FFFF",
        client_frame(FIN | 0x1, b"\xf4\x90\x80\x80"),
        InvalidFramePayload,
    ),
    MalformedBytes(
        "8.1 text cut short", client_frame(FIN | 0x1, b"\xe2\x98"), InvalidFramePayload
    ),
    MalformedBytes(
        "8.1 fragmented text cut short",
        client_frame(0x1, b"\xe2") + client_frame(FIN, b"\x98"),
        InvalidFramePayload,
    ),
    MalformedBytes(
        "8.1 fragmented text of 0xFF",
        client_frame(0x1, b"a") + client_frame(0x0, b"\xff") + client_frame(FIN, b"b"),
        InvalidFramePayload,
    ),
]

#: Payloads that a close frame may not have, each named with its section of RFC 6455.
CLOSES_MALFORMED = [
    MalformedBytes("5.5.1 one byte", b"\x03", FrameError),
    *(
        MalformedBytes(f"{section} code {code}", code.to_bytes(2, "big"), FrameError)
        for section, code in (
            ("7.4.2", 0),
            ("7.4.2", 999),
            ("7.4.1", 1004),
            ("7.4.1", 1005),
            ("7.4.1", 1006),
            ("7.4.1", 1015),
            ("7.4.2", 1016),
            ("7.4.2", 1100),
            ("7.4.2", 2000),
            ("7.4.2", 2999),
            ("7.4.2", 5000),
            ("7.4.2", 65535),
        )
    ),
    MalformedBytes("5.5.1 reason of 0xFF", b"\x03\xe8\xff", InvalidFramePayload),
    MalformedBytes(
        "5.5.1 reason is a surrogate", b"\x03\xe8\xed\xa0\x80", InvalidFramePayload
    ),
    MalformedBytes("5.5.1 reason cut short", b"\x03\xe8\xe2\x98", InvalidFramePayload),
]
