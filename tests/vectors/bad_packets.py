"""Packets that are valid by themselves, but not allowed where they are sent."""

from __future__ import annotations

import json
from typing import Any

from tgext.socketio.wire.socketio.packet import Packet

from .outcomes import (
    EIO3,
    EIO4,
    IGNORED,
    NEW,
    OLD,
    PARSE_ERROR,
    Answered,
    Ended,
    Frames,
    Messages,
    Nothing,
    Outcome,
    Vector,
    error,
)
from .websocket import FIN, client_frame

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
    attachments("an attachment without a packet", b"0"),
    attachments("a second attachment of one", ONE.replace("451", "450"), b"0"),
    attachments(
        "attachments larger than this server takes together",
        ONE.replace("451", "452"),
        bytes(600),
        bytes(600),
        options={"max_attachments_size": 1000},
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


# Events and what surrounds them


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
        Vector(
            f"an event name that is the number {number}",
            generations,
            Messages(form % number),
            {"type": "event", "endpoint": "/chat", "name": name, "args": []},
            UNALLOWED,
        )
        # As JavaScript writes them.
        for number, name in [("7", "7"), ("-7.0", "-7"), ("1.5", "1.5")]
        for generations, form in [
            ((OLD,), '5::/chat:{"name":%s}'),
            (NEW, "42/chat,[%s]"),
        ]
    ),
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
