"""The rows of the tables."""

from __future__ import annotations

from typing import NamedTuple

from tgext.socketio.wire.errors import ProtocolError
from tgext.socketio.wire.socketio.packet import Packet

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

#: Spellings of base64 that Node's decoder takes, and the bytes.
LOOSE_BASE64 = {
    "AQ": b"\x01",
    "AQI": b"\x01\x02",
    "AQ=": b"\x01",
    "AQ===": b"\x01",
    "AQ==\n": b"\x01",
    "AQID BA==": b"\x01\x02\x03\x04",
    # With line ends, as Java clients and mails have them.
    "AQID\r\nBAUG\r\nBw==\r\n": b"\x01\x02\x03\x04\x05\x06\x07",
    "\t\v\fAQ": b"\x01",
    "_-8=": b"\xff\xef",
    "-_-_": b"\xfb\xff\xbf",
    "+_-/": b"\xfb\xff\xbf",
    "====": b"",
    "": b"",
    # The last bits are ignored.
    "AR": b"\x01",
    "A": b"",
    "AAAAA": b"\x00\x00\x00",
    "AQ==AQ": b"\x01",
    "==AQ": b"",
    "A=Q=": b"",
    "AQ==!": b"\x01",
    "!===": b"",
    "AQ!I\x00D": b"\x01\x02\x03",
    "A\u3000Q": b"\x01",
    "\u00e9A\u00e9Q": b"\x01",
}
SEVENTEEN_DIGITS = "12345678901234567"


class Valid(NamedTuple):
    """A packet and its meaning."""

    name: str
    text: str
    packet: Packet


class Malformed(NamedTuple):
    """A packet, a body or frames that are invalid."""

    name: str
    data: str | bytes
    error: type[ProtocolError]
    #: The text of the error, where it is sent or logged.
    reason: str | None = None


class Payload(NamedTuple):
    """The body of a POST or a poll, and its packets; bytes are those of a message."""

    name: str
    data: bytes
    packets: list[str | bytes]


class Dialects(NamedTuple):
    """The bodies that clients of Engine.IO 3 write for the same packets.

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


def name_of(vector: Valid | Malformed | Payload | Dialects) -> str:
    """The id of the test of one vector."""
    return vector.name
