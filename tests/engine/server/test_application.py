"""How the application is asked about a connection, and what counts as its decision."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tgext.socketio.engine import socketio_manage

from ..clients import Reply
from ..conftest import Live, Serve
from ..sample_namespaces import Echo

Application = Callable[..., Any]

#: Handshakes by the name of a client's kind.
HANDSHAKES = {
    "0.9": "/socket.io/1/",
    "2-polling": "/socket.io/?EIO=3&transport=polling",
    "2-websocket": "/socket.io/?EIO=3&transport=websocket",
    "4-polling": "/socket.io/?EIO=4&transport=polling",
    "4-websocket": "/socket.io/?EIO=4&transport=websocket",
}

every_handshake = pytest.mark.parametrize("handshake", HANDSHAKES)


def refusal(live: Live, handshake: str) -> Reply:
    """The answer to a handshake that is refused."""
    target = HANDSHAKES[handshake]
    if handshake.endswith("websocket"):
        return live.websocket(target).refusal()
    return live.http().get(target)


def managing(answer: Application) -> Application:
    """An application that accepts every connection before it answers."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        if "socketio" in environ:
            socketio_manage(environ, {"/chat": Echo})
        return answer(start_response)

    return application


def answering(status: str, *headers: tuple[str, str]) -> Application:
    def answer(start_response: Any) -> list[bytes]:
        start_response(status, list(headers))
        return [b"a page"]

    return answer


def nothing(start_response: Any) -> None:
    """As a view without `return`."""


def text(start_response: Any) -> str:
    start_response("200 OK", [])
    return "done"


def silent(start_response: Any) -> list[bytes]:
    return [b""]


def failing(start_response: Any) -> Any:
    """As Flask in debug mode, when a view has returned None."""
    raise TypeError("the view did not return a response")


def failing_late(start_response: Any) -> Any:
    start_response("200 OK", [])
    yield b"a"
    raise RuntimeError("sesame")


ANSWERS: dict[str, Application] = {
    "None": nothing,
    "text": text,
    "no status": silent,
    "an exception": failing,
    "an exception while it is read": failing_late,
    "200": answering("200 OK"),
    "204": answering("204 No Content"),
    "a redirection": answering("302 Found", ("Location", "/login")),
    "404": answering("404 Not Found"),
    "500": answering("500 Internal Server Error"),
    "an invalid header": answering("200 OK", ("X-A", "a\r\nb")),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_calling_socketio_manage_accepts(serve: Serve, kind: str, answer: str) -> None:
    """gevent-socketio threw the application's answer away."""
    client = serve(application=managing(ANSWERS[answer])).client(kind)
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]


@every_handshake
@pytest.mark.parametrize("answer", set(ANSWERS) - {"a redirection", "404"})
def test_who_does_not_call_it_refuses(
    serve: Serve, handshake: str, answer: str
) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        return ANSWERS[answer](start_response)

    live = serve(application=application)
    assert refusal(live, handshake).status in (400, 500)
    assert live.server.sockets == {}


# Routes


def routing(
    pattern: str, seen: list[str] | None = None, otherwise: str = "404 Not Found"
) -> Application:
    """An application with one route, which keeps what it finds in the environ."""
    route = re.compile(pattern)

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if "router.path" in environ:
            raise AssertionError("it was called with the environ of another call")
        path = environ["router.path"] = environ["PATH_INFO"]
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = path, ""
        if seen is not None:
            seen.append(path)
        if not route.fullmatch(path):
            start_response(otherwise, [("Content-Type", "text/plain")])
            return [b"no such page"]
        socketio_manage(environ, {"/chat": Echo})
        start_response("200 OK", [])
        return [b""]

    return application


@pytest.mark.parametrize(
    "pattern",
    [
        r"/socket\.io/[^/].*?",  # /socket.io/<path:rest> of Flask and Bottle
        r"/socket\.io/.*",  # socket.io/*remaining of Pyramid
        r"/socket\.io.*",  # ^socket\.io of Django
        r"/socket\.io/1/websocket/[^/]+|/socket\.io/1/xhr-polling/[^/]+",
        r"/socket\.io/(1/)?",
    ],
)
def test_all_clients_reach_a_route(serve: Serve, kind: str, pattern: str) -> None:
    client = serve(application=routing(pattern)).client(kind)
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]


@pytest.mark.parametrize("otherwise", ["200 OK", "204 No Content"])
def test_a_route_for_any_page_may_match_first(
    serve: Serve, kind: str, otherwise: str
) -> None:
    application = routing(r"/socket\.io/1/.*", otherwise=otherwise)
    client = serve(application=application).client(kind)
    client.join("/chat")
    assert client.call("/chat", "echo", 1) == [1]


@pytest.mark.parametrize(
    ("handshake", "first", "then"),
    [
        ("0.9", "/socket.io/1/", "websocket"),
        ("2-polling", "/socket.io/", "xhr-polling"),
        ("2-websocket", "/socket.io/", "websocket"),
        ("4-polling", "/socket.io/", "xhr-polling"),
        ("4-websocket", "/socket.io/", "websocket"),
    ],
)
def test_after_a_404_it_is_asked_with_the_path_of_gevent_socketio(
    serve: Serve, handshake: str, first: str, then: str
) -> None:
    seen: list[str] = []
    live = serve(application=routing("/elsewhere", seen))
    answer = refusal(live, handshake)
    assert (answer.status, answer.body) == (404, b"no such page")
    assert seen[0] == first
    assert re.fullmatch(rf"/socket\.io/1/{then}/[\w-]{{22}}", seen[1])
    assert len(seen) == 2


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "410 Gone"])
def test_after_another_refusal_it_is_not_asked_again(serve: Serve, status: str) -> None:
    calls: list[str] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        calls.append(environ["PATH_INFO"])
        start_response(status, [])
        return [b""]

    refusal(serve(application=application), "4-polling")
    assert calls == ["/socket.io/"]


def test_another_resource_has_a_path_of_its_own(serve: Serve) -> None:
    seen: list[str] = []
    live = serve(application=routing("/elsewhere", seen), resource="/live/chat/")
    target = "/live/chat/?EIO=4&transport=websocket"
    assert live.websocket(target).refusal().status == 404
    assert seen[1].startswith("/live/chat/1/websocket/")


def test_a_page_is_asked_for_once(serve: Serve) -> None:
    calls: list[str] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        calls.append(environ["PATH_INFO"])
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b""]

    live = serve(application=application)
    assert live.http().get("/socket.io/page").status == 404
    assert calls == ["/socket.io/page"]
