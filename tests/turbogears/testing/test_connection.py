"""Connections: what the client does without being told."""

from __future__ import annotations

from typing import Any

import pytest

from tgext.socketio.testing import ConnectRefused, SocketIOTest
from tgext.socketio.testing.connection import Connection
from tgext.socketio.testing.dialects import DIALECTS
from tgext.socketio.testing.link import Answer


class FakeLink:
    """A server that answers a handshake, and says what the test says."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.sent: list[Any] = []
        self.dropped = False

    def upgrade(self, target: str, headers: Any) -> Answer:
        return Answer(self.status, None, b"no\n")  # type: ignore[arg-type]

    def read(self, take: Any, end: Any) -> None:
        self.take, self.end = take, end

    def send(self, message: Any) -> None:
        self.sent.append(message)

    def drop(self) -> None:
        self.dropped = True


class FakeOpener:
    def __init__(self, status: int = 101) -> None:
        self.made = FakeLink(status)

    def link(self) -> Any:
        return self.made

    def headers(self, target: str) -> dict[str, str]:
        return {}

    def accept(self, target: str, answer: Answer) -> None: ...

    def each_interval(self, ping: Any) -> None: ...


class Opened:
    def __init__(self, version: str = "4") -> None:
        opener = FakeOpener()
        self.packets: list[Any] = []
        self.ends: list[str] = []
        self.connection = Connection(
            opener, DIALECTS[version], "io", self.packets.append, self.ends.append
        )
        self.link = opener.made


def test_pings_are_answered() -> None:
    opened = Opened()
    opened.link.take("2")
    assert opened.link.sent == ["3"]
    assert opened.packets == []


def test_attachments_are_put_in_place() -> None:
    opened = Opened("2")
    opened.link.take('451-["say",{"_placeholder":true,"num":0}]')
    assert opened.packets == []
    opened.link.take(b"\x04\0")
    assert opened.packets[0]["args"] == [b"\0"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [("1", "transport close"), ("4x", "parse error"), (b"\0", "parse error")],
)
def test_ends(message: str | bytes, reason: str) -> None:
    opened = Opened()
    opened.link.take(message)
    assert opened.ends[0].startswith(reason)
    assert opened.link.dropped
    opened.link.take('42["late"]')
    opened.link.end()
    opened.connection.send("late")
    assert (opened.packets, len(opened.ends), opened.link.sent) == ([], 1, [])


def test_a_refusal() -> None:
    with pytest.raises(ConnectRefused, match="/io/ was refused: HTTP 400: no"):
        Connection(FakeOpener(400), DIALECTS["4"], "io", print, print)


def test_an_anonymous_client_0_9_is_refused_at_its_handshake(app: Any) -> None:
    with (
        SocketIOTest(app, "0.9", resource="nowhere") as io,
        pytest.raises(ConnectRefused, match="/nowhere/1/ was refused: HTTP 404"),
    ):
        io.connect("/queue")
