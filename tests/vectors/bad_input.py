"""One table of all mistakes of clients, with their outcomes.

The input of each row is sent to the decoders and to a live server. A 0.9 client that
sends an invalid packet gets an error and stays connected. For newer clients the
reference server ends the connection with the reason "parse error", and so does this
one.
"""

from __future__ import annotations

from collections.abc import Iterable

from tgext.socketio.wire.errors import MessageTooBig, PayloadTooLarge

from .bad_packets import ATTACHMENTS, EVENTS
from .bad_requests import NEVER, REQUESTS, SIDS
from .engineio_3 import ENGINEIO_3_BINARY_MALFORMED, ENGINEIO_3_PAYLOADS_MALFORMED
from .engineio_4 import ENGINEIO_MALFORMED, ENGINEIO_PAYLOADS_MALFORMED
from .outcomes import (
    ALL,
    EIO3,
    EIO4,
    NEW,
    OLD,
    PARSE_ERROR,
    Answered,
    Beginning,
    Body,
    Ended,
    Frames,
    Messages,
    Refused,
    Vector,
    engine_error,
    error,
)
from .shapes import Malformed
from .socketio_1 import SOCKETIO_1_MALFORMED, SOCKETIO_1_PAYLOADS_MALFORMED
from .socketio_5 import (
    PLACEHOLDERS_MALFORMED,
    SOCKETIO_4_MALFORMED,
    SOCKETIO_5_MALFORMED,
)
from .websocket import CLOSES_MALFORMED, FIN, FRAMES_MALFORMED, MASK, client_frame

BYTES = "application/octet-stream"

INVALID_PACKET = Answered(
    error(
        "invalid_packet",
        Beginning("There was a decoding error when dealing with packet with event: "),
        "",
    )
)


# What the decoders refuse


def packets(
    generations: tuple[str, ...], vectors: Iterable[Malformed], *attachments: bytes
) -> list[Vector]:
    """Malformed packets of Socket.IO; for newer clients, as messages of Engine.IO."""
    old = generations == (OLD,)
    prefix, live = ("", INVALID_PACKET) if old else ("4", PARSE_ERROR)
    return [
        Vector(
            f"packet: {each.name}",
            generations,
            Messages(prefix + str(each.data), *attachments),
            each.error,
            live,
            each.reason,
        )
        for each in vectors
    ]


def bodies(
    generation: str, vectors: Iterable[Malformed], content_type: str = ""
) -> list[Vector]:
    """Malformed payloads."""
    kind = "bytes" if content_type else "body"
    return [
        Vector(
            f"{kind}: {each.name}",
            (generation,),
            Body(bytes(each.data), content_type or Body.content_type),  # type: ignore[arg-type]
            each.error,
            _refused(generation, each),
            each.reason,
            ("polling",),
        )
        for each in vectors
    ]


def _refused(generation: str, vector: Malformed) -> Refused:
    if vector.error is PayloadTooLarge:
        return Refused(413, "Payload too large", "parse error")
    reason = vector.reason or Beginning()
    body = reason if generation == OLD else engine_error(3, reason)
    return Refused(400, body, "parse error")


def frames(vectors: Iterable[Malformed], opcode: int | None = None) -> list[Vector]:
    """Malformed frames, or payloads of frames with this ``opcode``."""
    kind = "frame" if opcode is None else "close"
    return [
        Vector(
            f"{kind}: {each.name}",
            ALL,
            Frames(data if opcode is None else client_frame(FIN | opcode, data)),
            each.error,
            Ended("parse error", each.error.close_code),
            transports=("websocket",),
        )
        for each in vectors
        if isinstance(data := each.data, bytes)
    ]


REFUSED = [
    *packets((OLD,), SOCKETIO_1_MALFORMED),
    *packets(NEW, SOCKETIO_5_MALFORMED),
    *packets((EIO3,), SOCKETIO_4_MALFORMED),
    *packets(NEW, PLACEHOLDERS_MALFORMED, b"0"),
    *(
        Vector(
            f"message: {each.name}",
            NEW,
            Messages(str(each.data)),
            each.error,
            PARSE_ERROR,
            transports=("websocket",),
        )
        for each in ENGINEIO_MALFORMED
    ),
    *bodies(OLD, SOCKETIO_1_PAYLOADS_MALFORMED),
    *bodies(EIO4, ENGINEIO_PAYLOADS_MALFORMED),
    *bodies(EIO3, ENGINEIO_3_PAYLOADS_MALFORMED),
    *bodies(EIO3, ENGINEIO_3_BINARY_MALFORMED, BYTES),
    *frames(FRAMES_MALFORMED),
    *frames(CLOSES_MALFORMED, 0x8),
]


# Too large, or too many

MEGABYTES = 10_000_000

TOO_MUCH = [
    Vector(
        "a frame of 10 MB",
        ALL,
        Frames(b"\x81\xff" + MEGABYTES.to_bytes(8, "big") + MASK + bytes(MEGABYTES)),
        MessageTooBig,
        Ended("parse error", 1009),
        transports=("websocket",),
    ),
    Vector(
        "a POST of 10 MB",
        ALL,
        Body(b"4" * MEGABYTES),
        PayloadTooLarge,
        Refused(413, "Payload too large", "parse error"),
        transports=("polling",),
    ),
    Vector(
        "a million fragments of a byte, and one more",
        (EIO4,),
        Frames(client_frame(0x1, b"4") + client_frame(0x0, b"x") * 1_000_000),
        MessageTooBig,
        Ended("parse error", 1009),
        transports=("websocket",),
        # A smaller limit than the default, since this takes long.
        options={"max_message_size": 100_000},
    ),
]

