"""One table of all that a client may do wrong, and what comes of it.

The input of each row is sent to the decoders and to a live server. Clients 0.9 are told
of a packet that cannot be read and stay; for newer ones the reference server ends the
connection with the reason "parse error", and so does this one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tgext.socketio.wire.errors import (
    MessageTooBig,
    PayloadTooLarge,
)
from tgext.socketio.wire.packet import Packet

from .engineio_3 import ENGINEIO_3_BINARY_MALFORMED, ENGINEIO_3_PAYLOADS_MALFORMED
from .engineio_4 import ENGINEIO_MALFORMED, ENGINEIO_PAYLOADS_MALFORMED
from .outcomes import (
    Answered,
    Beginning,
    Body,
    Dropped,
    Ended,
    Frames,
    Messages,
    Nothing,
    Outcome,
    Probe,
    Raw,
    Refused,
    Request,
    Silence,
    Vector,
)
from .shapes import Malformed
from .socketio_1 import SOCKETIO_1_MALFORMED, SOCKETIO_1_PAYLOADS_MALFORMED
from .socketio_5 import (
    PLACEHOLDERS_MALFORMED,
    SOCKETIO_4_MALFORMED,
    SOCKETIO_5_MALFORMED,
)
from .websocket import CLOSES_MALFORMED, FIN, FRAMES_MALFORMED, MASK, client_frame

OLD, EIO3, EIO4 = "0.9", "EIO3", "EIO4"
ALL = (OLD, EIO3, EIO4)
NEW = (EIO3, EIO4)

BYTES = "application/octet-stream"
FORM = "application/x-www-form-urlencoded"

POLLING = "/socket.io/?EIO={version}&transport=polling"
WEBSOCKET = "/socket.io/?EIO={version}&transport=websocket"
OLD_PATH = "/socket.io/1/{transport}/"

PARSE_ERROR = Ended("parse error", 1002)
IGNORED = Answered()


def error(name: str, info: Any, endpoint: str = "/chat") -> dict[str, Any]:
    """The event that tells a client of an error."""
    args = [name, info]
    return {"type": "event", "endpoint": endpoint, "name": "error", "args": args}


def engine_error(code: int, message: str) -> dict[str, Any]:
    """The body of Engine.IO's refusals."""
    return {"code": code, "message": message}


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
    """Malformed packets of Socket.IO, which are messages of Engine.IO in the new."""
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
    """Malformed frames; or payloads of frames, where ``opcode`` is theirs."""
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


# What is too much

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
    ),
]


# Attachments

ONE = '451-/chat,["take",{"_placeholder":true,"num":0}]'


def attachments(
    name: str, *messages: str | bytes, live: Outcome = PARSE_ERROR, **fields: Any
) -> Vector:
    """Messages that do not fit together."""
    return Vector(name, NEW, Messages(*messages), Nothing, live, **fields)


ATTACHMENTS = [
    attachments("an event where an attachment is due", ONE, '42/chat,["take"]'),
    attachments("another packet with attachments where one is due", ONE, ONE),
    attachments("an ack where an attachment is due", ONE, "43/chat,1[]"),
    attachments("a disconnect where an attachment is due", ONE, "41/chat,"),
    attachments("an attachment of nothing", b"0"),
    attachments("a second attachment of one", ONE.replace("451", "450"), b"0"),
    attachments(
        "attachments larger than a message together",
        ONE.replace("451", "452"),
        bytes(600_000),
        bytes(600_000),
    ),
    attachments(
        "more attachments than this server takes",
        ONE.replace("451", "452"),
        options={"max_attachments": 1},
    ),
    attachments(
        "attachments that never come",
        ONE,
        live=Ended("ping timeout"),
        options={"heartbeat_interval": 0.1, "heartbeat_timeout": 0.15},
    ),
    *(
        Vector(
            f"bytes of type {name}",
            (EIO3,),
            Frames(client_frame(FIN | 0x2, data)),
            Nothing,
            PARSE_ERROR,
            transports=("websocket",),
        )
        for name, data in [("nothing", b""), ("ping", b"\x02"), ("text", b"4a")]
    ),
    Vector(
        "bytes",
        (OLD,),
        Frames(client_frame(FIN | 0x2, b"a")),
        Nothing,
        PARSE_ERROR,
        transports=("websocket",),
    ),
]


