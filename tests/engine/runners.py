"""Runners of events that the tests use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tgext.socketio.engine.namespaces.base import BaseNamespace
from tgext.socketio.engine.namespaces.runner import PlainRunner

from .conftest import manage


class Around(PlainRunner):
    """Runs events by a function, which is called with the event's and its arguments."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self._run = run

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        return self._run(function, *args)


class Deciding(PlainRunner):
    """Of a framework whose answer decides about the connection."""

    answer_decides = True


def around(
    namespaces: dict[str, type[BaseNamespace]], function: Callable[..., Any]
) -> Callable[..., Any]:
    """An application whose namespaces run by ``function``."""
    accepting = manage(namespaces)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        if "socketio" in environ:
            environ["socketio"].runner = Around(function)
        return accepting(environ, start_response)

    return application
