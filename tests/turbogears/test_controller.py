"""A controller mounts namespaces, and accepts the requests that open connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tg import MinimalApplicationConfigurator, TGController, expose
from tg.predicates import not_anonymous
from webtest import TestApp

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.engine.namespace import BaseNamespace
from tgext.socketio.engine.virtsocket import Socket

from .apps import Server, make_app


class Chat(SocketIOTGNamespace):
    pass


class Plain(BaseNamespace):
    pass


class Sub(TGController):
    @expose()
    def page(self) -> str:
        return "sub page"


class Base(SocketIOController):
    chat = Chat


class Derived(Base):
    plain = Plain
    global_namespace = Chat
    not_a_namespace = "text"
    not_a_namespace_either = Sub
    sub = Sub()

    @expose()
    def index(self, **kw: Any) -> str:
        return "index"

    @expose()
    def page(self, **kw: Any) -> str:
        return "page"


class Guarded(Derived):
    allow_only = not_anonymous(msg="Members only")


def opened(
    controller: SocketIOController, path: str, status: int = 200, **environ: Any
) -> tuple[Any, Socket]:
    """Send the request that opens a connection, as the server does."""
    socket = Socket(Server(), {})  # type: ignore[arg-type]
    application = make_app(controller)

    def server(request_environ: dict[str, Any], start_response: Any) -> Any:
        # WebTest marks its requests with this; those of a server do not have it.
        unmarked = {**request_environ, "socketio": socket}
        del unmarked["paste.testing_variables"]
        return application(unmarked, start_response)

    extra = {"mocksocketio": "false", **environ}
    response = TestApp(server).get(path, extra_environ=extra, status=status)
    return response, socket


def test_namespaces_are_mounted_by_the_names_of_their_attributes() -> None:
    _, socket = opened(Derived(), "/socketio/?EIO=4&transport=polling")
    assert socket.namespaces == {
        "/chat": Chat,
        "/plain": Plain,
        "": Chat,
    }


def test_a_namespace_may_be_set_on_the_class_later() -> None:
    """By a plug, or when a milestone is reached."""

    class Late(Base): ...

    class Later(Chat): ...

    controller = Late()
    _, socket = opened(controller, "/socketio/?EIO=4&transport=polling")
    namespaces = socket.namespaces
    assert namespaces is not None
    assert "/late" not in namespaces
    for cls in (Chat, Later):
        Late.late = cls  # type: ignore[attr-defined]
        assert "/late" in namespaces
        assert namespaces["/late"] is cls
    Late.global_namespace = Chat  # type: ignore[attr-defined]
    assert "" in namespaces
    assert Late.namespace("/late").endpoint == "/late"
    del Late.late  # type: ignore[attr-defined]
    assert "/late" not in namespaces


@pytest.mark.parametrize(
    "endpoint",
    [
        "/",
        "/global_namespace",
        "chat",
        "/sub",
        "/page",
        "/__class__",
        "/mro",
        "/\ud800",
    ],
)
def test_nothing_else_is_a_namespace(endpoint: str) -> None:
    _, socket = opened(Derived(), "/socketio/?EIO=4&transport=polling")
    assert socket.namespaces is not None
    assert endpoint not in socket.namespaces


@pytest.mark.parametrize(
    "path",
    [
        "/socketio/1/",
        "/socketio/1",
        "/socketio/?EIO=4&transport=polling",
        "/socketio/?EIO=4&transport=websocket&t=abc",
        "/socketio?EIO=4&transport=websocket",
    ],
)
def test_no_page_swallows_a_handshake(path: str) -> None:
    response, socket = opened(Derived(), path)
    assert response.text == "done"
    assert socket.namespaces is not None


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/socketio/", "index"),
        ("/socketio/?EIO=4", "index"),
        ("/socketio/page", "page"),
        ("/socketio/sub/page", "sub page"),
    ],
)
def test_pages_are_pages(path: str, text: str) -> None:
    app = TestApp(make_app(Derived()))
    environ = {"mocksocketio": "false"}
    assert app.get(path, extra_environ=environ).text == text


@pytest.mark.cites("Engine.IO 4, Query parameters 2")
@pytest.mark.parametrize(
    "path", ["/socketio/1/", "/socketio/nothing", "/socketio/chat"]
)
def test_other_requests_are_bad(path: str) -> None:
    app = TestApp(make_app(Derived()))
    app.get(path, extra_environ={"mocksocketio": "false"}, status=400)


def test_another_server_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    app = TestApp(make_app(Derived()))
    environ = {"mocksocketio": "false", "SERVER_SOFTWARE": "Waitress 3"}
    for query in ("EIO=4&transport=polling", "EIO=3&transport=websocket"):
        app.get(f"/socketio/?{query}", extra_environ=environ, status=400)
    path = "/socketio/1/?t=1796042645123"
    app.get(path, extra_environ=environ, status=400)
    [line] = [each for each in caplog.messages if "does not serve" in each]
    assert line == (
        "This server (Waitress 3) does not serve Socket.IO, and its clients are "
        "answered 400. Set use = egg:tgext.socketio#socketio in [server:main], and "
        "start with gearbox serve"
    )


def with_another_resource(serve: Callable[..., Live]) -> Live:
    class Root(TGController):
        socketio = Derived()

    configurator = MinimalApplicationConfigurator()
    configurator.update_blueprint({"root_controller": Root()})
    application = configurator.make_wsgi_app({}, {})
    return serve(application=application, resource="socket.io")


def test_the_line_has_no_session_id(
    serve: Callable[..., Live], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tgext.socketio")
    sid = "Afhb4ZsDZ3j-0ryWMxc_Q1"
    url = f"/socketio/1/xhr-polling/{sid}"
    assert with_another_resource(serve).http().get(url).status == 400
    wait_for(lambda: "HTTP/1.1" in caplog.text, "it is logged")
    assert "Refused GET /socketio/1/xhr-polling/... of 127.0.0.1: 400" in caplog.text
    assert sid not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "/socketio/?EIO=4&transport=polling",
        "/socketio?EIO=4&transport=polling",
        "/socketio/?EIO=3&transport=websocket",
        "/socketio/1/?t=1796042645123",
    ],
)
def test_a_client_whose_path_is_not_the_resource_is_told_of(
    serve: Callable[..., Live], caplog: pytest.LogCaptureFixture, url: str
) -> None:
    """Also where the controller has a page ``index``."""
    caplog.set_level("INFO", "tgext.socketio")
    live = with_another_resource(serve)
    assert live.http().get(url).status == 400
    wait_for(lambda: "Refused" in caplog.text, "it is logged")
    [line] = [each for each in caplog.messages if each.startswith("Refused")]
    assert "400, it is a Socket.IO client, and socketio_resource is socket.io; " in line
    assert "list this path in socketio_resource, and set the client's path" in line
    assert "does not serve" not in caplog.text


@pytest.mark.parametrize(
    ("identity", "status"), [(None, 401), ({"repoze.who.userid": "ada"}, 200)]
)
def test_allow_only_decides_who_may_connect(identity: Any, status: int) -> None:
    environ = {}
    if identity:
        environ["repoze.who.identity"] = identity
        environ["repoze.what.credentials"] = {"repoze.what.userid": "ada"}
    path = "/socketio/?EIO=4&transport=polling"
    _, socket = opened(Guarded(), path, status, **environ)
    assert (socket.namespaces is not None) == (status == 200)
