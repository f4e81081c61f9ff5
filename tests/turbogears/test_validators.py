"""Validators of WSGI stand between the server and the application."""

from __future__ import annotations

import wsgiref.validate
from collections.abc import Callable
from typing import Any

import pytest
from tg import MinimalApplicationConfigurator, TGController, expose
from webtest import lint

from tests.engine.clients import KINDS
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.request.cookies import CookieWatch
from tgext.socketio.request.destination import Destinations

seen: list[dict[str, Any]] = []


class Chat(SocketIOTGNamespace):
    def on_whose(self) -> bool:
        return self.environ["socketio"] is self.socket


class SocketIO(SocketIOController):
    chat = Chat


class RootController(TGController):
    socketio = SocketIO()

    @expose(content_type="text/plain")
    def index(self) -> str:
        return "front page"


def reading(application: Any) -> Any:
    """A middleware that uses gevent-socketio's name."""

    def read(environ: dict[str, Any], start_response: Any) -> Any:
        if "socketio" in environ:
            assert environ["socketio"].sessid
            seen.append(dict(environ))
        return application(environ, start_response)

    return read


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "validate", [wsgiref.validate.validator, lint.middleware], ids=["wsgiref", "lint"]
)
def test_a_validator_accepts_the_environ_of_a_connection(
    serve: Callable[..., Live], validate: Callable[[Any], Any], kind: str
) -> None:
    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": RootController()})
    inner = reading(configurator.make_wsgi_app({}, {}))
    seen.clear()
    application = CookieWatch(validate(Destinations(validate(inner))))
    live = serve(application=application, resource="socketio")
    client = live.client(kind)
    client.join("/chat")
    assert client.call("/chat", "whose") == [True]
    assert live.http().get("/").body == b"front page"
    [environ] = seen
    assert environ["socketio"].namespaces == {"/chat": Chat}
