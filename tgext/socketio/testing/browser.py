"""WebTest's ``TestApp`` as the browser of clients: they have its cookies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.message import Message as Headers
from http.cookiejar import CookieJar
from typing import Any, Protocol
from urllib.request import Request

from .host import Host
from .link import Answer, Link


class WebTestApp(Protocol):
    """What is needed of ``webtest.TestApp``."""

    app: Any
    cookiejar: CookieJar
    extra_environ: dict[str, Any]


class Browser:
    """Opens the connections of one browser.

    :param host: the server.
    :param app: WebTest's application, whose cookies and ``extra_environ`` it has.
    :param extra_environ: further values for the WSGI environments, as WebTest's
        requests have them: ``{'REMOTE_USER': 'ann'}``.
    :param headers: further headers.
    :param timeout: seconds that an answer may take.
    """

    def __init__(
        self,
        host: Host,
        app: WebTestApp,
        extra_environ: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        timeout: float,
    ) -> None:
        self._host = host
        self._app = app
        self._environ = {**app.extra_environ, **(extra_environ or {})}
        self._headers = headers or {}
        self._timeout = timeout
        self._links: list[Link] = []

    def link(self) -> Link:
        """Connect to the server."""
        link = Link(self._host.connect(self._environ), self._timeout)
        self._links = [each for each in self._links if not each.closed]
        self._links.append(link)
        return link

    def headers(self, target: str) -> dict[str, str]:
        """The headers of a request, cookies included."""
        request = self._request(target)
        self._app.cookiejar.add_cookie_header(request)
        cookies = request.get_header("Cookie")
        own = {"Cookie": cookies} if cookies else {}
        return {"Host": self._place, **own, **self._headers}

    def accept(self, target: str, answer: Answer) -> None:
        """Keep the cookies of an answer."""
        self._app.cookiejar.extract_cookies(
            _Response(answer.headers),  # type: ignore[arg-type]
            self._request(target),
        )

    def each_interval(self, ping: Callable[[], bool]) -> None:
        """Call a function once in each interval of heartbeats, while it is true."""
        interval = self._host.settings.heartbeat_interval
        self._host.hub.timers.add(_Pings(ping, interval), interval)

    @property
    def _place(self) -> str:
        return str(self._environ.get("HTTP_HOST", "localhost:80"))

    def _request(self, target: str) -> Request:
        scheme = self._environ.get("wsgi.url_scheme", "http")
        return Request(f"{scheme}://{self._place}{target}")  # noqa: S310  not opened

    def close(self) -> None:
        """End all its connections."""
        for each in self._links:
            each.drop()


class _Pings:
    """An entry of the server's timer wheel."""

    def __init__(self, ping: Callable[[], bool], interval: float) -> None:
        self.slot = -1
        self._ping = ping
        self._interval = interval

    def on_timer(self, now: float) -> float | None:
        return self._interval if self._ping() else None


class _Response:
    """An answer as :meth:`.CookieJar.extract_cookies` reads it."""

    def __init__(self, headers: Headers) -> None:
        self._headers = headers

    def info(self) -> Headers:
        return self._headers
