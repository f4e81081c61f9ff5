"""Messages that applications send over a plain WebSocket, as opcodes and payloads."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.engine.websocket.messages import outgoing
from tgext.socketio.wire.websocket.frames import BINARY, TEXT


@pytest.mark.parametrize(
    ("message", "binary", "frame"),
    [
        ("é", None, (TEXT, b"\xc3\xa9")),
        ("é", False, (TEXT, b"\xc3\xa9")),
        ("é", True, (BINARY, b"\xc3\xa9")),
        ("a\ud800", None, (TEXT, b"a?")),
        (b"\xff", None, (BINARY, b"\xff")),
        (b"\xff", True, (BINARY, b"\xff")),
        (b"\xc3\xa9", False, (TEXT, b"\xc3\xa9")),
        (bytearray(b"a"), None, (BINARY, b"a")),
        (memoryview(b"abc")[1:], None, (BINARY, b"bc")),
        ("", None, (TEXT, b"")),
    ],
)
def test_a_message_is_text_or_bytes(
    message: Any, binary: bool | None, frame: tuple[int, bytes]
) -> None:
    assert outgoing(message, binary) == frame


@pytest.mark.parametrize("message", [None, 5, ["a"], {"a": 1}])
def test_other_values_are_refused_with_what_to_do(message: Any) -> None:
    with pytest.raises(TypeError, match="send_json"):
        outgoing(message, None)


def test_text_is_utf_8() -> None:
    with pytest.raises(UnicodeDecodeError):
        outgoing(b"\xff", False)
