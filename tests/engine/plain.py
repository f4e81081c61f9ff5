"""WSGI applications with plain WebSockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event

from tgext.socketio.engine.websocket.wsgi import WebSocket, WebSocketError

from .clients import DEADLINE

Application = Callable[[dict[str, Any], Callable[..., Any]], list[bytes]]


def serving(handle: Callable[[WebSocket], object], **options: Any) -> Application:
    """An application that accepts every WebSocket, with ``options``, and has a page."""

    def application(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> list[bytes]:
        websocket = environ.get("wsgi.websocket")
        if websocket is not None:
            websocket.accept(**options)
            handle(websocket)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"a page"]

    return application


def echo(websocket: WebSocket) -> None:
    for message in websocket:
        websocket.send(message)


class Held:
    """Keeps each connection open and does not receive, until told to."""

    def __init__(self) -> None:
        self.websockets: list[WebSocket] = []
        self._came = Event()
        self.go_on = Event()

    def __call__(self, websocket: WebSocket) -> None:
        self.websockets.append(websocket)
        self._came.set()
        assert self.go_on.wait(DEADLINE)

    def first(self) -> WebSocket:
        """The first connection, once it is there."""
        assert self._came.wait(DEADLINE)
        return self.websockets[0]


class Noted:
    """Receives to the end, and records the messages and the end."""

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.ended: tuple[int | None, str] | None = None
        self._done = Event()

    def __call__(self, websocket: WebSocket) -> None:
        try:
            for message in websocket:
                self.messages.append(message)
        finally:
            self.ended = websocket.close_code, websocket.close_reason
            self._done.set()

    def wait(self) -> tuple[int | None, str]:
        """Wait for the end, and return how it ended."""
        assert self._done.wait(DEADLINE)
        assert self.ended is not None
        return self.ended


def send_until_refused(websocket: WebSocket, message: str | bytes) -> None:
    """Send as fast as possible until the connection ends."""
    try:
        while True:
            websocket.send(message)
            gevent.sleep(0)
    except WebSocketError:
        pass
