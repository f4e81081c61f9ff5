"""Opening a session: the application decides."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tgext.socketio.engine import socketio_manage

from ..clients import RESOURCE, Reply, wait_for
from ..conftest import Live, Serve, manage
from ..runners import Deciding
from ..sample_namespaces import Echo, Witness, fresh

HANDSHAKES = {
    "0.9": "/socket.io/1/",
    "2-polling": "/socket.io/?EIO=3&transport=polling",
    "2-websocket": "/socket.io/?EIO=3&transport=websocket",
    "4-polling": "/socket.io/?EIO=4&transport=polling",
    "4-websocket": "/socket.io/?EIO=4&transport=websocket",
}
LISTED = "https://listed.example"

every_handshake = pytest.mark.parametrize("handshake", HANDSHAKES)


def refusal(live: Live, handshake: str, **headers: str) -> Reply:
    """The answer to a handshake that is refused."""
    target = HANDSHAKES[handshake]
    if handshake.endswith("websocket"):
        return live.websocket(target, headers=headers).refusal()
    return live.http().get(target, headers)


def answering(
    status: str, headers: list[tuple[str, str]] | None = None, body: bytes = b""
) -> Callable[..., Any]:
    """An application that answers without accepting."""

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(status, headers or [])
        return [body]

    return application


def failing(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    raise RuntimeError("the password is sesame")


def timing_out(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    raise gevent.Timeout


def failing_late(environ: dict[str, Any], start_response: Any) -> Any:
    start_response("200 OK", [])
    yield b"a"
    raise RuntimeError("the password is sesame")


def saying_nothing(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    return []


@every_handshake
@pytest.mark.parametrize(
    ("application", "status", "body"),
    [
        (answering("401 Unauthorized", body=b"Who are you?"), 401, b"Who are you?"),
        (answering("403 Forbidden", body=b"Not you"), 403, b"Not you"),
        (answering("404 Not Found", body=b"Not here"), 404, b"Not here"),
        (answering("503 Service Unavailable", body=b"Later"), 503, b"Later"),
        # A redirect to the login.
        (answering("302 Found", [("Location", "/login")]), 401, b"Unauthorized"),
        # A page that does not call socketio_manage.
        (answering("200 OK", body=b"a page"), 400, b"No Socket.IO here"),
        (failing, 500, b""),
        (failing_late, 500, b""),
        (timing_out, 500, b""),
        (saying_nothing, 500, b""),
    ],
)
def test_the_application_refuses(
    serve: Serve,
    handshake: str,
    application: Callable[..., Any],
    status: int,
    body: bytes,
) -> None:
    live = serve(application=application, allowed_origins=[LISTED])
    reply = refusal(live, handshake, Origin=LISTED)
    assert (reply.status, reply.body) == (status, body)
    # The page can read the refusal.
    assert reply.headers["Access-Control-Allow-Origin"] == LISTED
    assert reply.headers["Access-Control-Allow-Credentials"] == "true"
    assert reply.headers["Location"] is None
    assert live.server.sockets == {}


@every_handshake
def test_the_headers_of_a_refusal_are_the_applications(
    serve: Serve, handshake: str
) -> None:
    headers = [("WWW-Authenticate", "Basic"), ("Set-Cookie", "a=1")]
    live = serve(application=answering("401 Unauthorized", headers))
    reply = refusal(live, handshake)
    assert reply.headers["WWW-Authenticate"] == "Basic"
    assert reply.headers["Set-Cookie"] == "a=1"


def test_a_header_without_a_value_is_left_out(
    serve: Serve,
) -> None:
    headers: list[Any] = [("Content-Type", None), ("X-Reason", "none")]
    live = serve(application=answering("500 Internal Server Error", headers))
    reply = refusal(live, "4-polling")
    assert (reply.status, reply.headers["X-Reason"]) == (500, "none")
    assert reply.headers["Content-Type"] is None


def test_an_answer_may_be_written_and_returned(serve: Serve) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        write = start_response("404 Not Found", [])
        write(b"No ")
        return [b"room"]

    live = serve(application=application)
    reply = refusal(live, "0.9")
    assert (reply.status, reply.body) == (404, b"No room")


def test_a_failure_is_logged_and_not_shown(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    reply = refusal(serve(application=failing), "4-polling")
    assert reply.body == b""
    assert "sesame" in caplog.text


@every_handshake
def test_cookies_of_the_application_reach_the_client(
    serve: Serve, handshake: str
) -> None:
    accepting = manage({"/chat": Echo})
    cookies = ["session=abc; HttpOnly; Path=/", "lang=en"]

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        accepting(environ, lambda status, headers: None)
        headers = [("set-cookie", cookies[0]), ("Set-Cookie", cookies[1])]
        start_response("200 OK", [*headers, ("X-Page", "a page's")])
        return [b"a page"]

    live = serve(application=application, handshake_timeout=0.1)
    target = HANDSHAKES[handshake]
    if handshake.endswith("websocket"):
        headers = live.websocket(target).headers
    else:
        headers = live.http().get(target).headers
    assert headers.get_all("Set-Cookie") == cookies
    assert headers["X-Page"] is None


@every_handshake
@pytest.mark.parametrize("value", ["a=b\r\nX-Injected: yes", "a=€", "a=\0"])
def test_a_cookie_that_would_say_more_is_none(
    serve: Serve, handshake: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    accepting = manage({"/chat": Echo})

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        accepting(environ, lambda status, headers: None)
        start_response("200 OK", [("Set-Cookie", value)])
        return [b""]

    live = serve(application=application, handshake_timeout=0.1)
    target = HANDSHAKES[handshake]
    if handshake.endswith("websocket"):
        headers = live.websocket(target).headers
    else:
        headers = live.http().get(target).headers
    assert (headers["Set-Cookie"], headers["X-Injected"]) == (None, None)
    assert "the header Set-Cookie has an invalid value" in caplog.text


@pytest.mark.parametrize("handshake", ["0.9", "4-polling"])
def test_a_handshake_is_not_cached(serve: Serve, handshake: str) -> None:
    live = serve({}, handshake_timeout=0.1)
    reply = live.http().get(HANDSHAKES[handshake])
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Content-Type"] == "text/plain; charset=UTF-8"


def test_the_application_sees_the_request_as_it_came(serve: Serve) -> None:
    seen: list[tuple[Any, ...]] = []

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        if "socketio" in environ:
            names = "REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_COOKIE"
            seen.append(tuple(environ[name] for name in names))
            socketio_manage(environ, {"/chat": Echo})
        start_response("200 OK", [])
        return [b""]

    live = serve(application=application, handshake_timeout=0.1)
    http = live.http()
    for target in ("/socket.io/1/?user=ann", "/socket.io/?EIO=4&transport=polling"):
        http.get(target, {"Cookie": "session=abc"})
    assert seen == [
        ("GET", "/socket.io/1/", "user=ann", "session=abc"),
        ("GET", "/socket.io/", "EIO=4&transport=polling", "session=abc"),
    ]


def test_the_application_opens_no_socket_with_a_page(serve: Serve) -> None:
    seen: list[bool] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append("socketio" in environ)
        start_response("200 OK", [])
        return [b""]

    http = serve(application=application).http()
    for target in ("/", "/socket.io/", "/socket.io/page"):
        http.get(target)
    assert seen == [False] * 3


def test_a_session_with_a_namespace_is_not_dropped(serve: Serve, kind: str) -> None:
    namespace = fresh(Witness)
    live = serve({"/chat": namespace}, handshake_timeout=0.15)
    client = live.client(kind)
    client.join("/chat")
    # This one, which began later, is dropped.
    live.http().get(HANDSHAKES["0.9"])
    wait_for(lambda: len(live.server.sockets) == 1, "the other session is dropped")
    assert client.call("/chat", "echo", 1) == [1]
    assert namespace.left == []


def test_session_ids_are_in_no_log_above_debug(
    serve: Serve, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A reader of the log could use them."""
    caplog.set_level(logging.INFO)
    live = serve({"/chat": fresh(Witness)})
    client = live.client(kind)
    client.join("/chat")
    client.emit("/chat", "unheard")
    client.emit("/chat", "no-name")
    client.read()
    client.send("x" if kind.startswith("0.9") else "4x")
    live.http().get("/page")
    client.close()
    live.expect_nothing_left()
    assert "no_such_method" in caplog.text
    assert client.sid not in caplog.text
    assert "/page" in caplog.text