# Packets that can be read, and should not have been sent


def event(
    name: str, event: str, args: list[Any], live: Outcome, endpoint: str = "/chat"
) -> list[Vector]:
    """An event of each generation."""
    packet: Packet = {"type": "event", "endpoint": endpoint}
    packet |= {"name": event, "args": args}
    old = f"5::{endpoint}:" + json.dumps({"name": event, "args": args})
    new = f"42{endpoint}," + json.dumps([event, *args])
    return [
        Vector(name, (OLD,), Messages(old), packet, live),
        Vector(name, NEW, Messages(new), packet, live),
    ]


UNALLOWED = Answered(
    error("unallowed_event_name", "name must only contains alpha numerical characters")
)


def no_such_method(method: str) -> Answered:
    return Answered(error("no_such_method", f'The method "{method}" was not found'))


def invalid_args(info: str) -> Answered:
    return Answered(error("invalid_method_args", info))


def out_of_place(name: str, text: str, *generations: str) -> Vector:
    """A packet of Engine.IO that only servers send, or only at other times."""
    return Vector(name, generations, Messages(text), Nothing, PARSE_ERROR)


NOT_THERE = Answered(
    error(
        "no_such_namespace",
        "The endpoint you tried to connect to doesn't exist: /game",
        "/game",
    )
)
CONNECT_GAME: Packet = {"type": "connect", "endpoint": "/unheard"}
CONNECT_TWICE: Packet = {"type": "connect", "endpoint": "/chat"}
UNASKED: Packet = {"type": "ack", "endpoint": "/chat", "ackId": 7, "args": ["what?"]}

EVENTS = [
    *(
        row
        for name, sent in [
            ("an empty event name", ""),
            ("the event __class__", "__class__"),
            ("an event name that begins with a space", " take"),
            ("an event name that begins with a digit", "0n"),
            ("an event name with a hyphen", "a-b"),
            ("an event name with a point", "a.b"),
            ("an event name that ends with a line end", "take\n"),
            ("an event name beyond ASCII", "\u00e4"),
            ("an event name with an Arabic digit", "a\u0663"),
            ("an event name that is NUL", "\0"),
        ]
        for row in event(name, sent, [], UNALLOWED)
    ),
    *(
        row
        for name, sent, method in [
            ("the event on_connect", "on_connect", "on_on_connect"),
            ("the event recv_connect", "recv_connect", "on_recv_connect"),
            ("the event emit", "emit", "on_emit"),
            ("an event name with spaces", "no such event", "on_no_such_event"),
            ("an event that nobody handles", "unheard", "on_unheard"),
        ]
        for row in event(name, sent, [], no_such_method(method))
    ),
    *event("no arguments", "pair", [], invalid_args('on_pair misses "one", "two"')),
    *event("too few arguments", "pair", [1], invalid_args('on_pair misses "two"')),
    *event(
        "too many arguments",
        "pair",
        [1, 2, 3],
        invalid_args("on_pair takes 2 arguments, 3 were given"),
    ),
    *event("an event for a namespace never joined", "pair", [1], NOT_THERE, "/game"),
    Vector(
        "a connect to a namespace that is not there",
        (OLD,),
        Messages("1::/unheard"),
        {**CONNECT_GAME, "qs": ""},
        Answered(
            error(
                "no_such_namespace",
                "The endpoint you tried to connect to doesn't exist: /unheard",
                "/unheard",
            )
        ),
    ),
    *(
        Vector(
            "a connect to a namespace that is not there",
            (generation,),
            Messages("40/unheard,"),
            CONNECT_GAME | extra,
            Answered({"type": "refused", "endpoint": "/unheard", "data": data}),
        )
        for generation, extra, data in [
            (EIO3, {}, "Invalid namespace"),
            (EIO4, {"data": None}, {"message": "Invalid namespace"}),
        ]
    ),
    *(
        Vector(name, generations, Messages(text), packet, IGNORED)
        for name, generations, text, packet in [
            ("a second connect", (OLD,), "1::/chat", CONNECT_TWICE | {"qs": ""}),
            ("a second connect", (EIO3,), "40/chat,", CONNECT_TWICE),
            ("a second connect", (EIO4,), "40/chat,", CONNECT_TWICE | {"data": None}),
            ("an ack that nobody asked for", (OLD,), '6::/chat:7+["what?"]', UNASKED),
            ("an ack that nobody asked for", NEW, '43/chat,7["what?"]', UNASKED),
            (
                "an ack for a namespace never joined",
                (OLD,),
                '6::/game:7+["what?"]',
                UNASKED | {"endpoint": "/game"},
            ),
            (
                "an ack for a namespace never joined",
                NEW,
                '43/game,7["what?"]',
                UNASKED | {"endpoint": "/game"},
            ),
            (
                "a disconnect of a namespace never joined",
                (OLD,),
                "0::/game",
                {"type": "disconnect", "endpoint": "/game"},
            ),
            (
                "a disconnect of a namespace never joined",
                NEW,
                "41/game,",
                {"type": "disconnect", "endpoint": "/game"},
            ),
        ]
    ),
    out_of_place("an open packet", "0{}", *NEW),
    out_of_place("an upgrade packet out of place", "5", *NEW),
    out_of_place("a ping of the client", "2", EIO4),
]


