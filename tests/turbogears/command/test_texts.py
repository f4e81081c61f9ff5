"""What people read."""

from __future__ import annotations

from tgext.socketio.command.asking import Here
from tgext.socketio.command.description import Call, Controller, Namespace
from tgext.socketio.command.loading import Setting
from tgext.socketio.command.texts import (
    lines_of_controllers,
    lines_of_here,
    lines_of_settings,
)
from tgext.socketio.messaging.roll import Entry, Roll


def test_an_application_without_a_controller() -> None:
    assert list(lines_of_controllers([])) == ["no SocketIOController is mounted"]


def test_a_controller() -> None:
    say = Call("say", "on_say", "text", {"*": "Schema", "text": "Text"}, ("a", "b"))
    chat = Namespace("/", "app:Chat", (), {"history": 3}, (say,), (), "Talk.")
    lines = list(lines_of_controllers([Controller("/io", "app:IO", (), (chat,))]))
    assert lines == [
        "/io  app:IO",
        "",
        "    /  app:Chat",
        "        Talk.",
        "        history = 3",
        "        event say(text)  [a, b]",
        "            all: Schema",
        "            text: Text",
    ]


def test_only_options_that_are_set_are_told() -> None:
    settings = [Setting("a", "1", True), Setting("bcd", "2", False)]
    assert list(lines_of_settings("options", settings)) == ["", "options", "    a  1"]
    assert list(lines_of_settings("options", settings[1:])) == []


def test_who_is_there() -> None:
    entries = [
        Entry("i1", "eve\x1b", "0.9", "websocket", "p1"),
        Entry("i2", "", "1.x/2.x", "", "p2"),
    ]
    here = Here("/chat", "a\nb", Roll(3, entries, 2), {"eve": [{}, {}]})
    assert list(lines_of_here(here)) == [
        "/chat, room a\\nb: 3 clients in 2 processes",
        "    i1  eve\\x1b  0.9 websocket  p1",
        "    i2  (anonymous)  1.x/2.x   p2",
        "    and 1 more",
        "    present: eve (2)",
    ]
    nobody = Here("/", None, Roll(0, [], 0), {})
    assert list(lines_of_here(nobody)) == ["/: 0 clients in 0 processes"]