def test_debugging_shows_the_requests(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "tgext.socketio.engine.server.exchange")
    live = serve({"/chat": Echo})
    client = live.client("4-polling")
    client.close()
    assert client.sid in caplog.text


# The cookie


@every_handshake
@pytest.mark.parametrize(
    ("options", "attributes"),
    [
        ({"cookie": "io"}, "Path=/; HttpOnly; SameSite=Lax"),
        (
            {"cookie": "io", "cookie_samesite": "strict"},
            "Path=/; HttpOnly; SameSite=Strict",
        ),
        (
            {"cookie": "io", "cookie_samesite": "None"},
            "Path=/; HttpOnly; SameSite=None; Secure",
        ),
    ],
)
def test_a_cookie_leads_a_client_to_its_process(
    serve: Serve, handshake: str, options: dict[str, str], attributes: str
) -> None:
    live = serve({"/chat": Echo}, handshake_timeout=0.1, **options)
    target = HANDSHAKES[handshake]
    if handshake.endswith("websocket"):
        headers = live.websocket(target).headers
    else:
        headers = live.http().get(target).headers
    (sid,) = live.server.sockets
    assert headers.get_all("Set-Cookie") == [f"io={sid}; {attributes}"]
    for socket in list(live.server.sockets.values()):
        socket.kill(reason="client namespace disconnect")


