"""Engine.IO 3: payloads, as text and as bytes."""

from __future__ import annotations

from tgext.socketio.wire.errors import PayloadError, PayloadTooLarge
from tgext.socketio.wire.limits import MAX_MESSAGE_SIZE

from .shapes import (
    ARABIC_FIVE,
    EMOJI,
    FULLWIDTH_FIVE,
    LONG_NUMBER,
    SEVENTEEN_DIGITS,
    SUPERSCRIPT_FIVE,
    Dialects,
    Malformed,
    Payload,
)

#: Text in ASCII, read and written alike.
ENGINEIO_3_PAYLOADS = [
    Payload(
        "open, of the sample session",
        b'96:0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],'
        b'"pingInterval":25000,"pingTimeout":5000}',
        [
            '0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],'
            '"pingInterval":25000,"pingTimeout":5000}'
        ],
    ),
    Payload("message in, of the sample session", b"4:4hey", ["4hey"]),
    Payload(
        "messages out, of the sample session",
        b"6:4hello6:4world",
        ["4hello", "4world"],
    ),
    Payload("ping and pong", b"1:21:3", ["2", "3"]),
    Payload("probes", b"6:2probe6:3probe", ["2probe", "3probe"]),
    Payload("colons and digits", b"4:4:1:6:42:0::", ["4:1:", "42:0::"]),
    Payload("two digits of length", b'13:42["a","b:1"]', ['42["a","b:1"]']),
    Payload("bytes", b"10:b4AQIDBA==", [b"\x01\x02\x03\x04"]),
    Payload("no bytes", b"2:b4", [b""]),
    Payload("every bit", b"6:b4////", [b"\xff\xff\xff"]),
    Payload(
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
    Malformed("nothing", b"", PayloadError, "the payload is empty"),
    Malformed("no length", b"4hello", PayloadError),
    Malformed("colon alone", b":", PayloadError),
    Malformed("colon in front", b":4hello", PayloadError),
    Malformed("length alone", b"6", PayloadError),
    Malformed("length without its packet", b"6:", PayloadError),
    Malformed("length of the second packet missing", b"1:24hello", PayloadError),
    Malformed("length after the last packet", b"1:26", PayloadError),
    Malformed(
        "negative length",
        b"-1:4hello",
        PayloadError,
        "the length of a packet is missing: '-1'",
    ),
    Malformed("negative length that goes back to the start", b"1:2-4:2", PayloadError),
    Malformed("length with a sign", b"+6:4hello", PayloadError),
    Malformed("length with a space", b" 6:4hello", PayloadError),
    Malformed("length and a line end", b"6\n:4hello", PayloadError),
    Malformed("length with a point", b"6.0:4hello", PayloadError),
    Malformed("length with an exponent", b"6e0:4hello", PayloadError),
    Malformed("length with an underscore", b"0_6:4hello", PayloadError),
    Malformed("length in hex", b"0x6:4hello", PayloadError),
    Malformed(
        "length of letters",
        b"abc:4hello",
        PayloadError,
        "the length of a packet is missing: 'abc'",
    ),
    Malformed("length NaN", b"NaN:4hello", PayloadError),
    Malformed("length in Arabic digits", f"{ARABIC_FIVE}:4hell".encode(), PayloadError),
    Malformed(
        "length in fullwidth digits", f"{FULLWIDTH_FIVE}:4hell".encode(), PayloadError
    ),
    Malformed(
        "length in superscript", f"{SUPERSCRIPT_FIVE}:4hell".encode(), PayloadError
    ),
    Malformed("a byte order mark", b"\xef\xbb\xbf6:4hello", PayloadError),
    Malformed("emoji for a length", f"{EMOJI}:4hello".encode(), PayloadError),
    Malformed(
        "length too large by one",
        b"7:4hello",
        PayloadError,
        "the payload is shorter than its lengths say",
    ),
    Malformed("length too small", b"5:4hello", PayloadError),
    Malformed("huge length", b"9999999999:4hello", PayloadError),
    Malformed("length of sixteen digits", b"9" * 16 + b":4hello", PayloadError),
    Malformed(
        "length of 17 digits", f"{SEVENTEEN_DIGITS}:4hello".encode(), PayloadError
    ),
    Malformed("length of 17 digits, mostly zeros", b"0" * 16 + b"1:2", PayloadError),
    Malformed(
        "length of 10,000 digits", f"{LONG_NUMBER}:4hello".encode(), PayloadError
    ),
    Malformed("digits alone", b"1" * 100_000, PayloadError),
    Malformed("truncated second packet", b"6:4hello6:4worl", PayloadError),
    Malformed("length of 2.x that counts bytes", "4:4\u20ac1:2".encode(), PayloadError),
    Malformed(
        "length of 1.x that counts characters",
        b"2:4\xc3\xa2\xc2\x82\xc2\xac1:2",
        PayloadError,
    ),
    Malformed(
        "length that counts an emoji once", f"2:4{EMOJI}1:2".encode(), PayloadError
    ),
    Malformed(
        "length that cuts a surrogate pair", f"2:4{EMOJI}".encode(), PayloadError
    ),
    Malformed(
        "length that begins inside a pair", f"2:4{EMOJI}1:2".encode(), PayloadError
    ),
    Malformed("no type", b"0:", PayloadError, "unknown Engine.IO packet type ''"),
    Malformed("no types", b"0:" * 500_000, PayloadError),
    Malformed("no type among others", b"1:20:1:3", PayloadError),
    Malformed(
        "unknown type", b"1:7", PayloadError, "unknown Engine.IO packet type '7'"
    ),
    Malformed("letters", b"3:abc", PayloadError),
    Malformed("base64 without the 4", b"9:bAQIDBA==", PayloadError),
    Malformed("base64 of a ping", b"6:b2AQ==", PayloadError),
    Malformed("b alone", b"1:b", PayloadError),
    Malformed("bytes", b"\x00\x06\xff4hello", PayloadError),
    Malformed("separators of Engine.IO 4", b"4hello\x1e4world", PayloadError),
    Malformed("not UTF-8", b"2:4\xff", PayloadError, "the payload is not UTF-8"),
    Malformed("a surrogate in UTF-8", b"2:4\xed\xa0\x80", PayloadError),
    Malformed("UTF-8 cut short", f"3:4{EMOJI}".encode()[:-1], PayloadError),
    Malformed("UTF-16", "6:4hello".encode("utf-16"), PayloadError),
    Malformed(
        "too large", b"999993:4" + b"x" * (MAX_MESSAGE_SIZE - 7), PayloadTooLarge
    ),
    Malformed(
        "too large, not UTF-8", b"\xff" * (MAX_MESSAGE_SIZE + 1), PayloadTooLarge
    ),
]

#: Bodies of the type ``application/octet-stream``.
ENGINEIO_3_BINARY_MALFORMED = [
    Malformed("nothing", b"", PayloadError, "the payload is empty"),
    Malformed("kind alone", b"\x00", PayloadError),
    Malformed(
        "kind 2", b"\x02\x01\xff2", PayloadError, "the length of a packet is missing"
    ),
    Malformed("kind 255", b"\xff\x01\xff2", PayloadError),
    Malformed("kind as a character", b"0\x01\xff2", PayloadError),
    Malformed("no length", b"\x00\xff2", PayloadError),
    Malformed("length without its end", b"\x00\x01", PayloadError),
    Malformed("length without its end, then a packet", b"\x00\x012", PayloadError),
    Malformed("digit 10", b"\x00\x0a\xff" + b"4" * 10, PayloadError),
    Malformed("digit 254", b"\x00\xfe\xff" + b"4" * 254, PayloadError),
    Malformed("negative length", b"\x00-\x01\xff2", PayloadError),
    Malformed("length in characters", b"\x001\xff2", PayloadError),
    Malformed(
        "length too large by one",
        b"\x00\x02\xff2",
        PayloadError,
        "the payload is shorter than its lengths say",
    ),
    Malformed("length too small", b"\x00\x05\xff4hello", PayloadError),
    Malformed("huge length", b"\x00" + b"\x09" * 10 + b"\xff4hello", PayloadError),
    Malformed(
        "length of sixteen digits", b"\x00" + b"\x09" * 16 + b"\xff2", PayloadError
    ),
    Malformed(
        "length of 17 digits, mostly zeros",
        b"\x00" + b"\x00" * 16 + b"\x01\xff2",
        PayloadError,
    ),
    Malformed(
        "length of 10,000 digits", b"\x00" + b"\x01" * 10_000 + b"\xff2", PayloadError
    ),
    Malformed("zeros alone", bytes(100_000), PayloadError),
    Malformed("truncated text", b"\x00\x06\xff4hell", PayloadError),
    Malformed("truncated bytes", b"\x01\x05\xff\x04\x01\x02\x03", PayloadError),
    Malformed("truncated second length", b"\x00\x01\xff2\x00\x01", PayloadError),
    Malformed(
        "no type", b"\x00\x00\xff", PayloadError, "unknown Engine.IO packet type ''"
    ),
    Malformed("unknown type", b"\x00\x01\xff7", PayloadError),
    Malformed("bytes without a type", b"\x01\x00\xff", PayloadError),
    Malformed(
        "bytes of a ping",
        b"\x01\x02\xff\x02\x01",
        PayloadError,
        "a binary packet is not a message",
    ),
    Malformed("type of bytes as a character", b"\x01\x02\xff4\x01", PayloadError),
    Malformed(
        "text is not UTF-8", b"\x00\x02\xff4\xff", PayloadError, "a packet is not UTF-8"
    ),
    Malformed("text is latin-1", b"\x00\x05\xff4caf\xe9", PayloadError),
    Malformed("length that cuts UTF-8", b"\x00\x03\xff4\xe2\x98", PayloadError),
    Malformed("text in its place", b"6:4hello", PayloadError),
    Malformed(
        "too large",
        b"\x00\x09\x09\x09\x09\x09\x03\xff4" + b"x" * (MAX_MESSAGE_SIZE - 7),
        PayloadTooLarge,
    ),
    Malformed(
        "too large, nothing of it right",
        b"\xff" * (MAX_MESSAGE_SIZE + 1),
        PayloadTooLarge,
    ),
]
