"""WebSocket frames, each named with its section of RFC 6455."""

from __future__ import annotations

from tgext.socketio.wire.errors import FrameError, InvalidFramePayload, MessageTooBig
from tgext.socketio.wire.limits import MAX_MESSAGE_SIZE

from .shapes import Malformed

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
    Malformed("5.2 first reserved bit", _reserved(0x40), FrameError),
    Malformed("5.2 second reserved bit", _reserved(0x20), FrameError),
    Malformed("5.2 third reserved bit", _reserved(0x10), FrameError),
    Malformed("5.2 reserved bit of a ping", client_frame(FIN | 0x49), FrameError),
    *(
        Malformed(f"5.2 opcode {code:X}", client_frame(FIN | code, _HELLO), FrameError)
        for code in (0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF)
    ),
    Malformed("5.1 unmasked text", b"\x81\x05Hello", FrameError),
    Malformed("5.1 unmasked ping", b"\x89\x05Hello", FrameError),
    Malformed("5.1 unmasked close", b"\x88\x02\x03\xe8", FrameError),
    Malformed("5.1 unmasked continuation", _OPEN_TEXT + b"\x80\x02lo", FrameError),
    Malformed("5.5 fragmented close", client_frame(0x8, b"\x03\xe8"), FrameError),
    Malformed("5.5 fragmented ping", client_frame(0x9, _HELLO), FrameError),
    Malformed("5.5 fragmented pong", client_frame(0xA, _HELLO), FrameError),
    Malformed("5.5 ping of 126 bytes", client_frame(FIN | 0x9, b"x" * 126), FrameError),
    Malformed(
        "5.5 pong of 65536 bytes", client_frame(FIN | 0xA, bytes(65536)), FrameError
    ),
    Malformed(
        "5.5 close of 126 bytes",
        client_frame(FIN | 0x8, b"\x03\xe8" + b"x" * 124),
        FrameError,
    ),
    Malformed("5.4 continuation of nothing", client_frame(FIN, _HELLO), FrameError),
    Malformed(
        "5.4 open continuation of nothing", client_frame(0x0, _HELLO), FrameError
    ),
    Malformed(
        "5.4 text inside a fragmented message",
        _OPEN_TEXT + client_frame(FIN | 0x1, b"lo"),
        FrameError,
    ),
    Malformed(
        "5.4 binary inside a fragmented message",
        _OPEN_TEXT + client_frame(FIN | 0x2, b"lo"),
        FrameError,
    ),
    Malformed(
        "5.4 second first fragment", _OPEN_TEXT + client_frame(0x1, b"lo"), FrameError
    ),
    Malformed(
        "5.4 text after an empty first fragment",
        client_frame(0x1) + client_frame(FIN | 0x1, b"lo"),
        FrameError,
    ),
    Malformed(
        "5.2 most significant bit of a length", b"\x82\xff\x80" + bytes(7), FrameError
    ),
    Malformed("5.2 every bit of a length", b"\x82\xff" + b"\xff" * 8, FrameError),
    Malformed("10.4 3 GB", b"\x82\xff" + (3 << 30).to_bytes(8, "big"), MessageTooBig),
    Malformed("10.4 2**63 - 1 bytes", b"\x81\xff\x7f" + b"\xff" * 7, MessageTooBig),
    Malformed(
        "10.4 one byte too many",
        b"\x82\xff" + (MAX_MESSAGE_SIZE + 1).to_bytes(8, "big"),
        MessageTooBig,
    ),
    Malformed(
        "10.4 two fragments too large together",
        b"\x02" + _HALF[1:] + b"\x80" + _HALF[1:10],
        MessageTooBig,
    ),
    Malformed(
        "8.1 text of 0xFF", client_frame(FIN | 0x1, b"a\xff"), InvalidFramePayload
    ),
    Malformed(
        "8.1 overlong slash", client_frame(FIN | 0x1, b"\xc0\xaf"), InvalidFramePayload
    ),
    Malformed(
        "8.1 surrogate", client_frame(FIN | 0x1, b"\xed\xa0\x80"), InvalidFramePayload
    ),
    Malformed(
        "8.1 past U+10FFFF",
        client_frame(FIN | 0x1, b"\xf4\x90\x80\x80"),
        InvalidFramePayload,
    ),
    Malformed(
        "8.1 text cut short", client_frame(FIN | 0x1, b"\xe2\x98"), InvalidFramePayload
    ),
    Malformed(
        "8.1 fragmented text cut short",
        client_frame(0x1, b"\xe2") + client_frame(FIN, b"\x98"),
        InvalidFramePayload,
    ),
    Malformed(
        "8.1 fragmented text of 0xFF",
        client_frame(0x1, b"a") + client_frame(0x0, b"\xff") + client_frame(FIN, b"b"),
        InvalidFramePayload,
    ),
]

#: Payloads that a close frame may not have, each named with its section of RFC 6455.
CLOSES_MALFORMED = [
    Malformed("5.5.1 one byte", b"\x03", FrameError),
    *(
        Malformed(f"{section} code {code}", code.to_bytes(2, "big"), FrameError)
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
    Malformed("5.5.1 reason of 0xFF", b"\x03\xe8\xff", InvalidFramePayload),
    Malformed(
        "5.5.1 reason is a surrogate", b"\x03\xe8\xed\xa0\x80", InvalidFramePayload
    ),
    Malformed("5.5.1 reason cut short", b"\x03\xe8\xe2\x98", InvalidFramePayload),
]