@every_handshake
def test_there_is_no_cookie_unless_it_is_wanted(serve: Serve, handshake: str) -> None:
    live = serve({"/chat": Echo})
    target = HANDSHAKES[handshake]
    if handshake.endswith("websocket"):
        headers = live.websocket(target).headers
    else:
        headers = live.http().get(target).headers
    assert headers["Set-Cookie"] is None
    for socket in list(live.server.sockets.values()):
        socket.kill(reason="client namespace disconnect")


def test_a_refused_client_gets_no_cookie(serve: Serve) -> None:
    live = serve(application=answering("401 Unauthorized"), cookie="io")
    assert refusal(live, "4-polling").headers["Set-Cookie"] is None


@pytest.mark.parametrize(
    "options",
    [
        {"cookie": ""},
        {"cookie": "a b"},
        {"cookie": "a;b"},
        {"cookie": "a=b"},
        {"cookie": "a\r\nb"},
        {"cookie": "ä"},
        {"cookie": "io", "cookie_samesite": "lenient"},
        {"header_timeout": 0},
    ],
)
def test_options_that_cannot_be(serve: Serve, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=list(options)[-1]):
        serve({}, **options)


@every_handshake
@pytest.mark.parametrize("accepts", [True, False])
def test_jobs_of_a_refused_client_end(
    serve: Serve, handshake: str, accepts: bool
) -> None:
    jobs: list[gevent.Greenlet[..., Any]] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        jobs.append(environ["socketio"].spawn(Event().wait))
        if accepts:
            environ["socketio"].runner = Deciding()
            socketio_manage(environ, {"/chat": Echo})
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"no"]

    live = serve(application=application)
    assert refusal(live, handshake).status == 403
    wait_for(lambda: jobs[0].dead, "the job ends")
    assert not live.server.hub.registry.endings


def test_a_framework_that_fails_after_it_accepted_has_not(serve: Serve) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if "socketio" in environ:
            environ["socketio"].runner = Deciding()
            socketio_manage(environ, {})
            raise RuntimeError("after all")
        start_response("200 OK", [])
        return []

    live = serve(application=application)
    assert live.http().get(f"{RESOURCE}/?EIO=4&transport=polling").status == 500
    assert not live.server.sockets
