"""Answers to Socket.IO requests: which pages may ask, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..http import HeaderList
from ..http.cors import cors_headers
from ..http.origins import (
    drop_credentials,
    is_allowed,
    is_trusted,
    log_refused,
    origin_of,
)
from ..http.refusals import log_refusal
from .dispatch import respond
from .errors import FORBIDDEN, NOSNIFF, TEXT, HTTPError, engine_error
from .opening import Refused
from .request import Body, Connection, Start
from .routes import Route

#: Polls and handshakes are never cached.
_NO_STORE = ("Cache-Control", "no-store")


class Answering:
    """Answers one request.

    :param connection: the HTTP connection.
    :param environ: the request's WSGI environment.
    :param start_response: begins the answer, with a status and headers.
    """

    __slots__ = ("_always", "_connection", "_environ", "_route", "_start_response")

    def __init__(
        self,
        connection: Connection,
        route: Route,
        environ: dict[str, Any],
        start_response: Start,
    ) -> None:
        self._connection = connection
        self._route = route
        self._environ = environ
        self._start_response = start_response
        allowed = connection.server.settings.allowed_origins
        self._always: HeaderList = [NOSNIFF, *cors_headers(environ, allowed)]

    def begin(self) -> Body | None:
        """The body of the answer; None if the client waits for a message."""
        return self.answer(self._respond)

    def answer(self, function: Callable[[], Body | None]) -> Body | None:
        """What a function returns, or the answer that refuses the request."""
        try:
            return function()
        except Refused as refused:
            self._log_refused(refused)
            headers = _without_twins(refused.headers, self._always)
            self._start_response(refused.status, headers)
            return [refused.body]
        except HTTPError as error:
            self._log_refused(error)
            self._start_response(error.status, [*error.headers, *self._always])
            return [error.body]

    def _respond(self) -> Body | None:
        self._check_origin()
        return respond(self._connection, self._route, self._environ, self._start)

    def _start(
        self, status: str = "200 OK", headers: Iterable[tuple[str, str]] = (TEXT,)
    ) -> None:
        self._start_response(status, [*headers, _NO_STORE, *self._always])

    def _check_origin(self) -> None:
        """Refuse a page that may not connect; drop the credentials of an untrusted one.

        :raises HTTPError: when the page may not connect.
        """
        environ, route = self._environ, self._route
        allowed = self._connection.server.settings.allowed_origins
        script, frame = route.jsonp is not None, route.transport == "htmlfile"
        origin = origin_of(environ, script=script, frame=frame)
        if not is_allowed(origin, environ, allowed):
            log_refused(origin, environ, allowed)
            raise engine_error(FORBIDDEN, "403 Forbidden", why=None)
        if not is_trusted(origin, environ, allowed):
            drop_credentials(environ)

    def _log_refused(self, refused: Refused | HTTPError) -> None:
        what = "request" if refused.why is not None else "origin"
        server, route = self._connection.server, self._route
        server.hub.counts.refuse(what, refused.status)
        if refused.why is not None:
            path = f"/{route.resource}/{route.shown}"
            log_refusal(self._environ, path, refused.status, refused.why, refused.allow)


def _without_twins(headers: HeaderList, always: HeaderList) -> HeaderList:
    """An application's headers and ours. Except ``Vary``, ours replace its own."""
    names = {name.lower() for name, _ in always} - {"vary"}
    return [*(each for each in headers if each[0].lower() not in names), *always]
