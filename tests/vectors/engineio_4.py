"""Engine.IO 4: packets and payloads."""

from __future__ import annotations

from tgext.socketio.wire.errors import PayloadError, PayloadTooLarge
from tgext.socketio.wire.limits import MAX_MESSAGE_SIZE

from .shapes import EMOJI, Malformed

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
    Malformed("nothing", b"", PayloadError, "unknown Engine.IO packet type ''"),
    Malformed("separator alone", b"\x1e", PayloadError),
    Malformed("separator in front", b"\x1e4hello", PayloadError),
    Malformed(
        "separator at the end",
        b"4hello\x1e",
        PayloadError,
        "unknown Engine.IO packet type ''",
    ),
    Malformed("two separators", b"4hello\x1e\x1e4world", PayloadError),
    Malformed("separators alone", b"\x1e" * 1000, PayloadError),
    Malformed(
        "unknown type", b"abc", PayloadError, "unknown Engine.IO packet type 'a'"
    ),
    Malformed("unknown type among others", b"4hello\x1e7\x1e4world", PayloadError),
    Malformed("lengths of Engine.IO 3", b"\x00\x06\xff4hello", PayloadError),
    Malformed("not UTF-8", b"4hello\xff", PayloadError, "the payload is not UTF-8"),
    Malformed("a surrogate in UTF-8", b"4\xed\xa0\x80", PayloadError),
    Malformed("UTF-8 cut short", f"4{EMOJI}".encode()[:-1], PayloadError),
    Malformed("too large", b"4" * (MAX_MESSAGE_SIZE + 1), PayloadTooLarge),
    Malformed(
        "too large, not UTF-8", b"\xff" * (MAX_MESSAGE_SIZE + 1), PayloadTooLarge
    ),
]