# Requests


def requests(
    name: str,
    method: str,
    generation: str,
    transports: tuple[str, ...],
    target: str,
    live: Refused,
    **fields: Any,
) -> Vector:
    """A request, beside a client with one of ``transports``."""
    sent = Request(method, target, **fields)
    return Vector(name, (generation,), sent, Nothing, live, transports=transports)


BOTH = ("websocket", "polling")
UNKNOWN_SID = Refused(400, engine_error(1, "Session ID unknown"))
BAD_REQUEST = Refused(400, engine_error(3, "Bad request"))
RECONNECT = Refused(200, "7:::1+0")
NOT_ALLOWED = Refused(405, headers={"Allow": "GET, POST, OPTIONS"})

_SIDS = {"a wrong sid": "unheard", "a sid of another generation": "{sid}"}


def _wrong_sids() -> list[Vector]:
    rows = []
    for name, sid in _SIDS.items():
        for generation, version in [(EIO3, 4), (EIO4, 3), (OLD, 4)]:
            target = POLLING.format(version=version) + f"&sid={sid}"
            socket = WEBSOCKET.format(version=version) + f"&sid={sid}"
            rows += [
                requests(name, "GET", generation, BOTH, target, UNKNOWN_SID),
                requests(name, "POST", generation, BOTH, target, UNKNOWN_SID),
                requests(name, "GET", generation, BOTH, socket, UNKNOWN_SID),
                requests(
                    name, "GET", generation, BOTH, socket, UNKNOWN_SID, upgrade=True
                ),
            ]
        for generation in (EIO3, EIO4):
            target = OLD_PATH.format(transport="xhr-polling") + sid
            leave = OLD_PATH.format(transport="") + sid
            socket = OLD_PATH.format(transport="websocket") + sid
            unknown = Refused(400, "Session ID unknown")
            rows += [
                requests(name, "GET", generation, BOTH, target, RECONNECT),
                requests(name, "POST", generation, BOTH, target, RECONNECT),
                requests(name, "GET", generation, BOTH, leave, RECONNECT),
                requests(
                    name, "GET", generation, BOTH, f"{target}?disconnect=1", RECONNECT
                ),
                requests(name, "GET", generation, BOTH, socket, unknown, upgrade=True),
            ]
    return rows


def _one_transport() -> list[Vector]:
    rows = []
    for generation, version in [(EIO3, 3), (EIO4, 4)]:
        target = POLLING.format(version=version) + "&sid={sid}"
        socket = WEBSOCKET.format(version=version) + "&sid={sid}"
        only = ("websocket",)
        rows += [
            requests(
                "a second WebSocket",
                "GET",
                generation,
                only,
                socket,
                BAD_REQUEST,
                upgrade=True,
            ),
            requests(
                "a POST to a WebSocket session",
                "POST",
                generation,
                only,
                target,
                BAD_REQUEST,
                body=b"40",
            ),
            requests(
                "a poll of a WebSocket session",
                "GET",
                generation,
                only,
                target,
                BAD_REQUEST,
            ),
            requests(
                "two polls at once",
                "GET",
                generation,
                ("polling",),
                target,
                Refused(400, engine_error(3, "Bad request"), "transport error"),
                polling=True,
            ),
        ]
    target = OLD_PATH.format(transport="xhr-polling") + "{sid}"
    socket = OLD_PATH.format(transport="websocket") + "{sid}"
    refused = Refused(400, "Bad request")
    only = ("websocket",)
    return [
        *rows,
        requests("a second WebSocket", "GET", OLD, BOTH, socket, refused, upgrade=True),
        requests("a POST to a WebSocket session", "POST", OLD, only, target, refused),
        requests("a poll of a WebSocket session", "GET", OLD, only, target, refused),
    ]


