"""What ``environ`` of a 0.9 client's namespaces shows: the request of its transport."""

from __future__ import annotations

from typing import Any

import pytest

from ..clients import RESOURCE, handshake_1
from ..conftest import Live, Serve, manage
from ..sample_namespaces import Echo

#: The names that the tests look at.
SHOWN = ("PATH_INFO", "QUERY_STRING", "REQUEST_METHOD", "HTTP_COOKIE", "app.user")


class Showing(Echo):
    def recv_connect(self) -> None:
        self.emit("shown", *[self.environ.get(name) for name in SHOWN])


class Main(Showing):
    def initialize(self) -> None:
        self.emit("initialized", self.environ["PATH_INFO"])


def application(environ: dict[str, Any], start_response: Any) -> Any:
    """Finds out who asks, by the cookie of the handshake."""
    environ["app.user"] = environ.get("HTTP_COOKIE", "anonymous")
    return manage({"/chat": Showing, "/quiet": Echo})(environ, start_response)


def below(mount: str) -> Any:
    """An application in front, which passes on what is below a path."""

    def dispatcher(environ: dict[str, Any], start_response: Any) -> Any:
        environ["SCRIPT_NAME"] = mount
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(mount)
        return application(environ, start_response)

    return dispatcher


class Session:
    """A 0.9 session.

    :param query: of the transport's request.
    :param asked: that of the handshake; None if it is the same.
    :param cookies: of the two requests, ``handshake`` and ``later``.
    """

    def __init__(
        self,
        live: Live,
        transport: str,
        query: str = "",
        asked: str | None = None,
        **cookies: str,
    ) -> None:
        http = live.http()
        asked = query if asked is None else asked
        target = f"{RESOURCE}/1/?{asked[1:]}&t=1700000000000"
        reply = http.get(target, headers=self.headers(cookies.get("handshake")))
        self.sid = reply.text.partition(":")[0]
        self.path = f"{RESOURCE}/1/{transport}/{self.sid}"
        target, later = self.path + query, self.headers(cookies.get("later"))
        if transport == "websocket":
            websocket = live.websocket(target, headers=later)
            assert websocket.receive_frame()[1] == "1::"
        else:
            assert live.http().get(target, headers=later).text == "1::"
        self.socket = live.server.sockets[self.sid]

    @staticmethod
    def headers(cookie: str | None) -> dict[str, str]:
        return {} if cookie is None else {"Cookie": cookie}


def shown(session: Session, *names: str) -> list[Any]:
    """What the environment of a session shows; then the session is ended."""
    environ = session.socket.environ
    assert environ is not None
    session.socket.kill()
    return [environ.get(name) for name in names]


@pytest.fixture(params=["websocket", "xhr-polling"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("query", ["", "?room=a&t=1", "?room=%C3%A9"])
def test_the_path_and_the_query_are_those_of_the_page(
    serve: Serve, transport: str, query: str
) -> None:
    session = Session(serve(application=application), transport, query)
    assert shown(session, "PATH_INFO", "QUERY_STRING", "REQUEST_METHOD") == [
        session.path,
        query[1:],
        "GET",
    ]


def test_who_the_client_is_stays_what_the_handshake_said(
    serve: Serve, transport: str
) -> None:
    """Nobody becomes another user by the cookies of a later request."""
    live = serve(application=application)
    for handshake, later in [("user=ann", "user=ben"), (None, "user=ben")]:
        cookies = {"handshake": handshake, "later": later}
        known = {name: each for name, each in cookies.items() if each is not None}
        session = Session(live, transport, **known)
        assert shown(session, "HTTP_COOKIE", "app.user") == [
            handshake,
            handshake or "anonymous",
        ]


@pytest.mark.parametrize(
    ("asked", "query"),
    [
        ("?user=ann&sign=1", "?user=ben&sign=1"),
        ("?user=ann", ""),
        ("", "?user=ben"),
        ("?user=ann", "?user=ann&user=ben"),
        ("?user=ann", "?user=ann&t=ben"),
    ],
)
def test_the_query_is_one_that_the_application_was_asked_with(
    serve: Serve, transport: str, asked: str, query: str
) -> None:
    """It may have checked a token in it."""
    session = Session(serve(application=application), transport, query, asked)
    [seen] = shown(session, "QUERY_STRING")
    assert seen == f"{asked[1:]}&t=1700000000000"


def test_a_part_of_the_path_may_be_that_of_a_dispatcher(
    serve: Serve, transport: str
) -> None:
    session = Session(serve(application=below(RESOURCE)), transport)
    names = ("SCRIPT_NAME", "PATH_INFO")
    assert shown(session, *names) == [RESOURCE, session.path.removeprefix(RESOURCE)]


@pytest.mark.parametrize("query", ["", "?token=1"])
def test_namespaces_see_it_when_they_are_made(serve: Serve, query: str) -> None:
    live = serve({"": Main, "/chat": Showing})
    client = live.websocket_1()
    path = f"{RESOURCE}/1/websocket/{client.sid}"
    assert client.event("") == ["initialized", path]
    assert client.event("") == ["shown", path, "", "GET", None, None]
    client.send(f"1::/chat:{query}")
    assert client.read()["type"] == "connect"
    assert client.event("/chat") == ["shown", path, query[1:], "GET", None, None]


def test_only_a_websocket_has_a_websocket(serve: Serve, transport: str) -> None:
    session = Session(serve(application=application), transport)
    [websocket] = shown(session, "wsgi.websocket")
    assert (websocket is not None) == (transport == "websocket")


@pytest.mark.parametrize("kind", ["2-websocket", "4-websocket", "2-polling"])
def test_for_other_clients_it_is_the_handshake(serve: Serve, kind: str) -> None:
    live = serve(application=application)
    environ = live.socket(live.client(kind)).environ
    assert environ is not None
    assert environ["PATH_INFO"] == f"{RESOURCE}/"
    assert environ["QUERY_STRING"].startswith("EIO=")
    assert "wsgi.websocket" not in environ


def test_a_session_without_a_transport_has_that_of_the_handshake(serve: Serve) -> None:
    live = serve(application=application)
    sid, _ = handshake_1(live.http())
    socket = live.server.sockets[sid]
    environ = socket.environ
    assert environ is not None
    socket.kill()
    assert environ["PATH_INFO"] == f"{RESOURCE}/1/"
