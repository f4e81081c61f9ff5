"""Runners of events that the tests use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tgext.socketio.engine.namespaces.runner import PlainRunner


class Around(PlainRunner):
    """Runs events by a function, which is called with the event's and its arguments."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self._run = run

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        return self._run(function, *args)


class Deciding(PlainRunner):
    """Of a framework whose answer decides about the connection."""

    answer_decides = True