def _methods() -> list[Vector]:
    handshakes = {
        OLD: "/socket.io/1/",
        EIO3: POLLING.format(version=3),
        EIO4: POLLING.format(version=4),
    }
    sessions = {
        OLD: OLD_PATH.format(transport="xhr-polling") + "{sid}",
        EIO3: POLLING.format(version=3) + "&sid={sid}",
        EIO4: POLLING.format(version=4) + "&sid={sid}",
    }
    return [
        requests(f"{method}, {name}", method, generation, BOTH, target, NOT_ALLOWED)
        for method in ("PUT", "DELETE", "HEAD", "PATCH", "TRACE", "UNHEARD")
        for name, targets in [("handshake", handshakes), ("session", sessions)]
        for generation, target in targets.items()
    ]


REQUESTS = [
    *_wrong_sids(),
    *_one_transport(),
    *_methods(),
    *(
        requests(
            "a POST for a handshake",
            "POST",
            generation,
            ("polling",),
            target.format(version=version),
            Refused(400, engine_error(2, "Bad handshake method")),
            body=b"40",
        )
        for generation, version in [(EIO3, 3), (EIO4, 4)]
        for target in (POLLING, WEBSOCKET)
    ),
    requests(
        "a POST for a handshake",
        "POST",
        OLD,
        ("polling",),
        "/socket.io/1/",
        Refused(400, "Bad handshake method"),
    ),
]


# What never comes


def raw(
    name: str, data: bytes, live: Outcome, trickle: bytes = b"", **options: Any
) -> Vector:
    """A TCP connection of nobody in particular."""
    sent = Raw(data, trickle)
    return Vector(
        name, (EIO4,), sent, Nothing, live, None, ("polling",), options=options
    )


_REQUEST = b"POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\n"

NEVER = [
    *(
        Vector(
            f"a probe that never upgrades: {name}",
            NEW,
            Probe(messages),
            Nothing,
            Dropped(),
            transports=("polling",),
            options={"handshake_timeout": 0.15},
        )
        for name, messages in [("not a word", ()), ("a ping", ("2probe",))]
    ),
    Vector(
        "a client that handshakes and vanishes",
        ALL,
        Silence(),
        Nothing,
        Ended("transport close"),
        options={"handshake_timeout": 0.15},
    ),
    raw("headers that do not begin", b"", Dropped(), header_timeout=0.1),
    raw("headers cut short", b"GET / HT", Dropped(), header_timeout=0.1),
    raw("no headers", b"GET / HTTP/1.1\r\n", Refused(400), header_timeout=0.1),
    raw(
        "headers that never end",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-",
        Refused(400),
        header_timeout=0.1,
    ),
    raw(
        "headers that trickle",
        b"GET / HTTP/1.1\r\n",
        Refused(400),
        b"X: y\r\n",
        header_timeout=0.2,
    ),
    *(
        raw(
            f"a body of {length.decode()} bytes",
            _REQUEST + b"Content-Length: " + length + b"\r\n\r\n",
            Refused(400),
        )
        for length in (b"-1", b"x", b"1e3", b"9" * 5000)
    ),
    raw(
        "chunks of -1 bytes",
        _REQUEST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n4\r\n",
        Refused(400),
    ),
    raw(
        "chunks of x bytes",
        _REQUEST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n4\r\n",
        Refused(400),
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


#: All that has to be here, by name and generation.
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
    "event names that are not strings": _rows(
        "packet", dict.fromkeys(ALL, "event name is a number")
    ),
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
    "a wrong sid, or of another generation": _each(ALL, *_SIDS),
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
