"""gevent-socketio's module ``packet``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tgext.socketio.engine import packet as module
from tgext.socketio.engine.packet import decode, encode

from .conftest import Serve
from .sample_namespaces import Echo


@pytest.mark.parametrize(
    ("packet", "text"),
    [
        ({"type": "disconnect", "endpoint": "/chat"}, "0::/chat"),
        ({"type": "connect", "endpoint": "/chat", "qs": "?a=1"}, "1::/chat:?a=1"),
        ({"type": "heartbeat", "endpoint": ""}, "2::"),
        ({"type": "message", "endpoint": "", "data": "hi: you"}, "3:::hi: you"),
        (
            {"type": "json", "endpoint": "", "data": {"a": 1}, "id": 4, "ack": True},
            '4:4::{"a":1}',
        ),
        (
            {
                "type": "event",
                "endpoint": "/chat",
                "name": "say",
                "args": ["hi"],
                "id": 1,
                "ack": "data",
            },
            '5:1+:/chat:{"args":["hi"],"name":"say"}',
        ),
        (
            {"type": "ack", "endpoint": "", "ackId": 12, "args": ["a", 2]},
            '6:::12+["a",2]',
        ),
        ({"type": "noop", "endpoint": ""}, "8::"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_packets_are_dicts_that_are_written_and_read(packet: Any, text: str) -> None:
    assert encode(packet) == text
    assert decode(text) == packet


def test_the_tables_number_what_the_specification_numbers() -> None:
    kinds = ["disconnect", "connect", "heartbeat", "message", "json", "event"]
    kinds += ["ack", "error", "noop"]
    assert [module.MSG_TYPES[kind] for kind in kinds] == list(range(9))
    assert [module.MSG_VALUES[number] for number in range(9)] == kinds
    reasons = ["transport not supported", "client not handshaken", "unauthorized"]
    assert [module.ERROR_REASONS[reason] for reason in reasons] == [0, 1, 2]
    assert [module.REASONS_VALUES[number] for number in range(3)] == reasons
    assert module.ERROR_ADVICES == {"reconnect": 0}
    assert module.ADVICES_VALUES == {0: "reconnect"}


#: What gevent-socketio's own tests of `encode` ask for.
ENCODED: list[tuple[dict[str, Any], str]] = [
    ({"type": "disconnect", "endpoint": "/woot"}, "0::/woot"),
    ({"type": "connect", "endpoint": "/tobi", "qs": ""}, "1::/tobi"),
    ({"type": "connect", "endpoint": "/test", "qs": "?test=1"}, "1::/test:?test=1"),
    ({"type": "heartbeat", "endpoint": ""}, "2::"),
    ({"type": "message", "endpoint": "", "data": "woot"}, "3:::woot"),
    (
        {"type": "message", "id": 5, "ack": True, "endpoint": "/tobi", "data": ""},
        "3:5:/tobi",
    ),
    ({"type": "json", "endpoint": "", "data": "2"}, '4:::"2"'),
    ({"type": "json", "endpoint": "", "data": Decimal("0.5")}, "4:::0.5"),
    (
        {"type": "json", "id": 1, "ack": "data", "endpoint": "", "data": {"a": "b"}},
        '4:1+::{"a":"b"}',
    ),
    (
        {"type": "event", "name": "woot", "endpoint": "", "args": []},
        '5:::{"name":"woot"}',
    ),
    (
        {"type": "event", "name": "tobi", "endpoint": "", "id": 1, "ack": "data"},
        '5:1+::{"name":"tobi"}',
    ),
    (
        {"type": "event", "name": "edwald", "endpoint": "", "args": [{"a": "b"}, 2]},
        '5:::{"args":[{"a":"b"},2],"name":"edwald"}',
    ),
    ({"type": "ack", "ackId": 140, "endpoint": "", "args": []}, "6:::140"),
    (
        {"type": "ack", "ackId": 12, "endpoint": "", "args": ["woot", "wa"]},
        '6:::12+["woot","wa"]',
    ),
    ({"type": "error", "reason": "", "advice": "", "endpoint": ""}, "7:::"),
    (
        {
            "type": "error",
            "reason": "transport not supported",
            "advice": "",
            "endpoint": "",
        },
        "7:::0",
    ),
    (
        {
            "type": "error",
            "reason": "unauthorized",
            "advice": "reconnect",
            "endpoint": "",
        },
        "7:::2+0",
    ),
    ({"type": "error", "reason": "", "advice": "", "endpoint": "/woot"}, "7:::/woot"),
    ({"type": "noop", "endpoint": ""}, "8::"),
]


@pytest.mark.parametrize(("packet", "text"), ENCODED, ids=[each[1] for each in ENCODED])
def test_packets_are_written_as_gevent_socketio_does(packet: Any, text: str) -> None:
    assert encode(packet) == text
    theirs = pytest.importorskip("socketio.packet")
    assert theirs.encode({**packet}) == text


@pytest.mark.parametrize(
    ("packet", "text"),
    [
        ({"type": "error", "reason": "unauthorized", "advice": "reconnect"}, "7:::2+0"),
        ({"type": "error", "reason": "", "advice": ""}, "7:::"),
    ],
)
def test_errors_are_read(packet: Any, text: str) -> None:
    assert decode(text) == {**packet, "endpoint": ""}


@pytest.mark.parametrize("text", ["5:::", "5:::{", b"5:::"])
def test_an_event_that_cannot_be_read_has_no_name(text: str | bytes) -> None:
    assert decode(text) == {"type": "event", "endpoint": "", "args": []}


def test_what_there_is_not_raises() -> None:
    with pytest.raises(Exception, match="Unknown message type: 9"):
        decode("9::")
    with pytest.raises(KeyError):
        encode({"type": "nonsense", "endpoint": ""})
    with pytest.raises(KeyError):
        encode({"type": "error", "reason": "nonsense", "advice": "", "endpoint": ""})
    with pytest.raises(TypeError):
        encode({"type": "json", "data": object(), "endpoint": ""})


def test_an_event_without_a_name_is_refused(serve: Serve) -> None:
    class Reading(Echo):
        def on_feed(self, text: str) -> None:
            packet = decode(text)
            packet["endpoint"] = self.ns_name
            self.process_packet(packet)

    client = serve({"/chat": Reading}).client()
    client.join("/chat")
    client.emit("/chat", "feed", "5:::")
    assert client.event("/chat")[:2] == ["error", "unallowed_event_name"]
    assert client.call("/chat", "echo", 1) == [1]


def test_a_handler_without_self_is_told_so(
    serve: Serve, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Selfless(Echo):
        def on_wrong() -> None:  # type: ignore[misc]
            raise AssertionError

    client = serve({"/chat": Selfless}).client(kind)
    client.join("/chat")
    client.emit("/chat", "wrong", number=3)
    info = (
        "The server-side method is invalid, as it doesn't have 'self' as its first "
        "argument"
    )
    client.failure("/chat", "invalid_method_args", info)
    assert "on_wrong takes no self: define it as def on_wrong(self, ...)" in caplog.text
    assert client.call("/chat", "echo", 1) == [1]


def test_hits_can_be_counted(serve: Serve) -> None:
    live = serve({"/chat": Echo})
    first, second = live.client(), live.client()
    live.socket(first).incr_hits()
    live.socket(first).incr_hits()
    assert (live.socket(first).hits, live.socket(second).hits) == (2, 0)
