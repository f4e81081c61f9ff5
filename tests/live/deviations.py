"""Input that the reference parsers accept, and we refuse or read differently; why."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tgext.socketio.wire.limits import DEFAULT_LIMITS


class Deviation(NamedTuple):
    """A kind of input, with the reference parsers' result for it."""

    applies: Callable[[str, Any], bool]
    #: Input that they accept and we refuse or read otherwise.
    example: str
    reason: str


def found(table: Mapping[str, Deviation], text: str, read: Any) -> str | None:
    """The name of the first deviation that applies."""
    return next(
        (name for name, each in table.items() if each.applies(text, read)), None
    )


# Socket.IO 3 to 5


def attachments(text: str) -> str:
    """The text in the place of a packet's number of attachments."""
    return text[1:].partition("-")[0] if text[:1] in ("5", "6") else "0"


def after_namespace(text: str) -> str:
    """The text after the namespace of a packet."""
    rest = text.partition("-")[2] if text[:1] in ("5", "6") else text[1:]
    return re.sub(r"\A/[^,]*(?:,|\Z)", "", rest)


#: Packets.
PACKETS: dict[str, Deviation] = {
    "a type that is no digit": Deviation(
        lambda text, read: text[:1] not in tuple("0123456"),
        " ",
        "JavaScript takes nothing and a space for the number 0.",
    ),
    "an event without a name": Deviation(
        lambda text, read: read["type"] == "event" and "data" not in read,
        "2",
        "Nobody hears it. The reference refuses `2[]` for that, and passes over `2`.",
    ),
    "an ack without an id": Deviation(
        lambda text, read: read["type"] == "ack" and "id" not in read,
        "3[]",
        "It answers nothing.",
    ),
    "an id of what has no ack": Deviation(
        lambda text, read: read["type"] in ("connect", "disconnect") and "id" in read,
        "01",
        "The documents have ids in events and acks alone.",
    ),
    "an error": Deviation(
        lambda text, read: read["type"] == "error",
        '4"a"',
        "Clients send none.",
    ),
    "a list that a connect carries": Deviation(
        lambda text, read: (
            read["type"] == "connect" and isinstance(read.get("data"), list)
        ),
        "0[1]",
        "The parser of 2.x takes a list for an object.",
    ),
    "an id that is no digits": Deviation(
        lambda text, read: bool(re.match(r"[0-9]*[\s\ufeff]", after_namespace(text))),
        '2 ["a"]',
        "JavaScript takes a space for the number 0. An id is digits, and spaces before "
        "JSON mean nothing.",
    ),
    "an id past 2**53": Deviation(
        lambda text, read: bool(re.match(r"[0-9]{16}", after_namespace(text))),
        '299999999999999999["a"]',
        "JavaScript would answer another one than was asked for.",
    ),
    "a number of attachments that is no digits": Deviation(
        lambda text, read: not re.fullmatch("[0-9]+", attachments(text)),
        '5-["a"]',
        "JavaScript takes nothing for 0, and 1e1, 0x1 and 1.0 for numbers.",
    ),
    "too many attachments": Deviation(
        lambda text, read: (
            re.fullmatch("[0-9]+", attachments(text)) is not None
            and int(attachments(text)) > DEFAULT_LIMITS.max_attachments
        ),
        "",  # only the clients' parsers accept it
        "max_attachments.",
    ),
    "an attachment that is named twice": Deviation(
        lambda text, read: text[:1] in ("5", "6") and "placeholder" in text,
        '51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]',
        "A packet that names one a thousand times would be a thousand times as large "
        "when it is sent on.",
    ),
}


# Payloads of Engine.IO 3 and 4


def _odd_length(body: str) -> bool:
    """Whether a length in a body of Engine.IO 3 is invalid or zero."""
    at = 0
    while at < len(body):
        length, _, _ = body[at:].partition(":")
        if not re.fullmatch("[0-9]{1,16}", length) or not int(length):
            return True
        at += len(length) + 1 + int(length)
    return False


PAYLOADS_3: dict[str, Deviation] = {
    "a packet of nothing": Deviation(
        lambda body, read: re.match("0+:", body) is not None or _odd_length(body),
        "0:1:2",
        "A packet has a type. JavaScript takes 1e1, 0x1 and a space for lengths.",
    ),
    "bytes that are no message": Deviation(
        lambda body, read: re.search("b(?!4)", body) is not None,
        "4:b2AA",
        "Only messages are binary.",
    ),
}
#: Engine.IO 4: none.
PAYLOADS_4: dict[str, Deviation] = {}


# Socket.IO 0.9

PACKETS_1: dict[str, Deviation] = {
    "a packet that begins later": Deviation(
        lambda text, read: re.match(r"[0-8]:(?:[0-9]+\+?)?:", text) is None,
        ":2::",
        "The reference looks for the beginning of a packet anywhere.",
    ),
    "JSON that cannot be read": Deviation(
        lambda text, read: (
            (read["type"] == "event" and "name" not in read)
            or (read["type"] == "json" and read["data"] is False)
            or (read["type"] == "ack" and not read.get("args"))
        ),
        "5:::{",
        "Answered by `invalid_packet`, as by gevent-socketio. They have an event "
        "without a name, false, or no arguments.",
    ),
    "an ack of nothing": Deviation(
        lambda text, read: read["type"] == "ack" and not read.get("ackId"),
        "6:::a",
        "It answers nothing.",
    ),
    "a name that is no text": Deviation(
        lambda text, read: (
            read["type"] == "event" and not isinstance(read.get("name"), str)
        ),
        '5:::{"name":null}',
        "Nobody hears it.",
    ),
    "arguments that are no list": Deviation(
        lambda text, read: not isinstance(read.get("args", []), list),
        '5:::{"name":"a","args":{}}',
        "Arguments are a list, as the document has them.",
    ),
    "an unknown reason or advice": Deviation(
        lambda text, read: read["type"] == "error",
        "7:::9+9",
        "Clients send none.",
    ),
    "an id past 2**53": Deviation(
        lambda text, read: len(f"{read.get('id', '')}{read.get('ackId', '')}") > 15,
        '5:99999999999999999+::{"name":"a"}',
        "No counter comes so far.",
    ),
}
