"""Applications and a socket for tests that post packets with WebTest.

This is how an application of the original tested its namespaces: its root controller
puts a socket whose ``error`` and ``send_packet`` are mocks into the WSGI environment,
and the packet is the body of a request.
"""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import MagicMock

from tg import MinimalApplicationConfigurator, TGController, expose, request
from webtest import TestApp

from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.hub.hub import Hub
from tgext.socketio.engine.hub.settings import Settings
from tgext.socketio.engine.virtsocket import Socket


class Server:
    """Replaces the server, which is not used for posted packets."""

    def __init__(self) -> None:
        settings = Settings(max_channels=3, max_rooms=3, max_pending_acks=3)
        self.hub = Hub(settings, self)
        self.sockets: dict[str, Socket] = {}


def mock_socket() -> Socket:
    socket = Socket(Server(), {})
    socket.error = MagicMock()  # type: ignore[method-assign]
    socket.send_packet = MagicMock()  # type: ignore[method-assign]
    return socket


def make_root(controller: SocketIOController) -> TGController:
    class RootController(TGController):
        socketio = controller

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            if request.environ.get("mocksocketio", True) != "false":
                request.environ["socketio"] = mock_socket()
            request.identity = request.environ.get("repoze.who.identity")
            return super().__call__(*args, **kwargs)

        @expose()
        def index(self) -> str:
            return "front page"

    return RootController()


def make_app(controller: SocketIOController, **options: Any) -> Any:
    """A WSGI application with ``controller`` at ``/socketio``."""
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": make_root(controller), **options})
    return configurator.make_wsgi_app({}, {})


def mount(namespace: type[SocketIOTGNamespace]) -> SocketIOController:
    class SocketIO(SocketIOController):
        test = namespace

    return SocketIO()


class Posted:
    """The outcome of a posted event."""

    def __init__(self, response: Any) -> None:
        self.socket = response.req.environ["socketio"]
        self.namespace = response.req.environ["socketio.namespace"]

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The packets that the namespace sent."""
        return [call.args[0] for call in self.socket.send_packet.call_args_list]

    @property
    def errors(self) -> list[tuple[str, Any]]:
        """The errors that were sent to the client: names and information."""
        return [call.args for call in self.socket.error.call_args_list]


def post(
    namespace: type[SocketIOTGNamespace],
    event: str,
    *args: Any,
    user: str | None = None,
    options: dict[str, Any] | None = None,
) -> Posted:
    """Post an event to a namespace, as a user or anonymously."""
    app = TestApp(make_app(mount(namespace), **(options or {})))
    packet = {"type": "event", "name": event, "endpoint": "/test", "args": args}
    environ: dict[str, Any] = {}
    if user is not None:
        identity = {"repoze.who.userid": user, "groups": (), "permissions": ()}
        environ["repoze.who.identity"] = identity
        environ["repoze.what.credentials"] = {
            "repoze.what.userid": user,
            "groups": (),
            "permissions": (),
        }
    return Posted(
        app.request("/socketio/test", body=json.dumps(packet).encode(), environ=environ)
    )
