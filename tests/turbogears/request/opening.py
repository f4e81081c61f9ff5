"""The request that opens a connection, for tests that need no server."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

from tg import MinimalApplicationConfigurator
from tg.appwrappers.base import ApplicationWrapper


class FakeSocket:
    """The attributes and methods of a session that a runner uses.

    :ivar ended: how it was ended: by which method, with which reason.
    """

    STATE_CONNECTING = "CONNECTING"
    log_name = "12345678"
    awaits_transport = False

    def __init__(self, state: str = "CONNECTED") -> None:
        self.state = state
        self.environ = {"QUERY_STRING": ""}
        self.active_ns: dict[str, Any] = {}
        self.endings: list[Any] = []

    @property
    def connected(self) -> bool:
        return self.state == "CONNECTED" and not self.endings

    @property
    def ended(self) -> bool:
        return any(how != "finish" for how in self.endings)

    def finish(self) -> None:
        self.endings.append("finish")

    def disconnect(self) -> None:
        self.endings.append("disconnect")

    def kill(self, reason: str) -> None:
        self.endings.append(reason)


class Wrapper(ApplicationWrapper):
    """A wrapper that records events, and may do more."""

    def __init__(self, next_handler: Any, config: Any) -> None:
        super().__init__(next_handler, config)
        self.seen = config["seen"]

    def __call__(self, controller: Any, environ: Any, context: Any) -> Any:
        self.seen.append("before")
        response = self.next_handler(controller, environ, context)
        self.seen.append(response.status_int)
        return response


def configuration(*wrappers: type, **options: Any) -> dict[str, Any]:
    """The configuration of an application.

    :param wrappers: its application wrappers, the outermost first.
    """
    config: dict[str, Any] = MinimalApplicationConfigurator().configure({}, {})
    config.update(options, seen=[], application_wrappers=[(w, w) for w in wrappers])
    return config


def environ_of(socket: FakeSocket, **more: Any) -> dict[str, Any]:
    """The WSGI environment of the request."""
    return {
        "socketio": socket,
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/socketio/",
        "QUERY_STRING": "EIO=4",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(b"the body"),
        **more,
    }


def context_of(config: Any) -> Any:
    """The TurboGears context of the request."""
    return SimpleNamespace(
        config=config,
        app_globals="globals",
        translator="translator",
        session="session",
        cache="cache",
        request=SimpleNamespace(_language=["en"]),
    )
