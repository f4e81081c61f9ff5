"""``socketio_manage``, with which an application accepts a connection."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tgext.socketio.engine import socketio_manage
from tgext.socketio.engine.namespace import BaseNamespace

from .clients import RESOURCE, expect_end_of_session
from .conftest import Serve, manage
from .runners import Deciding
from .sample_namespaces import Echo, Witness, fresh


def test_a_request_that_opens_no_connection_cannot_be_managed(serve: Serve) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with pytest.raises(KeyError, match="socketio"):
            socketio_manage(environ, {"/chat": Echo})
        start_response("200 OK", [])
        return [b"no socket"]

    live = serve(application=application)
    assert live.http().get("/").text == "no socket"


def test_the_request_ends_when_the_connection_is_accepted(
    serve: Serve, kind: str
) -> None:
    """No transaction of the request may live as long as the connection."""
    ended: list[str] = []

    class Body:
        def __iter__(self) -> Any:
            yield b"a page"
            ended.append("read")

        def close(self) -> None:
            ended.append("closed")

    accepting = manage({"/chat": Echo})

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        accepting(environ, start_response)
        return Body()

    client = serve(application=application).client(kind)
    assert ended == ["read", "closed"]
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]
    # No later request of the connection is the application's.
    assert ended == ["read", "closed"]


@pytest.mark.parametrize("managed", [True, False])
def test_a_redirect_refuses(serve: Serve, managed: bool) -> None:
    """A redirect to a login; the wrapper of a framework's view may answer with it."""

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if managed:
            environ["socketio"].runner = Deciding()
            socketio_manage(environ, {"/chat": Echo})
        start_response("302 Found", [("Location", "/login")])
        return []

    live = serve(application=application)
    answer = live.http().get("/socket.io/?EIO=4&transport=polling")
    assert answer.status == 401
    assert live.server.sockets == {}


def test_the_request_is_given_to_the_namespaces(serve: Serve, kind: str) -> None:
    class Asking(BaseNamespace):
        def recv_connect(self) -> None:
            self.emit("known", self.request, self.environ["HTTP_HOST"])

    live = serve(application=manage({"/chat": Asking}, request={"user": "ann"}))
    client = live.client(kind)
    client.join("/chat")
    host = f"127.0.0.1:{live.port}"
    assert client.event("/chat") == ["known", {"user": "ann"}, host]


def test_what_the_server_adds_to_the_environment_is_seen(serve: Serve) -> None:
    seen: list[Any] = []
    accepting = manage({})

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        seen.append(environ.get("app.secret"))
        return accepting(environ, start_response)

    live = serve(application=application)
    live.server.opening_environ["app.secret"] = "sesame"
    live.websocket_5()
    live.http().get("/")
    assert seen == ["sesame", None]


def test_errors_go_to_the_error_handler(serve: Serve, kind: str) -> None:
    def handler(
        socket: Any, name: str, message: Any, endpoint: str, msg_id: Any, quiet: bool
    ) -> None:
        socket[endpoint].emit("oops", name, message, endpoint, msg_id, quiet)

    application = manage({"/chat": Echo}, error_handler=handler)
    client = serve(application=application).client(kind)
    client.join("/chat")
    client.emit("/chat", "unheard")
    info = 'The method "on_unheard" was not found'
    assert client.event("/chat") == [
        "oops",
        "no_such_method",
        info,
        "/chat",
        None,
        False,
    ]


def test_an_application_brings_its_own_json(serve: Serve, kind: str) -> None:
    def loads(text: str) -> Any:
        return json.loads(text.replace("coffee", "tea"))

    def dumps(value: Any) -> str:
        return json.dumps(value).replace("milk", "lemon")

    application = manage({"/chat": Echo}, json_loads=loads, json_dumps=dumps)
    client = serve(application=application).client(kind)
    client.join("/chat")
    answer = client.call("/chat", "echo", "coffee", "milk")
    assert answer == ["tea", "lemon"]


@pytest.mark.parametrize("written", [b"[]", None, 5], ids=repr)
def test_a_json_writer_that_returns_no_text_is_an_error_at_once(
    serve: Serve, written: Any, caplog: pytest.LogCaptureFixture
) -> None:
    application = manage({"/chat": Echo}, json_dumps=lambda value: written)
    live = serve(application=application)
    answer = live.http().get(f"{RESOURCE}/?EIO=4&transport=polling")
    assert answer.status == 500
    name = type(written).__name__
    assert f"json_dumps returned {name}, and has to return str" in caplog.text
    assert live.server.sockets == {}


@pytest.mark.parametrize("error", [ValueError, RecursionError])
def test_json_that_the_applications_parser_refuses_is_a_malformed_packet(
    serve: Serve, kind: str, error: type[Exception]
) -> None:
    def loads(text: str) -> Any:
        if "refuse me" in text:
            raise error
        return json.loads(text)

    namespace = fresh(Witness)
    live = serve(application=manage({"/chat": namespace}, json_loads=loads))
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "echo", "refuse me", number=1)
    if kind.startswith("0.9"):
        assert client.event("")[:2] == ["error", "invalid_packet"]
        assert client.call("/chat", "echo", 1) == [1]
        assert namespace.left == []
    else:
        expect_end_of_session(live.server, client)
        assert namespace.left == ["parse error"]


def test_namespaces_may_be_chosen_by_the_request(serve: Serve) -> None:
    applications: dict[str, Callable[..., Any]] = {
        "ann": manage({"/ann": Echo}),
        "ben": manage({"/ben": Echo}),
    }

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        return applications[environ["HTTP_X_USER"]](environ, start_response)

    live = serve(application=application)
    for user, other in [("ann", "ben"), ("ben", "ann")]:
        client = live.websocket_5(headers={"X-User": user})
        client.join(f"/{user}")
        client.send(f"40/{other},")
        assert client.receive() == f'44/{other},{{"message":"Invalid namespace"}}'
