"""A namespace that a function makes is told first of all whom it stands for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tgext.socketio.engine.namespaces.beginning import begin, beginning_with


def test_the_first_namespace_begins_and_no_other() -> None:
    socket = SimpleNamespace()
    environ = {"PATH_INFO": "/socket.io/", "socketio": socket}
    begun: list[Any] = []
    marked = beginning_with(environ, begun.append)
    first, second = (SimpleNamespace(environ=marked) for _ in range(2))
    for each in (first, second, SimpleNamespace(environ=environ)):
        begin(each)
    assert begun == [first]
    assert marked == environ == {"PATH_INFO": "/socket.io/", "socketio": socket}
