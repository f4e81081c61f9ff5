"""A log line tells where a request that opens no connection has ended."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from tg import MinimalApplicationConfigurator, TGController, abort, expose

from tests.engine.clients import wait_for
from tests.engine.conftest import Live
from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.request.destination import Destinations


class SocketIO(SocketIOController):
    global_namespace = SocketIOTGNamespace


class Keeper(SocketIOController):
    """Its pages and its sockets have one ``_default``."""

    global_namespace = SocketIOTGNamespace

    @expose()
    def _default(self, *args: Any, **kwargs: Any) -> Any:
        if args and args[0] == "page":
            return "its page"
        return super()._default(*args, **kwargs)


class Forgetful(SocketIOController):
    @expose()
    def _default(self, *args: Any, **kwargs: Any) -> str:
        return "a page"


class Section(TGController):
    live = SocketIO()


class RootController(TGController):
    socket_io = SocketIO()
    keeper = Keeper()
    forgetful = Forgetful()
    section = Section()

    def __init__(self) -> None:
        super().__init__()
        self.later = SocketIO()

    @expose()
    def page(self, *args: Any, **kwargs: Any) -> str:
        return "a page"

    @expose()
    def forbidden(self, *args: Any, **kwargs: Any) -> None:
        abort(403)

    @expose()
    def socket(self, *args: Any, **kwargs: Any) -> None:
        """Where TurboGears would look for ``/socket.io/``."""
        abort(503)


class Empty(TGController):
    pass


#: The opening requests of all generations, below the resource.
HANDSHAKES = {
    "0.9": "/1/",
    "2": "/?EIO=3&transport=polling",
    "4": "/?EIO=4&transport=polling",
    "4, without a slash": "?EIO=4&transport=polling",
}

every_handshake = pytest.mark.parametrize("handshake", HANDSHAKES.values())

MOUNTED = (
    " (socketio_resource must be the path of a SocketIOController; "
    "the application has them at forgetful, keeper, later, socket_io, section/live)"
)


def application(root: TGController | None = None, **options: Any) -> Any:
    configurator = MinimalApplicationConfigurator()
    blueprint = {"root_controller": root or RootController(), **options}
    configurator.update_blueprint(blueprint)
    return Destinations(configurator.make_wsgi_app({}, {}))


Serve = Callable[..., Live]


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines about refused requests."""
    return [each for each in caplog.messages if each.startswith("Refused")]


@every_handshake
@pytest.mark.parametrize(
    "options", [{}, {"disable_request_extensions": True}], ids=["extensions", "none"]
)
@pytest.mark.parametrize("resource", ["socket.io", "socket_io", "section/live"])
def test_the_controller_is_found(
    serve: Serve, resource: str, options: dict[str, Any], handshake: str
) -> None:
    """``socket.io``, where clients look by themselves, is the attribute socket_io."""
    live = serve(
        application=application(**options), resource=resource, handshake_timeout=0.1
    )
    answer = live.http().get(f"/{resource}{handshake}")
    assert (answer.status, b"websocket" in answer.body) == (200, True)


def test_the_application_is_asked_once(serve: Serve) -> None:
    asked = []
    inner = application()

    def counting(environ: dict[str, Any], start_response: Any) -> Any:
        asked.append(environ["PATH_INFO"])
        return inner(environ, start_response)

    live = serve(application=counting, resource="socket.io", handshake_timeout=0.1)
    assert live.http().get("/socket.io/?EIO=4&transport=polling").status == 200
    assert asked == ["/socket.io/"]


@pytest.mark.parametrize(
    ("resource", "status", "ended"),
    [
        ("nowhere", 404, f"TurboGears answered 404 Not Found{MOUNTED}"),
        ("section/nowhere", 404, f"TurboGears answered 404 Not Found{MOUNTED}"),
        (
            "page",
            400,
            "RootController.page answered 200 OK and did not call socketio_manage"
            + MOUNTED,
        ),
        ("forbidden", 403, "RootController.forbidden answered 403 Forbidden"),
        (
            "forgetful",
            400,
            "Forgetful._default answered 200 OK and did not call socketio_manage "
            "(it must return super()._default(*args, **kwargs))",
        ),
    ],
)
@every_handshake
def test_the_log_tells_where_it_ended(
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    resource: str,
    status: int,
    ended: str,
    handshake: str,
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    live = serve(application=application(), resource=resource)
    assert live.http().get(f"/{resource}{handshake}").status == status
    wait_for(lambda: bool(lines(caplog)), "it is logged")
    [line] = lines(caplog)
    path = f"/{resource}{'/1/' if handshake == '/1/' else '/'}"
    assert line == f"Refused GET {path} of 127.0.0.1: {status}, {ended}"


def test_an_application_without_a_controller_for_sockets_has_none(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tgext.socketio")
    live = serve(application=application(Empty()), resource="socketio")
    assert live.http().get("/socketio/1/").status == 404
    wait_for(lambda: bool(lines(caplog)), "it is logged")
    assert lines(caplog)[0].endswith("SocketIOController; the application has none)")


def test_what_is_not_turbogears_is_the_application(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def elsewhere(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("404 Not Found", [])
        return [b""]

    caplog.set_level(logging.INFO, "tgext.socketio")
    live = serve(application=Destinations(elsewhere), resource="socketio")
    assert live.http().get("/socketio/1/").status == 404
    wait_for(lambda: bool(lines(caplog)), "it is logged")
    assert "404, the application answered 404 Not Found (" in lines(caplog)[0]


@every_handshake
def test_a_default_of_one_s_own_accepts_with_that_of_the_base_class(
    serve: Serve, handshake: str
) -> None:
    live = serve(application=application(), resource="keeper", handshake_timeout=0.1)
    assert live.http().get(f"/keeper{handshake}").status == 200
    assert live.http().get("/keeper/page").body == b"its page"


def test_pages_keep_their_extension(serve: Serve) -> None:
    class Root(TGController):
        @expose("json")
        @expose(content_type="text/plain")
        def page(self) -> Any:
            return {"is": "JSON"}

    live = serve(application=application(Root(), renderers=["json"]))
    assert live.http().get("/page.json").body == b'{"is": "JSON"}'
