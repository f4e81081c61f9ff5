"""A namespace whose handlers fail."""

from __future__ import annotations

from typing import Any

from gevent.event import AsyncResult

from tgext.socketio.engine.namespaces.base import BaseNamespace


class Failing(BaseNamespace):
    def on_fail(self) -> None:
        raise RuntimeError("the password is sesame")

    def on_time_out(self) -> None:
        answer: AsyncResult[Any] = AsyncResult()
        answer.get(timeout=0.01)  # raises gevent.Timeout

    def on_echo(self, value: Any) -> Any:
        return value
