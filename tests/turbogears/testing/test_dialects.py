"""What clients of each generation write and read, as their protocol documents say."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.testing.dialects import DIALECTS

FIVE, FOUR, ONE = (DIALECTS[version] for version in ("4", "2", "0.9"))


@pytest.mark.parametrize(
    ("version", "endpoint", "auth", "text"),
    [
        ("4", "/chat", None, "40/chat,"),
        ("4", "", {"a": 1}, '40{"a":1}'),
        ("4", "", None, "40"),
        ("2", "/chat", {"a": "1 2"}, "40/chat?a=1+2"),
        ("0.9", "/chat", {"a": 1}, "1::/chat?a=1"),
        ("0.9", "/chat", {}, "1::/chat"),
    ],
)
def test_connects(version: str, endpoint: str, auth: Any, text: str) -> None:
    assert DIALECTS[version].connect(endpoint, auth) == text


@pytest.mark.parametrize(
    ("version", "number", "messages"),
    [
        ("4", 1, ['42/chat,1["say","hi"]']),
        ("4", None, ['42/chat,["say","hi"]']),
        ("2", 1, ['42/chat,1["say","hi"]']),
        ("0.9", 1, ['5:1+:/chat:{"name":"say","args":["hi"]}']),
        ("0.9", None, ['5::/chat:{"name":"say","args":["hi"]}']),
    ],
)
def test_events(version: str, number: int | None, messages: list[str]) -> None:
    assert list(DIALECTS[version].event("/chat", "say", ["hi"], number)) == messages


@pytest.mark.parametrize(("version", "attachment"), [("4", b"\0"), ("2", b"\x04\0")])
def test_bytes(version: str, attachment: bytes) -> None:
    text, sent = DIALECTS[version].event("", "say", [b"\0"], None)
    assert text == '451-["say",{"_placeholder":true,"num":0}]'
    assert sent == attachment


def test_acks() -> None:
    assert list(FIVE.ack("/chat", 7, [1])) == ["43/chat,7[1]"]
    assert list(ONE.ack("/chat", 7, [1])) == ["6::/chat:7+[1]"]


@pytest.mark.parametrize(
    ("version", "text"), [("4", "41/chat,"), ("2", "41/chat,"), ("0.9", "0::/chat")]
)
def test_disconnects(version: str, text: str) -> None:
    assert DIALECTS[version].disconnect("/chat") == text


@pytest.mark.parametrize(
    ("text", "reason", "data"),
    [
        ('44/chat,{"message":"no","data":[1]}', "no", [1]),
        ('44/chat,{"message":"no"}', "no", None),
        ('44/chat,"no"', "no", None),
        ("44/chat,[1]", "", [1]),
    ],
)
def test_refusals(text: str, reason: str, data: Any) -> None:
    packet = FIVE.read(text)
    assert (packet["type"], packet["endpoint"]) == ("error", "/chat")
    assert (packet["reason"], packet["data"]) == (reason, data)


def test_a_refusal_of_the_main_namespace() -> None:
    assert FOUR.read('44"no"')["endpoint"] == ""


@pytest.mark.parametrize(
    ("version", "text", "answer"),
    [
        ("4", "2", "3"),
        ("4", "2probe", "3probe"),
        ("4", '42["2"]', None),
        ("2", "3", None),
        ("0.9", "2::", "2::"),
        ("0.9", "1::", None),
    ],
)
def test_answers_to_pings(version: str, text: str, answer: str | None) -> None:
    assert DIALECTS[version].answer(text) == answer


def test_where_websockets_are_asked_for() -> None:
    assert FIVE.target("io", "") == "/io/?EIO=4&transport=websocket"
    assert FOUR.target("io", "") == "/io/?EIO=3&transport=websocket"
    assert ONE.target("io", "") == "/io/1/"
    assert ONE.target("io", "abc") == "/io/1/websocket/abc"
