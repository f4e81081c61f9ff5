"""Opens sessions: the application answers each handshake like any other request."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

from ...wire.socketio.generations import Generation
from ...wire.socketio.reasons import TRANSPORT_CLOSE
from ..http import HeaderList
from ..http.origins import ANONYMOUS
from ..hub.places import Full, Place
from ..session.session import Socket
from .application import Answer, ask, is_accepted
from .host import Host
from .routes import Route

#: Where WebOb caches the parsed query.
QUERY = "webob._parsed_query_vars"

#: Where WebOb caches what it parsed. This may be forty times as large as the request,
#: and WebOb parses the request again when needed.
PARSED = (QUERY, "webob._parsed_post_vars", "webob._parsed_cookies")


class _Name(str):
    """A name of the WSGI environment that is taken for that of an extension.

    The value of ``socketio`` is no text. Validators (:mod:`wsgiref.validate`, WebTest's
    lint) allow that only for names with a dot; gevent-socketio's has none.
    """

    __slots__ = ()

    def __contains__(self, part: object) -> bool:
        return part == "." or super().__contains__(part)  # type: ignore[operator]


#: The key of the socket in the WSGI environment of a request that opens a connection.
SOCKETIO: Final = _Name("socketio")

#: The key of the WSGI environment by which a framework tells what has answered an
#: opening request, and what would allow it: two texts, for the log.
ANSWERED_BY = "socketio.answered_by"

#: When the framework does not tell.
_APPLICATION = (
    "the application",
    "socketio_resource must be the path of the SocketIOController",
)


class Refused(Exception):
    """The application or a limit refused a connection, with this HTTP answer."""

    def __init__(
        self, status: str, headers: HeaderList, body: bytes, why: str, allow: str = ""
    ) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers
        self.body = body
        #: The reason, for the log.
        self.why = why
        self.allow = allow


def open_session(
    server: Host, environ: dict[str, Any], generation: Generation, route: Route
) -> tuple[Socket, HeaderList]:
    """Let the application accept a connection, by calling ``socketio_manage``.

    The application is called once for a connection, and again if it seems that its
    routes do not know the path; see :func:`.application.ask`.

    :param route: what the URL of the request contains.
    :returns: the socket, and the cookies that the application sets.
    :raises Refused: when the application does not accept the connection, when there are
        too many connections, or when the server stops.
    """
    try:
        place = server.hub.registry.reserve(environ.get("REMOTE_ADDR", ""))
    except Full as full:
        text = "Too many connections"
        raise _plain("503 Service Unavailable", text, full.why) from None
    with place:
        return _open(server, environ, generation, route, place)


def _open(
    server: Host,
    environ: dict[str, Any],
    generation: Generation,
    route: Route,
    place: Place,
) -> tuple[Socket, HeaderList]:
    socket = Socket(server, server.config)
    socket.generation = generation
    socket.state = Socket.STATE_CONNECTING
    environ.update(server.opening_environ)
    environ[SOCKETIO] = socket
    try:
        answer = ask(
            server.application, environ, socket, route.resource, route.transport
        )
        return _add(server, environ, socket, place, answer)
    except BaseException:
        # The application may have started jobs with `spawn`.
        socket.kill(reason=TRANSPORT_CLOSE)
        raise


def _add(
    server: Host,
    environ: dict[str, Any],
    socket: Socket,
    place: Place,
    answer: Answer,
) -> tuple[Socket, HeaderList]:
    """Add the socket if the application has accepted the connection."""
    headers = answer.headers
    anonymous = ANONYMOUS in environ
    if anonymous:
        # In the browser, they would replace the cookies of its user.
        headers = [each for each in headers if each[0].lower() != "set-cookie"]
    if not is_accepted(socket, answer):
        raise _refusal(environ, answer.status, headers, answer.body)
    if socket.ended:
        text = "The session ended while it was opened"
        why = f"the session ended while it was opened: {socket.disconnect_reason}"
        raise _plain("503 Service Unavailable", text, why)
    _shrink(environ)
    server.hub.registry.add(socket, place)
    cookies = [each for each in headers if each[0].lower() == "set-cookie"]
    if server.settings.cookie is not None and not anonymous:
        cookies.append(("Set-Cookie", _sid_cookie(server, environ, socket)))
    return socket, cookies


def _shrink(environ: dict[str, Any]) -> None:
    """Remove from an environ, which outlives the request, what the request needed."""
    for name in PARSED:
        environ.pop(name, None)
    environ["wsgi.input"] = BytesIO()  # the body refers to the HTTP connection
    # A dict takes less memory when its keys are plain texts.
    socket = environ.pop(SOCKETIO, None)
    plain = {name: value for name, value in environ.items()}  # noqa: C416  10 % faster
    if socket is not None:
        plain[str(SOCKETIO)] = socket
    environ.clear()
    environ.update(plain)


def _sid_cookie(server: Host, environ: dict[str, Any], socket: Socket) -> str:
    """The cookie by which a load balancer finds the process of a session."""
    same_site = server.settings.cookie_samesite
    encrypted = environ.get("wsgi.url_scheme") == "https"
    secure = "; Secure" if same_site == "None" or encrypted else ""
    return (
        f"{server.settings.cookie}={socket.sessid}; Path=/; HttpOnly; "
        f"SameSite={same_site}{secure}"
    )


def _refusal(
    environ: dict[str, Any], status: str, headers: HeaderList, body: bytes
) -> Refused:
    who, allow = environ.get(ANSWERED_BY, _APPLICATION)
    answered = f"{who} answered {status}"
    if status[:1] in "45":
        # After an early failure, TurboGears sets Content-Type to None.
        headers = [each for each in headers if each[1] is not None]
        nowhere = status.startswith("404")
        return Refused(status, headers, body, answered, allow if nowhere else "")
    if status[:1] == "3":
        # A redirection to a login page means that the user has to log in.
        return _plain("401 Unauthorized", "Unauthorized", answered)
    why = f"{answered} and did not call socketio_manage"
    return _plain("400 Bad Request", "No Socket.IO here", why, allow)


def _plain(status: str, text: str, why: str, allow: str = "") -> Refused:
    headers = [("Content-Type", "text/plain")]
    return Refused(status, headers, text.encode(), why, allow)
