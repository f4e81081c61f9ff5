"""``SocketIOTest``: the server in this process, users and their cookies."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
from webtest import TestApp

from tgext.socketio.testing import ConnectRefused, NotReceived, SocketIOTest

from .shop import make_app


def test_clients_of_all_generations(app: Any, generation: str) -> None:
    with SocketIOTest(app, generation) as io:
        ann = io.connect("/queue", extra_environ={"REMOTE_USER": "ann"})
        bob = io.connect("/queue", extra_environ={"REMOTE_USER": "bob"})
        assert ann.emit("claim", 7) == (7, "ann")
        assert bob.expect("claimed") == (7, "ann")
        assert bob.received("claimed") == [(7, "ann")]
        assert ann.received("claimed") == []


def test_there_is_no_port_and_no_thread(io: SocketIOTest) -> None:
    before = threading.active_count()
    ann = io.connect("/queue")
    assert ann.emit("echo") is None
    assert threading.active_count() == before
    assert io.server.closed  # it has no listening socket


def test_pages_reach_clients(app: Any, io: SocketIOTest) -> None:
    ann = io.connect("/queue")
    app.get("/tell", {"word": "hello"})
    assert ann.expect("told") == ("hello",)


def test_the_cookies_are_those_of_webtest(app: Any, io: SocketIOTest) -> None:
    app.get("/remember", {"word": "swordfish"})
    assert io.connect("/queue").emit("cookie", "word") == "swordfish"
    assert io.connect("/queue", browser=io.browser()).emit("cookie", "word") is None


def test_the_cookies_of_the_server_are_kept(app: Any) -> None:
    with SocketIOTest(app, cookie="io") as io:
        io.connect("/queue")
    assert "io" in app.cookies


def test_what_webtest_adds_to_all_requests_is_added_to_connections() -> None:
    app = TestApp(make_app(), extra_environ={"REMOTE_USER": "ann"})
    with SocketIOTest(app) as io:
        assert io.connect("/queue").expect("welcome") == ("ann",)


def test_headers(io: SocketIOTest) -> None:
    foreign = {"Origin": "https://elsewhere.example"}
    with pytest.raises(ConnectRefused) as refused:
        io.connect("/queue", headers=foreign)
    assert refused.value.status == 403


def test_an_application_without_webtest() -> None:
    with SocketIOTest(make_app()) as io:
        assert io.connect("/queue").emit("count", 1) == 2
        assert io.app.get("/tell", {"word": "x"}).text == "told"


def test_webtest_is_as_before_at_the_end(app: Any) -> None:
    wsgi = app.app
    with SocketIOTest(app):
        assert app.app is not wsgi
    assert app.app is wsgi


def test_options_of_the_server(app: Any) -> None:
    with SocketIOTest(app, max_connections=1) as io:
        io.connect("/queue")
        with pytest.raises(ConnectRefused, match="HTTP 503: Too many connections"):
            io.connect("/queue")


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"generation": "5"}, ValueError, "'5' is not one of '4', '2', '0.9'"),
        ({"max_conections": 1}, TypeError, "max_conections"),
        ({"max_connections": -1}, ValueError, "max_connections"),
    ],
)
def test_invalid_options(
    app: Any, options: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        SocketIOTest(app, **options)


def test_the_wrong_resource_is_refused_with_the_answer(app: Any) -> None:
    with (
        SocketIOTest(app, resource="socket.io") as io,
        pytest.raises(ConnectRefused) as refused,
    ):
        io.connect("/queue")
    assert refused.value.status == 404


def test_it_has_to_be_entered(app: Any) -> None:
    with pytest.raises(RuntimeError, match="with SocketIOTest"):
        SocketIOTest(app).connect("/queue")


def test_clients_are_told_of_the_end(app: Any) -> None:
    with SocketIOTest(app) as io:
        ann = io.connect("/queue")
    assert ann.disconnect_reason
    with pytest.raises(RuntimeError, match="client 1 in /queue is not connected"):
        ann.emit("echo")


def test_no_socket_of_the_system_is_listened_to(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> None:
        raise AssertionError("a port")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with SocketIOTest(app) as io:
        assert io.connect("/queue").emit("count", 1) == 2


def test_the_timeout(app: Any) -> None:
    with (
        SocketIOTest(app, timeout=0.05) as io,
        pytest.raises(NotReceived, match=r"'never' has not arrived \(in 0.05 s\)"),
    ):
        io.connect("/queue").expect("never")