BAD_INPUT = [
    *REFUSED,
    *TOO_MUCH,
    *ATTACHMENTS,
    *EVENTS,
    *REQUESTS,
    *NEVER,
]


# Where it is


def _rows(prefix: str, names: dict[str, str]) -> list[tuple[str, str]]:
    return [(f"{prefix}: {name}", generation) for generation, name in names.items()]


def _each(generations: tuple[str, ...], *names: str) -> list[tuple[str, str]]:
    return [(name, generation) for generation in generations for name in names]


#: The mistakes that the table must have, by name and generation.
ITEMS: dict[str, list[tuple[str, str]]] = {
    "negative payload lengths": [
        *_rows("body", {OLD: "negative length", EIO3: "negative length"}),
        *_rows("bytes", {EIO3: "negative length"}),
        *_each((EIO4,), "a body of -1 bytes", "chunks of -1 bytes"),
    ],
    "huge payload lengths": [
        *_rows("body", {OLD: "huge length", EIO3: "huge length"}),
        *_rows("bytes", {EIO3: "huge length"}),
    ],
    "payload lengths that are no number": [
        *_rows("body", {OLD: "length of letters", EIO3: "length of letters"}),
        *_rows("bytes", {EIO3: "length in characters"}),
        *_each((EIO4,), "a body of x bytes"),
    ],
    "truncated payloads": [
        *_rows("body", {OLD: "truncated packet", EIO3: "truncated second packet"}),
        *_rows("body", {EIO4: "separator at the end"}),
        *_rows("bytes", {EIO3: "truncated text"}),
    ],
    "what is not UTF-8": [
        *_rows("body", dict.fromkeys(ALL, "not UTF-8")),
        *_rows("frame", dict.fromkeys(ALL, "8.1 text of 0xFF")),
        *_rows("close", dict.fromkeys(ALL, "5.5.1 reason of 0xFF")),
    ],
    "unknown packet types": [
        *_rows("packet", {OLD: "type 9", EIO3: "type 7", EIO4: "type 7"}),
        *_rows("message", dict.fromkeys(NEW, "type 7")),
        *_rows("body", dict.fromkeys(NEW, "unknown type")),
    ],
    "`50-`": _rows("packet", dict.fromkeys(NEW, "binary event without data")),
    "9,999,999,999 attachments": _rows(
        "packet", dict.fromkeys(NEW, "9999999999 attachments")
    ),
    "attachments -1 and out of range": [
        *_rows("packet", dict.fromkeys(NEW, "attachment -1")),
        *_rows("packet", dict.fromkeys(NEW, "attachment out of range")),
    ],
    "text where an attachment is due": _each(
        NEW, "an event where an attachment is due"
    ),
    "attachments that never come": _each(NEW, "attachments that never come"),
    "JSON nested 100,000 deep": _rows(
        "packet", {OLD: "deep closed event", EIO3: "deep list", EIO4: "deep list"}
    ),
    "numbers of 10,000 digits": [
        *_rows("packet", dict.fromkeys(ALL, "long number")),
        *_rows("packet", dict.fromkeys(ALL, "id of 10,000 digits")),
    ],
    "NaN": _rows("packet", {OLD: "NaN in an event", EIO3: "NaN", EIO4: "NaN"}),
    "a frame of 10 MB": _each(ALL, "a frame of 10 MB"),
    "a POST of 10 MB": _each(ALL, "a POST of 10 MB"),
    "a million fragments of a byte": _each(
        (EIO4,), "a million fragments of a byte, and one more"
    ),
    "event names that are not strings": [
        *_rows("packet", dict.fromkeys(ALL, "event name is null")),
        *_each(ALL, "an event name that is the number 7"),
    ],
    "the events __class__ and on_connect, with spaces, empty": _each(
        ALL,
        "the event __class__",
        "the event on_connect",
        "an event name with spaces",
        "an empty event name",
    ),
    "arguments that are not a list": _rows(
        "packet",
        {OLD: "arguments are an object", EIO3: "ack is an object"}
        | {EIO4: "event is an object"},
    ),
    "too many and too few arguments": _each(
        ALL, "too many arguments", "too few arguments", "no arguments"
    ),
    "a packet for a namespace never joined": _each(
        ALL, "an event for a namespace never joined"
    ),
    "a second connect": _each(ALL, "a second connect"),
    "acks that nobody asked for": _each(ALL, "an ack that nobody asked for"),
    "a wrong sid, or of another generation": _each(ALL, *SIDS),
    "a second WebSocket for one sid": _each(ALL, "a second WebSocket"),
    "two polls at once": _each(NEW, "two polls at once"),
    "a POST to a WebSocket session": _each(ALL, "a POST to a WebSocket session"),
    "other methods": _each(ALL, "PUT, session", "DELETE, handshake"),
    "unmasked frames": _rows("frame", dict.fromkeys(ALL, "5.1 unmasked text")),
    "reserved bits": _rows("frame", dict.fromkeys(ALL, "5.2 first reserved bit")),
    "fragmented control frames": _rows(
        "frame", dict.fromkeys(ALL, "5.5 fragmented ping")
    ),
    "close codes out of range": _rows("close", dict.fromkeys(ALL, "7.4.2 code 5000")),
    "a probe that never upgrades": _each(NEW, "a probe that never upgrades: a ping"),
    "a client that handshakes and vanishes": _each(
        ALL, "a client that handshakes and vanishes"
    ),
    "headers that never end": _each(
        (EIO4,), "headers that never end", "headers that trickle"
    ),
}
