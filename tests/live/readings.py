"""The results of Socket.IO's parsers, in a form that can be compared."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.wire.strategies import endpoints, json_values
from tgext.socketio.wire.socketio.packet import Packet

#: JSON as other writers than ours have it.
json_texts = st.builds(
    lambda value, ascii, separators: json.dumps(
        value, ensure_ascii=ascii, separators=separators
    ),
    json_values
    | st.lists(st.text() | st.integers() | json_values, min_size=1, max_size=4)
    | st.dictionaries(st.text(), json_values, max_size=3),
    st.booleans(),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:\r")]),
)

pieces = st.sampled_from(
    [
        "",
        " ",
        "/",
        ",",
        "-",
        "+",
        "0",
        "1",
        "51-",
        "[]",
        "{}",
        "null",
        "\x1e",
        ":",
        "?a=b",
    ]
) | st.text(max_size=2)

args = st.lists(json_values | st.binary(max_size=20), max_size=4)

#: Without the names that parsers of 4.x reserve.
names = st.text().filter(
    lambda name: (
        name
        not in {
            "connect",
            "connect_error",
            "disconnect",
            "disconnecting",
            "newListener",
            "removeListener",
        }
    )
)

sent = st.one_of(
    st.builds(
        lambda endpoint, name, args: {
            "type": "event",
            "endpoint": endpoint,
            "name": name,
            "args": args,
        },
        endpoints,
        names,
        args,
    ),
    st.builds(
        lambda endpoint, name, args, number: {
            "type": "event",
            "endpoint": endpoint,
            "name": name,
            "args": args,
            "id": number,
            "ack": "data",
        },
        endpoints,
        names,
        args,
        st.integers(0, 2**53),
    ),
    st.builds(
        lambda endpoint, args, number: {
            "type": "ack",
            "endpoint": endpoint,
            "args": args,
            "ackId": number,
        },
        endpoints,
        args,
        st.integers(0, 2**53),
    ),
    st.builds(
        lambda kind, endpoint: {"type": kind, "endpoint": endpoint},
        st.sampled_from(["connect", "disconnect"]),
        endpoints,
    ),
)


TYPE_NAMES = ["open", "close", "ping", "pong", "message", "upgrade", "noop"]


def typed(packet: str | bytes) -> tuple[str, str | bytes]:
    if isinstance(packet, bytes):
        return "message", packet
    return TYPE_NAMES[int(packet[0])], packet[1:]


def in_words_of_1(packet: Packet) -> dict[str, Any]:
    """One of our packets in the form of the 0.9 parser, where ids are text."""
    words: dict[str, Any] = {**packet}
    for name in ("id", "ackId"):
        if name in words:
            words[name] = str(words[name])
    return words
